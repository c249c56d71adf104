// VeRA (Kopiczko et al., 2024, arXiv 2310.11454) as a rewrite of the op graph: all modules share
// one frozen random pair A, B; each trains two vectors.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/transformer/transformer.h"

namespace corank {

inline constexpr const char *kVeraA = "vera_A", *kVeraB = "vera_B";

struct VeraPlan {
  std::vector<std::string> modules;  // linears
  int rank = 0;
  double dropout = 0;  // of the input of A, from 0 to below 1
  std::uint64_t dropout_seed = 0;
};

/// Rewrites a transformer. With the frozen values kVeraA [r, largest in] and kVeraB [largest out,
/// r], and for each module the trainable vectors <module>.vera_lambda_d d [r] and
/// <module>.vera_lambda_b b [out]:
///   y = x . W^T + bias + b * ((d * (x . A^T)) . B^T)
/// in which A has its first `in` columns and B its first `out` rows.
/// Throws InputError for a module that is not there, is no linear or is named twice, and for a rank
/// below 1.
void apply_vera(Transformer& transformer, const VeraPlan& plan);

}  // namespace corank
