#include "host/train/schedule.h"

#include <algorithm>
#include <cmath>

namespace corank {

double schedule_factor(const Schedule& schedule, std::int64_t step) {
  const auto t = static_cast<double>(step);
  const auto warmup = static_cast<double>(schedule.warmup);
  const auto total = static_cast<double>(schedule.total);
  if (step < schedule.warmup) return t / std::max(1.0, warmup);
  const double span = std::max(1.0, total - warmup);
  if (schedule.name == "linear") return std::max(0.0, (total - t) / span);
  if (schedule.name == "cosine")
    return std::max(0.0, 0.5 * (1 + std::cos(M_PI * (t - warmup) / span)));
  return 1;
}

}  // namespace corank
