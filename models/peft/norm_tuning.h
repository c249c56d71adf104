// LayerNorm tuning (Zhao et al., 2023, arXiv 2312.11420) as a rewrite of the op graph: of the whole
// model nothing is trained but its normalisations.
#pragma once

#include <string>
#include <vector>

#include "models/transformer/transformer.h"

namespace corank {

struct NormTuningPlan {
  std::vector<std::string> modules;  // normalisations: "model.layers.0.input_layernorm"
};

/// Rewrites a transformer: weight and bias of these normalisations are trained, and keep their
/// names <module>.weight and <module>.bias. No op is added.
/// Throws InputError for a module that is not there, is no normalisation or is named twice.
void apply_norm_tuning(Transformer& transformer, const NormTuningPlan& plan);

}  // namespace corank
