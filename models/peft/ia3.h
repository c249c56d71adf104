// (IA)^3 (Liu et al., 2022, arXiv 2205.05638) as a rewrite of the op graph: a learned vector scales
// what a linear computes or, of a feed-forward linear, what it reads.
#pragma once

#include <string>
#include <vector>

#include "models/transformer/transformer.h"

namespace corank {

struct Ia3Module {
  std::string module;        // a linear: "model.layers.0.self_attn.k_proj"
  bool feedforward = false;  // l scales the input, not the output
};

struct Ia3Plan {
  std::vector<Ia3Module> modules;
};

/// Rewrites a transformer, with a trainable vector <module>.ia3_l for each module:
///   y = l * (x . W^T + bias), l [out];   feed-forward: y = (l * x) . W^T + bias, l [in]
/// Each product is rounded like what it scales; l stays F32, as PEFT keeps it. A method that is
/// applied later is the outer one, as PEFT's wrappers of wrappers are: l scales the sum of a linear
/// and its LoRA, and both read l * x.
/// Throws InputError for a module that is not there, is no linear or is named twice.
void apply_ia3(Transformer& transformer, const Ia3Plan& plan);

}  // namespace corank
