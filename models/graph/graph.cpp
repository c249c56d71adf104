#include "models/graph/graph.h"

#include <set>
#include <type_traits>
#include <utility>

#include "models/base/error.h"
#include "models/ops/checks.h"

namespace corank {
namespace {

template <class X>
void check_results(const Graph& graph, const X& op) {
  const std::vector<ValueId> results = results_of(op);
  const std::string name = existing_operand(graph, results.front(), "an op").name;
  const std::vector<Shape> shapes = infer_shapes(graph, name, op);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Value& out = float_operand(graph, results[i], name);
    require_shape(out, shapes[i], out.name);
  }
}

void check_op(const Graph& graph, const Contraction& op) {
  const Value& out = existing_operand(graph, op.out, "a contraction");
  const Shape expected = infer_shapes(graph, out.name, op).front();
  const bool vector = out.shape.size() == 1 && expected.front() == 1 &&  // one row
                      expected.size() == 2 && expected.back() == out.shape.front();
  if (out.shape != expected && !vector) {
    throw InputError(out.name + ": expected the shape " + to_string(expected) + ", found " +
                     to_string(out.shape));
  }
}

void check_op(const Graph& graph, const Convert& op) {
  const Value& out = existing_operand(graph, op.out, "a conversion");
  const Value& in = existing_operand(graph, op.in, out.name);
  infer_shapes(graph, out.name, op);
  require_dtype(out, {DType::BF16}, out.name);
  if (in.shape != out.shape) {
    throw InputError(out.name + ": expected the shape of " + typed(in) + ", found " +
                     to_string(out.shape));
  }
}

template <class X>
void check_op(const Graph& graph, const X& op) {
  if constexpr (std::is_same_v<X, AdamW> || std::is_same_v<X, Sgd> ||
                std::is_same_v<X, ClipGradients>) {
    infer_shapes(graph, "", op);  // checks its results, too
  } else {
    check_results(graph, op);
  }
}

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
}

}  // namespace

ValueId add_value(Graph& graph, Value value) {
  value.origin = graph.origin;
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
  std::visit(
      [&](auto& one) {
        std::decay_t<decltype(one)>::visit_operands(one, [&](ValueId& id) { id = replace(id); });
      },
      op);
}

void replace_results(Op& op, const Replace& replace) {
  std::visit(
      [&](auto& one) {
        std::decay_t<decltype(one)>::visit_results(one, [&](ValueId& id) { id = replace(id); });
      },
      op);
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

const char* name_of(const Op& op) {
  // In the order of the alternatives.
  constexpr const char* kNames[] = {"contraction",
                                    "convert",
                                    "adamw",
                                    "sgd",
                                    "add",
                                    "multiply",
                                    "scale",
                                    "activation",
                                    "activation_gradient",
                                    "gated_activation",
                                    "gated_activation_gradient",
                                    "rms_norm",
                                    "rms_norm_gradient",
                                    "rms_norm_weight_gradient",
                                    "layer_norm",
                                    "layer_norm_gradient",
                                    "rope",
                                    "softmax",
                                    "softmax_gradient",
                                    "embedding",
                                    "scatter_add",
                                    "slice",
                                    "pad",
                                    "concat",
                                    "split_heads",
                                    "merge_heads",
                                    "repeat_heads",
                                    "sum_heads",
                                    "sum_rows",
                                    "cross_entropy",
                                    "cross_entropy_gradient",
                                    "dropout",
                                    "select_rows",
                                    "place_rows",
                                    "replace_rows",
                                    "clip_gradients",
                                    "scale_by"};
  static_assert(std::size(kNames) == std::variant_size_v<Op>);
  return kNames[op.index()];
}

bool is_computed(const Value& value) {
  return value.role == Role::kIntermediate || value.role == Role::kResult;
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
    std::visit([&](const auto& one) { check_op(graph, one); }, op);
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
