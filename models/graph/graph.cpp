#include "models/graph/graph.h"

#include <set>
#include <type_traits>
#include <utility>

#include "models/base/error.h"
#include "models/ops/checks.h"

namespace corank {
namespace {

void check_value(const Value& value) {
  if (value.shape.empty() || value.shape.size() > 3) {
    throw InputError(value.name + ": expected one to three dimensions, found the shape " +
                     to_string(value.shape));
  }
  for (const std::int64_t dimension : value.shape) {
    if (dimension < 1) {
      throw InputError(value.name + ": expected dimensions of at least 1, found the shape " +
                       to_string(value.shape));
    }
  }
  if (value.dtype == DType::I64 && value.role == Role::kInput) return;
  require_dtype(value, {DType::F32, DType::BF16}, value.name);
  if (value.role == Role::kTrainable || value.role == Role::kState) {
    require_dtype(value, {DType::F32}, value.name);
  }
  if (value.storage && (value.role != Role::kFrozen || value.shape.size() != 2)) {
    throw InputError(value.name + ": is packed (" + to_string(*value.storage) +
                     "); expected that of frozen matrices alone");
  }
}

}  // namespace

ValueId add_value(Graph& graph, Value value) {
  return add_value(graph, std::move(value), graph.origin);
}

ValueId add_value(Graph& graph, Value value, const Origin& origin) {
  value.origin = origin;
  graph.values.push_back(std::move(value));
  return static_cast<ValueId>(graph.values.size()) - 1;
}

std::optional<ValueId> find_value(const Graph& graph, const std::string& name) {
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    if (graph.values[i].name == name) return static_cast<ValueId>(i);
  }
  return std::nullopt;
}

std::vector<ValueId> operands_of(const Op& op) {
  return std::visit([](const auto& one) { return operands_of(one); }, op);
}

std::vector<ValueId> results_of(const Op& op) {
  return std::visit([](const auto& one) { return results_of(one); }, op);
}

void replace_operands(Op& op, const Replace& replace) {
  std::visit([&](auto& one) { visit_operands(one, [&](ValueId& id) { id = replace(id); }); }, op);
}

void replace_results(Op& op, const Replace& replace) {
  std::visit([&](auto& one) { visit_results(one, [&](ValueId& id) { id = replace(id); }); }, op);
}

const std::string& result_name(const Graph& graph, const Op& op) {
  return graph.value(results_of(op).front()).name;
}

const Origin& origin_of(const Graph& graph, const Op& op) {
  return graph.value(results_of(op).front()).origin;
}

bool is_update(const Graph& graph, const Op& op) {
  return origin_of(graph, op).kind.pass == Pass::kUpdate;
}

const OpTraits& traits_of(const Op& op) {
  return *std::visit([](const auto& one) { return &std::decay_t<decltype(one)>::kTraits; }, op);
}

const char* name_of(const Op& op) { return traits_of(op).name; }

const Contraction* contraction_of(const Op& op) { return std::get_if<Contraction>(&op); }

std::int64_t stored_bytes(const Value& value) {
  if (value.storage) return stored_bytes(*value.storage, value.shape);
  return element_count(value.shape) * static_cast<std::int64_t>(bytes_of(value.dtype));
}

bool is_computed(const Value& value) {
  return value.role == Role::kIntermediate || value.role == Role::kResult;
}

bool is_fed(const Value& value) {
  return value.role == Role::kInput || value.role == Role::kConstants;
}

void check(const Graph& graph) {
  std::set<std::string> names;
  std::vector<bool> available(graph.values.size());
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    const Value& value = graph.values[i];
    check_value(value);
    if (!names.insert(value.name).second) {
      throw InputError(value.name + ": two values have this name");
    }
    available[i] = !is_computed(value);
  }
  for (const Op& op : graph.ops) {
    std::visit([&](const auto& one) { check_results(graph, one); }, op);
    for (const ValueId id : operands_of(op)) {
      if (!available[static_cast<std::size_t>(id)]) {
        throw InputError(graph.value(id).name + ": read before it is written");
      }
    }
    for (const ValueId id : results_of(op)) {
      if (!is_computed(graph.value(id))) {
        throw InputError(graph.value(id).name + ": given with the step, yet written by an op");
      }
      if (available[static_cast<std::size_t>(id)]) {
        throw InputError(graph.value(id).name + ": written twice");
      }
      available[static_cast<std::size_t>(id)] = true;
    }
  }
}

}  // namespace corank
