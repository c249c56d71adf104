#include "models/cost/sram.h"

#include <cmath>
#include <cstddef>

namespace corank {
namespace {

// A place among points: between the one at `below` and the next, `share` of the way in logarithms;
// outside of 0..1 beyond the first or the last.
struct Place {
  std::size_t below = 0;
  double share = 0;
};

Place place_among(const std::vector<double>& points, double value) {
  Place place;
  while (place.below + 2 < points.size() && points[place.below + 1] < value) ++place.below;
  const double first = points[place.below];
  place.share = std::log(value / first) / std::log(points[place.below + 1] / first);
  return place;
}

double between(double first, double second, double share) {
  return first * std::pow(second / first, share);
}

}  // namespace

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

double sram_byte_pj(const SramEnergy& points, double bytes, double bits) {
  const Place size = place_among(points.bytes, bytes), width = place_among(points.bits, bits);
  const auto of_size = [&](std::size_t row) {
    const std::vector<double>& pj = points.access_pj[row];
    return between(pj[width.below], pj[width.below + 1], width.share);
  };
  return between(of_size(size.below), of_size(size.below + 1), size.share) / (bits / 8);
}

}  // namespace corank
