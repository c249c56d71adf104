// quantization_config of a config.json: how the linears of a folder are packed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/huggingface/json_object.h"

namespace corank {

/// Who packed them: each package has its own tensors and names.
enum class Packing {
  kBitsandbytes,      // 4 bits (NF4, FP4) or LLM.int8; the tensors say which
  kGptq,              // words of 32 bits down the columns
  kAwq,               // words of 32 bits along the rows, version "gemm"
  kCompressedTensors  // format "pack-quantized"
};

struct QuantizationConfig {
  std::string where;  // file and key, for messages
  Packing packing = Packing::kBitsandbytes;
  int bits = 4;                 // of a code; not of bitsandbytes
  std::int64_t group = 0;       // elements of a scale; 0: a whole row
  bool zeros_less_one = false;  // GPTQ's first format stores zero - 1
  bool by_activations = false;  // GPTQ: g_idx, which has to be there, says the groups
  bool symmetric = true;        // compressed-tensors: there are no zeros
  std::vector<std::string> notes;
};

/// Throws InputError that names file and key: a quant_method or a layout that corank does not
/// decode, a value out of range, a key that would change what is computed.
QuantizationConfig read_quantization_config(const JsonObject& config);

}  // namespace corank
