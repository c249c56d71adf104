// LoRA (Hu et al., 2021, arXiv 2106.09685) as a rewrite of the op graph: it wraps a linear
// contraction.
#pragma once

#include <string>

#include "models/graph/graph.h"

namespace corank {

struct LoraScale {
  double alpha = 0;
  int rank = 0;
  bool rank_stabilized = false;  // rsLoRA (Kalajdzievski, 2023): alpha / sqrt(r)
};

/// s = alpha / r or alpha / sqrt(r), rounded to FP32 once. Throws InputError for a rank below 1 or
/// a scale that is not finite.
float scale_of(const LoraScale& lora);

/// The values that the rewrite added.
struct LoraValues {
  ValueId a = -1, b = -1;                  // FP32 masters [r, in], [out, r]
  ValueId a_operand = -1, b_operand = -1;  // their BF16 copies
  ValueId scaled_u = -1;                   // bf16(s * x . A^T), [tokens, r]
};

/// Rewrites the contraction that writes `linear_output` (first term x . W^T):
///   u = bf16(s * (x . A^T));   y = x . W^T + u . B^T + bias
/// with masters named `prefix` + "lora_A", `prefix` + "lora_B" (their copies + ".bf16", and
/// `prefix`
/// + "u"). Throws InputError if the op is not a linear: x . W^T with a frozen W and no scale.
LoraValues wrap_with_lora(Graph& graph, ValueId linear_output, const LoraScale& lora,
                          const std::string& prefix);

}  // namespace corank
