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

/// Whether an op has a derivative: a function pull_back of its own. That of an op with a scale is
/// given the gradient of what is scaled, and the factor that it still lacks.
template <class X, class = void>
inline constexpr bool is_differentiable = false;
template <class X>
inline constexpr bool is_differentiable<
    X, std::void_t<decltype(pull_back(std::declval<Backward&>(), std::declval<const X&>(), 0))>> =
    true;
template <class X, class = void>
inline constexpr bool is_differentiable_with_factor = false;
template <class X>
inline constexpr bool is_differentiable_with_factor<
    X, std::void_t<decltype(pull_back(std::declval<Backward&>(), std::declval<const X&>(), 0,
                                      0.0f))>> = true;

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
    if (traits_of(graph.ops[i]).op_class == OpClass::kCopy) continue;
    for (const ValueId id : operands_of(graph.ops[i])) first.emplace(backward.source(id), i);
  }
  return first;
}

/// Whether an op is executed again in place of keeping its result. Copies of masters are made once
/// a step.
bool is_remade(const Op& op, const Graph& graph, const std::set<ValueId>& kept) {
  const Recompute recompute = traits_of(op).recompute;
  if (recompute != Recompute::kWithOperand) return recompute == Recompute::kAlways;
  const ValueId in = operands_of(op).front();
  return is_computed(graph.value(in)) && kept.count(in) > 0;
}

/// Rematerialises the results of cheap forward ops, right before the product of the backward pass
/// that reads them first.
void remake_copies(Graph& graph, std::size_t forward_ops) {
  std::set<ValueId> read;        // by the backward pass
  std::set<ValueId> not_remade;  // read by another op than a product
  for (std::size_t i = forward_ops; i < graph.ops.size(); ++i) {
    for (const ValueId id : operands_of(graph.ops[i])) {
      read.insert(id);
      if (contraction_of(graph.ops[i]) == nullptr) not_remade.insert(id);
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
  const auto remake = [&](ValueId& id, Pass pass) {
    const auto found = remade.find(id);
    if (found == remade.end()) return;
    if (again.count(id) == 0) {
      const Value value = graph.value(id);
      Origin origin = value.origin;
      origin.kind.pass = pass;
      const ValueId copy = add_value(
          graph, {value.name + ".again", value.shape, value.dtype, Role::kIntermediate}, origin);
      Op op = graph.ops[found->second];
      replace_results(op, [copy](ValueId) { return copy; });
      graph.ops.push_back(std::move(op));
      again[id] = copy;
    }
    id = again.at(id);
  };
  for (Op& op : backward) {
    if (auto* contraction = std::get_if<Contraction>(&op)) {
      for (Term& term : contraction->terms) {
        remake(term.left, term.kind.pass);
        remake(term.right, term.kind.pass);
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
    if constexpr (X::kTraits.op_class == OpClass::kCopy) {
      return;  // a value and its copy share one gradient
    } else if constexpr (is_differentiable_with_factor<X>) {
      if (const auto gradient = backward.complete(out, op.scale)) {
        pull_back(backward, op, gradient->value, gradient->factor);
      }
    } else if constexpr (is_differentiable<X>) {
      if constexpr (X::kTraits.op_class == OpClass::kLoss) {
        if (request.loss == out) return pull_back(backward, op, std::nullopt);
      }
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
      graph.origin.kind.pass = backward.gradient_pass(id);
      backward.complete_leaf(id);
    }
  }
  std::map<ValueId, ValueId> gradients = backward.gradients();
  remake_copies(graph, forward_ops);
  graph.origin = origin;
  return gradients;
}

}  // namespace corank
