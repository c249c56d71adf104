// How the values of a graph are represented while it is executed.
#pragma once

#include "models/base/tensor.h"

namespace corank {

enum class Numerics {
  kFp32,  // every value F32, products by Eigen: what PyTorch computes, up to rounding
  kFp64,  // every value F64: the yardstick
  kBf16,  // BF16 where the graph says so, every chain in order: the contract with the device
};

/// "fp32", "fp64", "bf16".
const char* name_of(Numerics numerics);

/// The dtype in which a computed value is kept.
DType stored_dtype(Numerics numerics, DType dtype);

}  // namespace corank
