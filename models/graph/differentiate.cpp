#include "models/graph/differentiate.h"

#include <type_traits>
#include <utility>

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
  recompute(graph, forward_ops, request.recompute);
  graph.origin = origin;
  return gradients;
}

}  // namespace corank
