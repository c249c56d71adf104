// MiSS (Kang and Yin, 2024, arXiv 2409.15371) as a rewrite of the op graph: the columns of a
// linear's input are folded to r sums, which one trained matrix multiplies.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/transformer/transformer.h"

namespace corank {

struct MissPlan {
  std::vector<std::string> modules;  // linears
  int rank = 0;
  double dropout = 0;  // of what is folded, from 0 to below 1
  std::uint64_t dropout_seed = 0;
};

/// Rewrites a transformer, with a trainable <module>.miss_block D [r, out] for each module:
///   y = x . W^T + f . D + bias,   f[k] = x[k] + x[k + r] + x[k + 2 r] + ...
/// Behind the ops of another method on a linear, f . D is added to what that method made.
/// Throws InputError for a module that is not there, is no linear or is named twice, and for a rank
/// below 1 or above the features that a module reads.
void apply_miss(Transformer& transformer, const MissPlan& plan);

}  // namespace corank
