#include "models/program/schedule.h"

#include <algorithm>
#include <cmath>

namespace corank {

double schedule_factor(const Schedule& schedule, std::int64_t step) {
  const auto t = static_cast<double>(step);
  const auto warmup = static_cast<double>(schedule.warmup);
  const auto total = static_cast<double>(schedule.total);
  if (step < schedule.warmup) return t / std::max(1.0, warmup);
  const double span = std::max(1.0, total - warmup);
  switch (schedule.kind) {
    case Schedule::Kind::kConstant:
      return 1;
    case Schedule::Kind::kLinear:
      return std::max(0.0, (total - t) / span);
    case Schedule::Kind::kCosine:
      return std::max(0.0, 0.5 * (1 + std::cos(M_PI * (t - warmup) / span)));
  }
  return 1;  // not reached: every kind stands above
}

const char* name_of(Schedule::Kind kind) {
  switch (kind) {
    case Schedule::Kind::kConstant:
      return "constant";
    case Schedule::Kind::kLinear:
      return "linear";
    case Schedule::Kind::kCosine:
      return "cosine";
  }
  return "";  // not reached: every kind stands above
}

}  // namespace corank
