// The area and the energy of SRAM macros between the sizes at which they were modelled.
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

/// The energy of an access at every size and width of a grid; two of each at least, in order.
struct SramEnergy {
  std::vector<double> bytes, bits;
  std::vector<std::vector<double>> access_pj;  // [size][width]
};

/// What a byte takes that is read from or written to a macro of so many bytes, so many bits at a
/// time: between the points on lines in the logarithms, which go on beyond them.
double sram_byte_pj(const SramEnergy& points, double bytes, double bits);

}  // namespace corank
