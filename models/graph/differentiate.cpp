#include "models/graph/differentiate.h"

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "models/base/error.h"
#include "models/graph/backward.h"

namespace corank {
namespace {

/// Whether an op has a derivative: a function pull_back of its own.
template <class X, class = void>
inline constexpr bool is_differentiable = false;
template <class X>
inline constexpr bool is_differentiable<
    X, std::void_t<decltype(pull_back(std::declval<Backward&>(), std::declval<const X&>(), 0))>> =
    true;

/// out = op(left) . op(right), so d op(left) = g . op(right)^T; transposed as a whole where left
/// is.
Term left_gradient(const Term& term, ValueId gradient, Pass pass) {
  if (term.left_transposed) {
    return {term.right, term.right_transposed, gradient, true, {term.kind.part, pass}};
  }
  return {gradient, false, term.right, !term.right_transposed, {term.kind.part, pass}};
}

/// d op(right) = op(left)^T . g; transposed as a whole where right is.
Term right_gradient(const Term& term, ValueId gradient, Pass pass) {
  if (term.right_transposed) {
    return {gradient, true, term.left, term.left_transposed, {term.kind.part, pass}};
  }
  return {term.left, !term.left_transposed, gradient, false, {term.kind.part, pass}};
}

void pull_back_contraction(Backward& backward, const Contraction& op,
                           const Backward::Scaled& gradient) {
  const Graph& graph = backward.graph();
  if (op.bias && backward.needs(*op.bias)) {
    if (op.scale != 1.0f) {  // the gradient at hand may hold the scale, which the bias does not get
      throw InputError(graph.value(*op.bias).name +
                       ": the gradient of a bias of a scaled contraction is not supported");
    }
    SumRows sum;
    sum.in = gradient.value;
    backward.add_op(*op.bias, op.out, sum);
  }
  for (const Term& term : op.terms) {
    const auto add = [&](ValueId operand, auto rule) {
      const bool weight = graph.value(backward.source(operand)).role == Role::kTrainable;
      const Pass pass = weight ? Pass::kWeightGradient : Pass::kInputGradient;
      backward.add_term(operand, rule(term, gradient.value, pass), gradient.factor);
    };
    add(term.left, left_gradient);
    add(term.right, right_gradient);
  }
}

void check_request(const Graph& graph, const DifferentiateRequest& request) {
  for (const auto& [id, gradient_id] : request.output_gradients) {
    const Value& value = graph.value(id);
    const Value& gradient = graph.value(gradient_id);
    if (!is_computed(value)) {
      throw InputError(value.name + ": a gradient is given for it, but no op computes it");
    }
    const bool fits = gradient.dtype == DType::BF16 ||
                      (gradient.dtype == DType::F32 && value.dtype == DType::F32);
    if (!fits || gradient.shape != value.shape) {
      throw InputError(gradient.name + ": expected BF16 " + to_string(value.shape) +
                       " as the gradient of " + value.name + ", found " + name_of(gradient.dtype) +
                       " " + to_string(gradient.shape));
    }
  }
  for (const ValueId id : request.wanted) {
    if (graph.value(id).role != Role::kInput) {
      throw InputError(graph.value(id).name + ": its gradient is wanted, but it is not an input");
    }
  }
}

/// The first op that reads each value or a copy of it: once the reverse pass is past it, the
/// value's gradient is complete.
std::map<ValueId, std::size_t> first_readers(const Graph& graph, const Backward& backward) {
  std::map<ValueId, std::size_t> first;
  for (std::size_t i = 0; i < graph.ops.size(); ++i) {
    if (std::holds_alternative<Convert>(graph.ops[i])) continue;
    for (const ValueId id : operands_of(graph.ops[i])) first.emplace(backward.source(id), i);
  }
  return first;
}

/// Whether an op can be executed again in place of keeping its result.
bool is_remade(const Op& op, const Graph& graph, const std::set<ValueId>& kept) {
  if (std::holds_alternative<RepeatHeads>(op) || std::holds_alternative<Dropout>(op)) return true;
  // The rounded copy of a value that is kept wide anyway. Copies of masters are made once a step.
  const auto* convert = std::get_if<Convert>(&op);
  return convert != nullptr && is_computed(graph.value(convert->in)) && kept.count(convert->in) > 0;
}

/// Rematerialises the results of cheap forward ops, right before the product of the backward pass
/// that reads them first.
void remake_copies(Graph& graph, std::size_t forward_ops) {
  std::set<ValueId> read;        // by the backward pass
  std::set<ValueId> not_remade;  // read by another op than a product
  for (std::size_t i = forward_ops; i < graph.ops.size(); ++i) {
    for (const ValueId id : operands_of(graph.ops[i])) {
      read.insert(id);
      if (!std::holds_alternative<Contraction>(graph.ops[i])) not_remade.insert(id);
    }
  }
  std::map<ValueId, std::size_t> remade;  // result -> the forward op that gives it
  for (std::size_t i = 0; i < forward_ops; ++i) {
    const ValueId out = results_of(graph.ops[i]).front();
    if (read.count(out) > 0 && not_remade.count(out) == 0 &&
        graph.value(out).role == Role::kIntermediate && is_remade(graph.ops[i], graph, read)) {
      remade.emplace(out, i);
    }
  }
  std::vector<Op> backward(graph.ops.begin() + static_cast<std::ptrdiff_t>(forward_ops),
                           graph.ops.end());
  graph.ops.resize(forward_ops);
  std::map<ValueId, ValueId> again;
  const auto remake = [&](ValueId& id) {
    const auto found = remade.find(id);
    if (found == remade.end()) return;
    const auto [copy, is_new] = again.emplace(id, -1);
    if (is_new) {
      const Value value = graph.value(id);
      graph.origin = value.origin;
      graph.origin.kind.pass = Pass::kInputGradient;
      copy->second =
          add_value(graph, {value.name + ".again", value.shape, value.dtype, Role::kIntermediate});
      Op op = graph.ops[found->second];
      replace_results(op, [&](ValueId) { return copy->second; });
      graph.ops.push_back(std::move(op));
    }
    id = copy->second;
  };
  for (Op& op : backward) {
    if (auto* contraction = std::get_if<Contraction>(&op)) {
      for (Term& term : contraction->terms) {
        remake(term.left);
        remake(term.right);
      }
    }
    graph.ops.push_back(std::move(op));
  }
}

}  // namespace

std::map<ValueId, ValueId> differentiate(Graph& graph, const DifferentiateRequest& request) {
  check(graph);
  check_request(graph, request);
  const std::size_t forward_ops = graph.ops.size();
  const Origin origin = graph.origin;
  Backward backward(graph, request.wanted);
  for (const auto& [id, gradient] : request.output_gradients) backward.give(id, gradient);
  const std::map<ValueId, std::size_t> first_reader = first_readers(graph, backward);

  const auto pull_back_op = [&](const auto& op) {
    using X = std::decay_t<decltype(op)>;
    const ValueId out = results_of(op).front();
    if (!backward.needs(out)) return;
    if constexpr (std::is_same_v<X, Convert>) {
      return;  // a value and its copy share one gradient
    } else if constexpr (std::is_same_v<X, Contraction>) {
      if (const auto gradient = backward.complete(out, op.scale)) {
        pull_back_contraction(backward, op, *gradient);
      }
    } else if constexpr (std::is_same_v<X, CrossEntropy>) {
      if (request.loss == out) return pull_back(backward, op, std::nullopt);
      if (const auto gradient = backward.complete(out, 1.0f)) {
        pull_back(backward, op, gradient->value);
      }
    } else if constexpr (is_differentiable<X>) {
      if (const auto gradient = backward.complete(out, 1.0f)) {
        pull_back(backward, op, gradient->value);
      }
    } else if (backward.complete(out, 1.0f)) {
      throw InputError(graph.value(out).name + ": the op that computes it has no derivative");
    }
  };

  for (std::size_t i = forward_ops; i-- > 0;) {
    if (is_update(graph, graph.ops[i])) continue;
    const Op op = graph.ops[i];  // a copy: ops grow below
    graph.origin = origin_of(graph, op);
    graph.origin.kind.pass = Pass::kInputGradient;
    std::visit(pull_back_op, op);
    // The gradients of the parameters and wanted inputs that no earlier op reads: as soon as they
    // are complete, so that their operands need not be kept longer.
    for (const ValueId id : backward.incomplete()) {
      const Role role = graph.value(id).role;
      const bool leaf = role == Role::kTrainable || role == Role::kInput;
      if (!leaf || first_reader.at(id) != i) continue;
      graph.origin = graph.value(id).origin;
      graph.origin.kind.pass =
          role == Role::kTrainable ? Pass::kWeightGradient : Pass::kInputGradient;
      backward.complete_leaf(id);
    }
  }
  std::map<ValueId, ValueId> gradients = backward.gradients();
  remake_copies(graph, forward_ops);
  graph.origin = origin;
  return gradients;
}

}  // namespace corank
