// Random values of tensors, the same on every machine.
#pragma once

#include <cstdint>
#include <random>

#include "models/base/tensor.h"

namespace corank {

/// Box and Muller, "A note on the generation of random normal deviates", 1958: unlike
/// std::normal_distribution it gives the same values with every library.
class Normal {
 public:
  explicit Normal(std::uint64_t seed) : random_(seed) {}

  float operator()(double deviation);

 private:
  double uniform() { return (static_cast<double>(random_() >> 11) + 0.5) * 0x1p-53; }
  std::mt19937_64 random_;
};

Tensor bf16_tensor(const Shape& shape, double deviation, Normal& normal);
Tensor f32_tensor(const Shape& shape, double deviation, Normal& normal);

}  // namespace corank
