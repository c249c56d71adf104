#include "host/train/gradients.h"

#include <algorithm>
#include <cmath>

namespace corank {

void accumulate(TensorMap& sum, const TensorMap& gradients, double factor) {
  const auto scale = static_cast<float>(factor);
  for (const auto& [name, gradient] : gradients) {
    const auto [entry, first] = sum.try_emplace(name, gradient.dtype, gradient.shape);
    auto* out = entry->second.data<float>();
    const auto* in = gradient.data<float>();
    const std::int64_t count = element_count(gradient.shape);
    for (std::int64_t i = 0; i < count; ++i) {
      const float product = in[i] * scale;
      out[i] = first ? product : out[i] + product;
    }
  }
}

double global_norm(const TensorMap& gradients) {
  double squares = 0;
  for (const auto& entry : gradients) {
    const auto* in = entry.second.data<float>();
    const std::int64_t count = element_count(entry.second.shape);
    for (std::int64_t i = 0; i < count; ++i) squares += static_cast<double>(in[i]) * in[i];
  }
  return std::sqrt(squares);
}

double clip_global_norm(TensorMap& gradients, double most) {
  const double norm = global_norm(gradients);
  const auto factor = static_cast<float>(std::min(1.0, most / (norm + 1e-6)));
  for (auto& entry : gradients) {
    auto* elements = entry.second.data<float>();
    const std::int64_t count = element_count(entry.second.shape);
    for (std::int64_t i = 0; i < count; ++i) elements[i] *= factor;
  }
  return norm;
}

}  // namespace corank
