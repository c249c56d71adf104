#include "host/verify/drawn_values.h"

#include <algorithm>
#include <string>

#include "host/verify/drawn_case.h"
#include "models/base/numerics.h"
#include "models/ops/cross_entropy.h"

namespace corank::draw {

Tensor numbers(Random& random, const Value& value) {
  const bool second_moment = value.name.find("exp_avg_sq") != std::string::npos;
  const float scale = value.role == Role::kState   ? (second_moment ? 1e-6f : 1e-3f)
                      : value.role == Role::kInput ? 1.0f
                                                   : 0.3f;
  return value.dtype == DType::BF16 ? bf16(random, value.shape, scale)
                                    : f32(random, value.shape, scale, second_moment);
}

void make_ties(Tensor& tensor) {
  const auto few = [](float number) { return number < 0 ? -0.5f : number < 0.25f ? 0.0f : 0.5f; };
  for (std::int64_t i = 0; i < element_count(tensor.shape); ++i) {
    if (tensor.dtype == DType::BF16) {
      std::uint16_t& number = tensor.data<std::uint16_t>()[i];
      number = round_to_bf16(few(widen(number)));
    } else {
      float& number = tensor.data<float>()[i];
      number = few(number);
    }
  }
}

Tensor labels(Random& random, const Shape& shape, std::int64_t classes) {
  Tensor tensor(DType::I64, shape);
  const std::int64_t count = element_count(shape);
  for (std::int64_t i = 0; i < count; ++i) {
    const bool ignored = i + 1 < count && chance(random, 4);
    tensor.data<std::int64_t>()[i] = ignored ? kIgnoredLabel : between(random, 0, classes - 1);
  }
  return tensor;
}

void mask_whole_rows(Random& random, Tensor& mask) {
  for (std::int64_t row = 0; row < mask.shape[0]; ++row) {
    if (!chance(random, 4)) continue;
    std::int64_t* const first = mask.data<std::int64_t>() + row * mask.columns();
    std::fill(first, first + mask.columns(), 0);
  }
}

}  // namespace corank::draw
