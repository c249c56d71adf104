// A captured layer: one linear layer's inputs, weights, adapter and optimizer state in one
// safetensors file.
#pragma once

#include <string>

#include "models/base/tensor.h"
#include "models/program/linear_layers.h"

namespace corank {

struct Capture {
  LinearLayer layer;
  TensorMap inputs;  // by the names of linear_layers(), without prefix, in the dtypes of its values
  /// Those of the inputs that the file holds unrounded, as it holds them: what the FP64 reference
  /// starts from.
  TensorMap originals;
};

/// Reads and checks a capture:
///   x [tokens, in], dy [tokens, out], weight [out, in], optional bias [out]: BF16 or F32;
///   lora_A [r, in], lora_B [out, r]: F32; optional moments lora_A.exp_avg, lora_A.exp_avg_sq, the
///   same of lora_B: F32 (0 if absent); metadata r, lora_alpha, optional use_rslora ("true" or
///   "false"), step (1 if absent). No other tensors.
/// Throws InputError that names the file, the tensor, what was expected and what was found.
Capture read_capture(const std::string& path);

}  // namespace corank
