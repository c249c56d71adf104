// LoRA (Hu et al., 2021, arXiv 2106.09685) as a rewrite of the op graph: it wraps a linear
// contraction, or the rows that an embedding gathers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/graph/graph.h"
#include "models/transformer/transformer.h"

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
/// `prefix` + "u"). Throws InputError if the op is not a linear: x . W^T with a frozen W and no
/// scale.
LoraValues wrap_with_lora(Graph& graph, ValueId linear_output, const LoraScale& lora,
                          const std::string& prefix);

/// An adapter on one module, a linear or an embedding.
struct LoraModule {
  std::string module;  // "model.layers.0.self_attn.q_proj"
  LoraScale scale;
};

struct LoraPlan {
  std::vector<LoraModule> adapters;
  double dropout = 0;              // of the input of A, from 0 to below 1; never in an embedding
  std::uint64_t dropout_seed = 0;  // models/ops/dropout.h defines the mask
  /// LoRA-FA (Zhang et al., 2023, arXiv 2308.03303): A of a linear is frozen, BF16, so that nothing
  /// but u is kept for the backward pass.
  bool frozen_down = false;
  /// DoRA (Liu et al., 2024, arXiv 2402.09353): the rows of the adapted weights have norms that are
  /// trained by themselves.
  bool trained_norms = false;
};

/// Rewrites a transformer. The trainable values are named, without PEFT's "base_model.model.":
///   <module>.lora_A.weight [r, in], <module>.lora_B.weight [out, r]            linear
///   <module>.lora_embedding_A [r, rows], <module>.lora_embedding_B [hidden, r] embedding
/// Behind the ops of another method on a linear the two products of the adapter are a sum of their
/// own, delta, which is added to what that method made: y = bf16(base + u . B^T).
/// With DoRA there is also <module>.lora_magnitude_vector m [out]:
///   y = c * (x . W^T + u . B^T) + bias,   c = m / |row of W + s * B . A|
/// or, with a dropout, of which x' is the result (PEFT's DoraLinearLayer),
///   y = x . W^T + bias + c * (x' . W^T + u . B^T) - x' . W^T
/// The norm is a constant to the derivative.
/// Throws InputError for a module that is not there, is named twice, does not fit, or a rank
/// below 1; with DoRA, for an embedding or a linear that another method has rewritten.
void apply_lora(Transformer& transformer, const LoraPlan& plan);

}  // namespace corank
