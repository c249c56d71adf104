// The elements of packed weights.
//
// This is the contract: whoever decodes, reference or machine, gives these bits. It is the
// packages' own arithmetic in FloatEnvironment's FP32, so that subnormal numbers count as zeros
// (models/README.md lists where that differs).
#pragma once

#include <cstdint>

#include "models/base/tensor.h"
#include "models/quantized/quantized_tensor.h"

namespace corank {

/// Elements first, first + 1, ... of the matrix, row after row, as FP32. They are there, and
/// `tensor` is checked.
void decode(const QuantizedTensor& tensor, std::int64_t first, std::int64_t count, float* out);

/// What the elements of a block have in common; `zero` of integers.
struct BlockScale {
  float scale = 0, minimum = 0;
  int zero = 0;
};

// Within a FloatEnvironment.
/// An element; of the format count its code, arithmetic and minimums.
float element_of(const StorageFormat& format, const BlockScale& block, unsigned code);
/// A scale of double quantization.
inline float nested_scale(float level, float nested, float offset) {
  return level * nested + offset;
}

/// The scale of each block, as FP32.
float scale_at(const QuantizedTensor& tensor, std::int64_t i);

/// The whole matrix as F32, F64, or BF16, to which each element is then rounded once.
Tensor decoded(const QuantizedTensor& tensor, DType dtype);

}  // namespace corank
