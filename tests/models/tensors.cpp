#include "tests/models/tensors.h"

#include <algorithm>

#include "models/base/numerics.h"

namespace corank::test {

Tensor f32(const Shape& shape, const std::vector<float>& elements) {
  Tensor tensor(DType::F32, shape);
  std::copy_n(elements.begin(), static_cast<std::size_t>(element_count(shape)),
              tensor.data<float>());
  return tensor;
}

Tensor bf16_bits(const Shape& shape, const std::vector<std::uint16_t>& elements) {
  Tensor tensor(DType::BF16, shape);
  std::copy_n(elements.begin(), static_cast<std::size_t>(element_count(shape)),
              tensor.data<std::uint16_t>());
  return tensor;
}

Tensor bf16(const Shape& shape, const std::vector<float>& elements) {
  std::vector<std::uint16_t> rounded;
  for (const float element : elements) rounded.push_back(round_to_bf16(element));
  return bf16_bits(shape, rounded);
}

std::vector<float> floats(const Tensor& tensor) {
  std::vector<float> elements;
  for (std::int64_t i = 0; i < element_count(tensor.shape); ++i) {
    elements.push_back(tensor.dtype == DType::F32 ? tensor.data<float>()[i]
                                                  : widen(tensor.data<std::uint16_t>()[i]));
  }
  return elements;
}

std::vector<std::uint32_t> bits(const Tensor& tensor) {
  std::vector<std::uint32_t> elements;
  for (std::int64_t i = 0; i < element_count(tensor.shape); ++i) {
    elements.push_back(tensor.dtype == DType::F32 ? tensor.data<std::uint32_t>()[i]
                                                  : tensor.data<std::uint16_t>()[i]);
  }
  return elements;
}

Tensor normal(std::mt19937_64& generator, DType dtype, const Shape& shape) {
  std::normal_distribution<float> distribution;
  std::vector<float> elements(static_cast<std::size_t>(element_count(shape)));
  for (float& element : elements) element = distribution(generator);
  return dtype == DType::F32 ? f32(shape, elements) : bf16(shape, elements);
}

}  // namespace corank::test
