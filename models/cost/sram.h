// The area of SRAM macros between the sizes at which it was modelled.
#pragma once

#include <vector>

namespace corank {

struct SramPoint {
  double bytes = 0, area_um2 = 0;
};

/// The area of a macro at the node of the points, which are in the order of their size: between two
/// points on a line in the logarithms, beyond them with the bits' density of the last one (for
/// small macros a lower bound: what lies around the cells takes a larger share).
double sram_area_um2(const std::vector<SramPoint>& points, double bytes);

}  // namespace corank
