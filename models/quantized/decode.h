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

/// The scale of each block, as FP32.
float scale_at(const QuantizedTensor& tensor, std::int64_t i);

/// The whole matrix as F32, F64, or BF16, to which each element is then rounded once.
Tensor decoded(const QuantizedTensor& tensor, DType dtype);

}  // namespace corank
