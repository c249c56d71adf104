#include "models/graph/graph.h"

#include <cmath>
#include <initializer_list>
#include <set>
#include <utility>

#include "models/base/error.h"

namespace corank {
namespace {

struct Extent {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
};

const Value& existing_value(const Graph& graph, ValueId id, const std::string& reader) {
  if (id < 0 || static_cast<std::size_t>(id) >= graph.values.size()) {
    throw InputError(reader + ": no value has the number " + std::to_string(id));
  }
  return graph.value(id);
}

std::string typed(const Value& value) {
  return value.name + " " + name_of(value.dtype) + " " + to_string(value.shape);
}

Extent extent_of(const Value& value) {
  if (value.shape.empty() || value.shape.size() > 2) {
    throw InputError(value.name + ": expected a vector or a matrix, found the shape " +
                     to_string(value.shape));
  }
  for (const std::int64_t dimension : value.shape) {
    if (dimension < 1) {
      throw InputError(value.name + ": expected dimensions of at least 1, found the shape " +
                       to_string(value.shape));
    }
  }
  return {value.shape.size() == 1 ? 1 : value.shape[0], value.shape.back()};
}

Extent transposed_if(bool transposed, const Extent& extent) {
  return transposed ? Extent{extent.columns, extent.rows} : extent;
}

void require_dtype(const Value& value, std::initializer_list<DType> allowed,
                   const std::string& reader) {
  std::string expected;
  for (const DType dtype : allowed) {
    if (value.dtype == dtype) return;
    expected += (expected.empty() ? "" : " or ") + std::string(name_of(dtype));
  }
  throw InputError(reader + ": expected " + expected + ", found " + typed(value));
}

/// "x[2, 3] . weight[4, 3]^T"
std::string product_text(const Value& left, const Value& right, const Term& term) {
  return left.name + to_string(left.shape) + (term.left_transposed ? "^T" : "") + " . " +
         right.name + to_string(right.shape) + (term.right_transposed ? "^T" : "");
}

/// The shape rule of a contraction, with every check of its operands. `name` is that of its result.
Extent infer_extent(const Graph& graph, const std::string& name, const Contraction& contraction) {
  if (contraction.terms.empty()) throw InputError(name + ": a contraction without terms");
  if (!std::isfinite(contraction.scale)) throw InputError(name + ": its scale is not finite");
  Extent out;
  for (const Term& term : contraction.terms) {
    const Value& left = existing_value(graph, term.left, name);
    const Value& right = existing_value(graph, term.right, name);
    require_dtype(left, {DType::BF16}, name);
    require_dtype(right, {DType::BF16}, name);
    const Extent a = transposed_if(term.left_transposed, extent_of(left));
    const Extent b = transposed_if(term.right_transposed, extent_of(right));
    const std::string equation = name + " = " + product_text(left, right, term);
    if (a.columns != b.rows) {
      throw InputError(equation + ": contraction lengths " + std::to_string(a.columns) + " and " +
                       std::to_string(b.rows) + " differ");
    }
    if (out.rows == 0) out = {a.rows, b.columns};
    if (out.rows != a.rows || out.columns != b.columns) {
      throw InputError(equation + ": the term is " + to_string(Shape{a.rows, b.columns}) +
                       ", the first one " + to_string(Shape{out.rows, out.columns}));
    }
  }
  if (contraction.bias) {
    const Value& bias = existing_value(graph, *contraction.bias, name);
    require_dtype(bias, {DType::F32, DType::BF16}, name);
    const Extent extent = extent_of(bias);
    if (extent.rows != 1 || extent.columns != out.columns) {
      throw InputError(name + ": expected a bias of the shape " + to_string(Shape{out.columns}) +
                       ", found " + typed(bias));
    }
  }
  return out;
}

void check_op(const Graph& graph, const Contraction& contraction) {
  const Value& out = existing_value(graph, contraction.out, "a contraction");
  const Extent expected = infer_extent(graph, out.name, contraction);
  const Extent found = extent_of(out);
  if (found.rows != expected.rows || found.columns != expected.columns) {
    throw InputError(out.name + ": expected the shape " +
                     to_string(Shape{expected.rows, expected.columns}) + ", found " +
                     to_string(out.shape));
  }
}

void check_op(const Graph& graph, const Convert& convert) {
  const Value& out = existing_value(graph, convert.out, "a conversion");
  const Value& in = existing_value(graph, convert.in, out.name);
  require_dtype(in, {DType::F32}, out.name);
  require_dtype(out, {DType::BF16}, out.name);
  if (in.shape != out.shape) {
    throw InputError(out.name + ": expected the shape of " + typed(in) + ", found " +
                     to_string(out.shape));
  }
}

void check_op(const Graph& graph, const AdamW& adamw) {
  const Value& parameter = existing_value(graph, adamw.parameter, "AdamW");
  const std::string name = "AdamW of " + parameter.name;
  for (const ValueId id : {adamw.parameter, adamw.gradient, adamw.first_moment, adamw.second_moment,
                           adamw.new_parameter, adamw.new_first_moment, adamw.new_second_moment}) {
    const Value& value = existing_value(graph, id, name);
    require_dtype(value, {DType::F32}, name);
    if (value.shape != parameter.shape) {
      throw InputError(name + ": expected the shape " + to_string(parameter.shape) + ", found " +
                       typed(value));
    }
  }
}

bool is_computed(const Value& value) {
  return value.role == Role::kIntermediate || value.role == Role::kResult;
}

}  // namespace

bool operator==(const GemmKind& a, const GemmKind& b) {
  return a.part == b.part && a.pass == b.pass;
}

std::string to_string(const GemmKind& kind) {
  std::string text;
  switch (kind.part) {
    case Part::kFrozen:
      text = "frozen";
      break;
    case Part::kAdapterDown:
      text = "adapter down";
      break;
    case Part::kAdapterUp:
      text = "adapter up";
      break;
  }
  switch (kind.pass) {
    case Pass::kForward:
      return text + " forward";
    case Pass::kInputGradient:
      return text + " input gradient";
    case Pass::kWeightGradient:
      return text + " weight gradient";
  }
  return text;  // not reached: every pass stands above
}

ValueId add_value(Graph& graph, Value value) {
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
  if (const auto* contraction = std::get_if<Contraction>(&op)) {
    std::vector<ValueId> operands;
    for (const Term& term : contraction->terms) {
      operands.push_back(term.left);
      operands.push_back(term.right);
    }
    if (contraction->bias) operands.push_back(*contraction->bias);
    return operands;
  }
  if (const auto* convert = std::get_if<Convert>(&op)) return {convert->in};
  const auto& adamw = std::get<AdamW>(op);
  return {adamw.parameter, adamw.gradient, adamw.first_moment, adamw.second_moment};
}

std::vector<ValueId> results_of(const Op& op) {
  if (const auto* contraction = std::get_if<Contraction>(&op)) return {contraction->out};
  if (const auto* convert = std::get_if<Convert>(&op)) return {convert->out};
  const auto& adamw = std::get<AdamW>(op);
  return {adamw.new_parameter, adamw.new_first_moment, adamw.new_second_moment};
}

ValueId add_contraction(Graph& graph, const std::string& name, std::vector<Term> terms, float scale,
                        std::optional<ValueId> bias, DType dtype, Role role) {
  Contraction contraction{std::move(terms), scale, bias, -1};
  const Extent extent = infer_extent(graph, name, contraction);
  const Value out{name, {extent.rows, extent.columns}, dtype, role};
  require_dtype(out, {DType::F32, DType::BF16}, name);
  contraction.out = add_value(graph, out);
  graph.ops.push_back(std::move(contraction));
  return static_cast<ValueId>(graph.values.size()) - 1;
}

ValueId add_convert(Graph& graph, const std::string& name, ValueId in) {
  const Value& source = existing_value(graph, in, name);
  require_dtype(source, {DType::F32}, name);
  const ValueId out = add_value(graph, {name, source.shape, DType::BF16, Role::kIntermediate});
  graph.ops.push_back(Convert{in, out});
  return out;
}

void check(const Graph& graph) {
  std::set<std::string> names;
  std::set<ValueId> available;
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    const Value& value = graph.values[i];
    extent_of(value);
    require_dtype(value, {DType::F32, DType::BF16}, value.name);
    if (value.role == Role::kTrainable || value.role == Role::kState) {
      require_dtype(value, {DType::F32}, value.name);
    }
    if (!names.insert(value.name).second) {
      throw InputError(value.name + ": two values have this name");
    }
    if (!is_computed(value)) available.insert(static_cast<ValueId>(i));
  }
  for (const Op& op : graph.ops) {
    std::visit([&](const auto& one) { check_op(graph, one); }, op);
    for (const ValueId id : operands_of(op)) {
      if (available.count(id) == 0) {
        throw InputError(graph.value(id).name + ": read before it is written");
      }
    }
    for (const ValueId id : results_of(op)) {
      if (!is_computed(graph.value(id))) {
        throw InputError(graph.value(id).name + ": given with the step, yet written by an op");
      }
      if (!available.insert(id).second) {
        throw InputError(graph.value(id).name + ": written twice");
      }
    }
  }
}

}  // namespace corank
