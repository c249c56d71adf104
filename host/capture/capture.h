// A captured layer: one linear layer's inputs, weights, adapter and optimizer state in one
// safetensors file.
#pragma once

#include <string>

#include "models/base/tensor.h"
#include "models/graph/layer_step.h"

namespace corank {

struct Capture {
  LayerStep step;    // sizes, scale and step number; adamw as given to read_capture
  TensorMap inputs;  // as build_layer_step names them, in the dtypes of its values (x, dy and
                     // weight rounded to BF16)
  TensorMap
      originals;  // the same as the file holds them, unrounded: what the FP64 reference starts from
};

/// Reads and checks a capture:
///   x [tokens, in], dy [tokens, out], weight [out, in], optional bias [out]: BF16 or F32;
///   lora_A [r, in], lora_B [out, r]: F32; optional moments lora_A.exp_avg, lora_A.exp_avg_sq, the
///   same of lora_B: F32 (0 if absent); metadata r, lora_alpha, optional use_rslora ("true" or
///   "false"), step (1 if absent). No other tensors.
/// Throws InputError that names the file, the tensor, what was expected and what was found.
Capture read_capture(const std::string& path, const AdamWOptions& adamw);

}  // namespace corank
