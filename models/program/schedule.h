// How the learning rate changes over the steps: transformers' get_*_schedule_with_warmup.
#pragma once

#include <cstdint>

namespace corank {

struct Schedule {
  enum class Kind { kConstant, kLinear, kCosine };
  Kind kind = Kind::kConstant;
  std::int64_t warmup = 0;  // steps over which the rate rises from 0; the first step has rate 0
  std::int64_t total = 0;   // steps at whose end linear and cosine reach 0
};

/// The factor of the learning rate at step t = 0, 1, ...:
///   t < W:    t / max(1, W)
///   constant: 1
///   linear:   max(0, (N - t) / max(1, N - W))
///   cosine:   max(0, (1 + cos(pi (t - W) / max(1, N - W))) / 2)
double schedule_factor(const Schedule& schedule, std::int64_t step);

/// "constant", "linear", "cosine".
const char* name_of(Schedule::Kind kind);

}  // namespace corank
