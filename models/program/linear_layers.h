// The training step of linear layers with LoRA adapters, as a program: what a capture holds, and
// what layers given by their sizes take.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/peft/lora.h"
#include "models/program/training_program.h"
#include "models/quantized/storage_format.h"

namespace corank {

struct LinearLayer {
  std::int64_t tokens = 0, in = 0, out = 0;
  bool has_bias = false;
  LoraScale lora;                             // rank 0: a frozen layer without an adapter
  std::int64_t next_update = 1;               // number of its adapter's next update, from 1
  std::optional<StorageFormat> storage = {};  // of the weight; none: BF16
};

/// All forward passes in order, then the backward passes and updates, last layer first. The values
/// of a layer have its prefix (layer_prefix), and its index as their origin's group.
///
/// Fed:     x [tokens, in], dy [tokens, out] (BF16), and the optimizer's constants.
/// Given:   weight [out, in] (BF16 or packed, frozen), bias [out] (F32, frozen, if there is one),
///          lora_A [r, in], lora_B [out, r] and their moments, lora_A.exp_avg and so on (F32).
/// Results: y, dx (BF16), lora_A_grad, lora_B_grad, and the next values of masters and moments,
///          lora_A.new, lora_A.exp_avg.new, ... (F32). Without an adapter (rank 0) y and dx alone.
/// Intermediates: lora_A.bf16, lora_B.bf16, u, du (BF16).
TrainingProgram linear_layers(const std::vector<LinearLayer>& layers,
                              const OptimizerSettings& optimizer = {});

/// "" of an only layer, else "3." of the layer with index 3.
std::string layer_prefix(std::size_t layer, std::size_t layers);

/// The forward pass of one layer alone: from x, weight, bias and the masters to y.
Graph linear_layer_forward(const LinearLayer& layer);

}  // namespace corank
