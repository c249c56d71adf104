#include "host/workload/normal.h"

#include <cmath>

#include "models/base/numerics.h"

namespace corank {

float Normal::operator()(double deviation) {
  constexpr double kPi = 3.14159265358979323846;
  const double radius = std::sqrt(-2 * std::log(uniform()));
  return static_cast<float>(deviation * radius * std::cos(2 * kPi * uniform()));
}

Tensor bf16_tensor(const Shape& shape, double deviation, Normal& normal) {
  Tensor tensor(DType::BF16, shape);
  for (std::int64_t i = 0; i < element_count(shape); ++i)
    tensor.data<std::uint16_t>()[i] = round_to_bf16(normal(deviation));
  return tensor;
}

Tensor f32_tensor(const Shape& shape, double deviation, Normal& normal) {
  Tensor tensor(DType::F32, shape);
  for (std::int64_t i = 0; i < element_count(shape); ++i)
    tensor.data<float>()[i] = normal(deviation);
  return tensor;
}

}  // namespace corank
