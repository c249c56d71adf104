// Tensors from literals and from a seeded generator, and their elements back.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "models/graph/graph.h"

namespace corank::test {

Tensor f32(const Shape& shape, const std::vector<float>& elements);
/// Each element rounded to BF16.
Tensor bf16(const Shape& shape, const std::vector<float>& elements);
Tensor bf16_bits(const Shape& shape, const std::vector<std::uint16_t>& elements);

/// The elements of an F32 or BF16 tensor.
std::vector<float> floats(const Tensor& tensor);
/// The elements of an F32 or BF16 tensor as they are stored.
std::vector<std::uint32_t> bits(const Tensor& tensor);

/// Standard normal elements, rounded to the dtype (F32 or BF16).
Tensor normal(std::mt19937_64& generator, DType dtype, const Shape& shape);

/// A tensor for every input, frozen, trainable and state value.
template <class Fill>
TensorMap inputs_of(const Graph& graph, Fill fill) {
  TensorMap inputs;
  for (const Value& value : graph.values) {
    if (value.role == Role::kIntermediate || value.role == Role::kResult) continue;
    inputs.emplace(value.name, fill(value));
  }
  return inputs;
}

}  // namespace corank::test
