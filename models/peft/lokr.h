// LoKr (Yeh et al., 2024, arXiv 2309.14859) as a rewrite of the op graph: the change of a weight is
// a Kronecker product, which is never made: two small products take its place.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/peft/lora.h"

namespace corank {

/// Of the change s * kron(w1, w2) of a weight [a * c, b * d]: w1 [a, b], w2 [c, d].
struct LokrShape {
  std::int64_t a = 0, b = 0, c = 0, d = 0;
  bool low_rank_w1 = false, low_rank_w2 = false;  // a product of two factors
};

struct LokrModule {
  std::string module;  // a linear
  LoraScale scale;     // alpha / rank; the rank is that of the factors
  LokrShape shape;
};

struct LokrPlan {
  std::vector<LokrModule> modules;
};

/// Rewrites a transformer, with the trainable <module>.lokr_w1, or .lokr_w1_a [a, r] and .lokr_w1_b
/// [r, b], and the same of w2, for each module:
///   y = x . W^T + bias + s * x . kron(w1, w2)^T
/// of which row i * c + k is the sum over m and n of w1[i, m] w2[k, n] x[m * d + n].
/// Throws InputError for a module that is not there, is no linear, is named twice or has another
/// size, and for a rank below 1.
void apply_lokr(Transformer& transformer, const LokrPlan& plan);

}  // namespace corank
