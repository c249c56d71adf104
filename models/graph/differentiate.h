// Reverse-mode differentiation of the op graph that knows what is frozen: no weight gradient for a
// frozen value, no input gradient that nobody asked for or needs, nothing kept that no derivative
// reads.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "models/graph/graph.h"
#include "models/graph/recompute.h"

namespace corank {

/// What the backward pass starts from and what it must reach.
struct DifferentiateRequest {
  /// Forward value -> its given gradient, of the same shape: BF16, or F32 for an F32 value.
  std::map<ValueId, ValueId> output_gradients;
  /// Input values whose gradient is wanted as a result (x -> dx).
  std::set<ValueId> wanted;
  /// The result of a cross-entropy whose gradient is 1.
  std::optional<ValueId> loss;
  /// What of the forward pass the backward pass makes again.
  RecomputePolicy recompute = RecomputePolicy::kNone;
};

/// Appends the backward ops. Gradients of the trainable masters (through their BF16 copies) and of
/// `wanted` become results (F32 for trainables, BF16 for wanted inputs); they are named "dx" for an
/// input x, "lora_A_grad" for a trainable lora_A. Contractions that contribute to one value's
/// gradient become terms of one contraction, so that they share one FP32 chain: first the
/// contributions of consumers that come later in the forward pass, terms of one op in their own
/// order, its left operand before its right one. Products with another factor (the scale of the
/// value whose given gradient they multiply) have a chain of their own. What other ops contribute
/// is added to the chains' F32 results, again in that order, and the last addition rounds. Where a
/// gradient is an operand of further products it is rounded to BF16 once; if it is one chain, after
/// multiplication by the scale of the contraction that produced the forward value.
///
/// What the backward pass does not find kept, it makes again (models/graph/recompute.h).
///
/// Returns forward value -> gradient value, the given ones included. A value and its rounded copies
/// share one gradient. For a value that a contraction with a scale produced, a gradient that is one
/// chain is that of the sum before its scale (du of u = s * (x . A^T) has s inside). A value that
/// no given gradient reaches is not in the map.
///
/// Throws InputError, leaving the graph part-done, for what is not supported: a value with both a
/// given gradient and consumers with gradients; a trainable bias of a scaled contraction; a wanted
/// value that is not an input; an op that has no derivative with respect to a trainable operand.
std::map<ValueId, ValueId> differentiate(Graph& graph, const DifferentiateRequest& request);

}  // namespace corank
