// OFT (Qiu et al., 2023, arXiv 2306.07280) as a rewrite of the op graph: what a linear reads is
// rotated, block by block of its features.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/transformer/transformer.h"

namespace corank {

struct OftModule {
  std::string module;      // a linear
  std::int64_t block = 0;  // features that are rotated together, 2 or more
};

struct OftPlan {
  std::vector<OftModule> modules;
  int terms = 5;  // PEFT's num_cayley_neumann_terms, 2 or more
};

/// Rewrites a transformer, with a trainable <module>.oft_R.weight [in / block, block (block - 1) /
/// 2] for each module. A row of it is the upper triangle of a skew-symmetric Q, row by row, and
///   y = (x . R) . W^T + bias,   R = I + 2 Q + 2 Q^2 + ... + 2 Q^(n - 1) + Q^n
/// of each block of x, the Cayley transform (I + Q)(I - Q)^-1 cut off at n: PEFT's n is 3 for 3
/// terms, 1 with the factor 2 for 2 terms, and terms - 1 for more. Q is made by a product with the
/// frozen matrix skew_name(block), which is skew_matrix(block).
/// Throws InputError for a module that is not there, is no linear or is named twice; for a block
/// below 2 or one that does not divide what the module reads; for fewer than 2 terms.
void apply_oft(Transformer& transformer, const OftPlan& plan);

std::string skew_name(std::int64_t block);
/// [block (block - 1) / 2, block^2], F32: the element (i, j) of Q is that of the row times 1 for
/// i < j, times -1 for i > j.
Tensor skew_matrix(std::int64_t block);

}  // namespace corank
