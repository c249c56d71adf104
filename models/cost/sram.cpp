#include "models/cost/sram.h"

#include <cmath>

namespace corank {

double sram_area_um2(const std::vector<SramPoint>& points, double bytes) {
  if (bytes <= points.front().bytes) return points.front().area_um2 * bytes / points.front().bytes;
  for (std::size_t i = 1; i < points.size(); ++i) {
    if (bytes > points[i].bytes) continue;
    const SramPoint &below = points[i - 1], &above = points[i];
    const double power =
        std::log(above.area_um2 / below.area_um2) / std::log(above.bytes / below.bytes);
    return below.area_um2 * std::pow(bytes / below.bytes, power);
  }
  return points.back().area_um2 * bytes / points.back().bytes;
}

}  // namespace corank
