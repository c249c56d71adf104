// Packed weights of the fixtures against what the packages decode of them.
#pragma once

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <string>

#include "models/base/numerics.h"
#include "models/base/tensor.h"
#include "models/graph/graph.h"
#include "models/quantized/decode.h"

namespace corank::test {

/// A package's element as corank has it: numbers that no FP32 arithmetic here keeps are zeros.
inline float flushed(float value) {
  return std::fpclassify(value) == FP_SUBNORMAL ? std::copysign(0.0f, value) : value;
}

/// Every bit of every element, as F32 and rounded once to BF16.
inline void check_decoded(const QuantizedTensor& packed, const Tensor& expected) {
  REQUIRE(expected.dtype == DType::F32);
  REQUIRE(packed.shape == expected.shape);
  const Tensor wide = decoded(packed, DType::F32), rounded = decoded(packed, DType::BF16);
  std::int64_t different = 0;
  for (std::int64_t i = 0; i < element_count(expected.shape); ++i) {
    const float right = flushed(expected.data<float>()[i]);
    different += bits_of(wide.data<float>()[i]) != bits_of(right);
    different += rounded.data<std::uint16_t>()[i] != round_to_bf16(right);
  }
  CHECK(different == 0);
}

}  // namespace corank::test
