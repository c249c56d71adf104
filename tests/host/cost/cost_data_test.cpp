#include "host/cost/cost_data.h"

#include <catch2/catch.hpp>

#include "host/cost/cost.h"
#include "models/base/error.h"

namespace corank {
namespace {

constexpr const char* kFit = R"({
  "tools": {"yosys": "0.70", "opensta": "2.0.17"}, "rtl": "0123456789abcdef", "made_by": "scripts/cost-fit",
  "fitted": [{"sizes": {"rows": 2, "columns": 2, "vector_lanes": 4, "memory_lanes": 4, "scratchpad_kib": 8,
                        "scratchpad_banks": 8, "accumulator_kib": 8, "accumulator_banks": 4, "axi_bits": 64,
                        "queue_depth": 4},
              "area_um2": 1000, "delay_ns": 10, "closed_form": {}, "error": {"area_um2": -0.02, "delay_ns": 0.01}}],
  "held_out": [],
  "parts": [{"path": "u_a/u_b", "area_um2": {"1": 5, "rows*columns": 2, "memory_lanes*log2_memory_lanes": 3},
             "flops": {}, "leakage_nw": {"rows": 0.5}}],
  "rams": [{"path": "u_a", "words": {"coefficient": 64, "powers": {"scratchpad_kib": 1, "scratchpad_banks": -1}},
            "width": {"coefficient": 16, "powers": {}}, "count": {"coefficient": 1, "powers": {"memory_lanes": 1}}}],
  "delays": [{"unit": "u_a", "delay_ns": {"1": 6, "log2_memory_lanes": 0.5}}]
})";

MachineShape shape_of(int rows, int columns) {
  MachineShape shape;
  shape.array_rows = rows;
  shape.array_columns = columns;
  shape.vector_lanes = 4;
  shape.axi_data_bits = 64;
  shape.scratchpad_kib = 16;
  return shape;
}

}  // namespace

TEST_CASE("A fit is read as the formulas that its file says") {
  const FitData data = parse_fit(kFit);
  CHECK(data.rtl == "0123456789abcdef");
  CHECK(data.tools == "Yosys 0.70, OpenSTA 2.0.17");
  const MachineCost cost = cost_of(data.fit, sizes_of(shape_of(2, 3)));
  CHECK(cost.area_um2 == 5 + 2 * 6 + 3 * 4 * 2);
  CHECK(cost.leakage_nw == 1);
  CHECK(cost.delay_ns == 7);
  REQUIRE(cost.rams.size() == 1);
  CHECK(cost.rams[0].words == 64 * 16 / 8);
  CHECK(cost.rams[0].width == 16);
  CHECK(cost.rams[0].count == 4);
}

TEST_CASE("The largest error of points is that of either sign") {
  const FitError error = largest_error(parse_fit(kFit).fitted);
  CHECK(error.area == 0.02);
  CHECK(error.delay == 0.01);
}

TEST_CASE("A fit that names a size which no machine has is refused") {
  std::string text = kFit;
  text.replace(text.find("rows*columns"), 4, "pows");
  CHECK_THROWS_AS(parse_fit(text), MachineError);
}

TEST_CASE("The areas of SRAM are height times width at the sizes that were modelled") {
  const SramData& data = sram_data();
  CHECK(data.node_nm == 45);
  REQUIRE(data.points.size() == 5);
  CHECK(data.points[0].bytes == 8192);
  CHECK(data.points[0].area_um2 == Approx(231.0 * 152));
}

TEST_CASE("The energies of SRAM are CACTI's, and an access of a larger or wider macro takes more") {
  const std::vector<SramEnergyData>& nodes = sram_data().energy;
  REQUIRE(nodes.size() == 2);
  CHECK(nodes[0].node_nm == 45);
  CHECK(nodes[1].node_nm == 22);
  CHECK(sram_byte_pj(nodes[0].read, 8192, 64) == Approx(6.491 / 8));
  CHECK(sram_byte_pj(nodes[0].write, 8192, 64) == Approx(8.057 / 8));
  CHECK(sram_byte_pj(nodes[1].read, 32768, 64) == Approx(4.62 / 8));
  for (const SramEnergyData& node : nodes) {
    for (const SramEnergy* grid : {&node.read, &node.write}) {
      REQUIRE(grid->access_pj.size() == grid->bytes.size());
      for (std::size_t i = 0; i < grid->bytes.size(); ++i) {
        REQUIRE(grid->access_pj[i].size() == grid->bits.size());
        for (std::size_t j = 0; j < grid->bits.size(); ++j) {
          if (i > 0) CHECK(grid->access_pj[i][j] > grid->access_pj[i - 1][j]);
          // CACTI lays out the smallest macro of 22 nm better for 32 bits than for 16.
          if (j > 0 && !(node.node_nm == 22 && i == 0))
            CHECK(grid->access_pj[i][j] > grid->access_pj[i][j - 1]);
        }
      }
    }
  }
}

TEST_CASE(
    "The program's own fit gives every machine that it was fitted to within 3 % of its area") {
  const FitData& data = fit_data();
  REQUIRE(data.fitted.size() >= 10);
  for (const auto* points : {&data.fitted, &data.held_out}) {
    for (const FitPoint& point : *points) {
      const AreaAndDelay closed = area_and_delay_of(data.fit, point.sizes);
      CHECK(closed.area_um2 == Approx(point.area_um2).epsilon(0.03));
      if (point.delay_ns > 0)  // its paths were looked for
        CHECK(closed.delay_ns / point.delay_ns - 1 == Approx(point.delay_error).margin(1e-3));
    }
  }
}

TEST_CASE("The closed form's macros hold what the memories of a machine hold") {
  for (const int rows : {2, 8, 32}) {
    MachineShape shape = shape_of(rows, rows);
    shape.scratchpad_kib = 512;
    shape.accumulator_kib = 256;
    double scratchpad = 0, accumulator = 0;
    for (const RamLine& ram : composed_cost(shape, 180).rams) {
      if (ram.group.unit == "u_scratchpad") scratchpad += ram.bytes * ram.group.count;
      if (ram.group.unit == "u_accumulator") accumulator += ram.bytes * ram.group.count;
    }
    CHECK(scratchpad == 512 * 1024);
    CHECK(accumulator == 256 * 1024);
  }
}

}  // namespace corank
