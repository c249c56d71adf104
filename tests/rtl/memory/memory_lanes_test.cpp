// The size of a memory line: the RTL's rule against the host's.
#include <Vmemory_lanes.h>

#include <catch2/catch.hpp>

#include "sim/platform/configuration.h"

using namespace corank;

TEST_CASE("a line is as long as the RTL and the host say, on every shape", "[memory]") {
  VerilatedContext context;
  Vmemory_lanes top{&context};
  for (int rows = 1; rows <= 32; ++rows) {
    for (int columns = 1; columns <= 32; ++columns) {
      for (const int vector_lanes : {1, 4, 16}) {
        for (const int axi_bits : {64, 128, 512}) {
          MachineShape shape;
          top.rows_i = static_cast<unsigned>(shape.array_rows = rows);
          top.columns_i = static_cast<unsigned>(shape.array_columns = columns);
          top.vector_lanes_i = static_cast<unsigned>(shape.vector_lanes = vector_lanes);
          top.axi_data_bits_i = static_cast<unsigned>(shape.axi_data_bits = axi_bits);
          top.eval();
          INFO(rows << "x" << columns << ", " << vector_lanes << " lanes, AXI " << axi_bits);
          REQUIRE(top.lanes_o == static_cast<unsigned>(memory_lanes(shape)));
        }
      }
    }
  }
}
