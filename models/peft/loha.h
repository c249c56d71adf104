// LoHa (Hyeon-Woo et al., 2022, arXiv 2108.06098) as a rewrite of the op graph: the change of a
// weight is the product, element by element, of two low-rank matrices.
#pragma once

#include <string>
#include <vector>

#include "models/peft/lora.h"

namespace corank {

struct LohaPlan {
  std::vector<LoraModule> adapters;  // linears
};

/// Rewrites a transformer, with the trainable <module>.hada_w1_a, .hada_w2_a [out, r] and
/// <module>.hada_w1_b, .hada_w2_b [r, in] for each module, and s = alpha / r:
///   y = x . W^T + x . D^T + bias,   D = s * (w1_a . w1_b) * (w2_a . w2_b)
/// Behind the ops of another method on a linear, x . D^T is added to what that method made.
/// Throws InputError for a module that is not there, is no linear or is named twice, and for a rank
/// below 1.
void apply_loha(Transformer& transformer, const LohaPlan& plan);

}  // namespace corank
