// What of the forward pass is not kept for the backward pass, but made again there: recomputation,
// or rematerialisation.
#pragma once

#include <cstddef>

#include "models/graph/graph.h"

namespace corank {

/// Copies that a move or a rounding makes again from what is kept anyway (a rounded P, a repeated
/// key, a dropped activation) are never kept.
enum class RecomputePolicy {
  kNone,  // those alone
  /// Neither scores nor probabilities of attention, but of each row of them its maximum and the
  /// reciprocal of its sum: P is made again as the forward pass has made it (as FlashAttention's
  /// backward pass does; Dao et al., 2022, arXiv 2205.14135).
  kAttention,
  /// Of a layer (the group of an origin) only what others read of it: the input of the next one
  /// (gradient checkpointing; Chen et al., 2016, arXiv 1604.06174). What is computed of parameters
  /// alone is kept.
  kLayers,
};
/// "none", "attention", "layers".
const char* name_of(RecomputePolicy policy);

/// The ops behind the first `forward_ops`, which are the backward pass, read copies of what is not
/// kept, named `name`.again. The ops that compute those are copies of the forward ones, and come
/// right before the first op that needs them, with what they need themselves: the results are the
/// same to the bit. Those of the policy are of the pass kRecompute, their products of the kind
/// kRecomputed.
void recompute(Graph& graph, std::size_t forward_ops, RecomputePolicy policy);

}  // namespace corank
