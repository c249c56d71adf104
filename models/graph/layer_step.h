// The training step of captured linear layers with LoRA adapters, as a graph.
#pragma once

#include <string>
#include <vector>

#include "models/graph/graph.h"
#include "models/peft/lora.h"

namespace corank {

struct LayerStep {
  std::int64_t tokens = 0, in = 0, out = 0;
  bool has_bias = false;
  LoraScale lora;  // rank 0: a frozen layer without an adapter
  AdamWOptions adamw;
  std::int64_t step = 1;
};

/// Inputs:  x [tokens, in], dy [tokens, out] (BF16), weight [out, in] (BF16, frozen), bias [out]
///          (F32, frozen, if there is one), lora_A [r, in], lora_B [out, r], lora_A.exp_avg,
///          lora_A.exp_avg_sq, lora_B.exp_avg, lora_B.exp_avg_sq (F32).
/// Results: y, dx (BF16), lora_A_grad, lora_B_grad, lora_A.new, lora_A.exp_avg.new,
///          lora_A.exp_avg_sq.new, and the same of lora_B (F32).
///          Without an adapter (rank 0) y and dx are all.
/// Intermediates: lora_A.bf16, lora_B.bf16, u, du (BF16).
Graph build_layer_step(const LayerStep& step);

/// Several layers in one step: all forward passes in order, then the backward passes and updates,
/// last layer first. The values of a layer have its prefix.
Graph build_layer_steps(const std::vector<LayerStep>& steps);

/// "" of an only layer, else "3." of the layer with index 3.
std::string layer_prefix(std::size_t layer, std::size_t layers);

/// The forward part alone: from x, weight, bias and the masters to y.
Graph build_layer_forward(const LayerStep& step);

}  // namespace corank
