// A machine of odd sizes, for what is worked out by hand from commands alone.
#pragma once

#include "sim/machine/shape.h"

namespace corank::test {

/// 3 x 5, 4 lanes, 128 bits of bus.
inline MachineShape narrow_machine() {
  MachineShape shape;
  shape.array_rows = 3;
  shape.array_columns = 5;
  shape.vector_lanes = 4;
  shape.axi_data_bits = 128;
  return shape;
}

}  // namespace corank::test
