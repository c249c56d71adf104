#include "host/sweep/sweep_text.h"

#include <catch2/catch.hpp>

using namespace corank;
using Catch::Contains;

namespace {

SweepRow row_of(std::size_t design, std::vector<std::size_t> values,
                std::vector<double> objectives) {
  SweepRow row;
  row.design = design;
  row.values = std::move(values);
  row.status = DesignStatus::kDone;
  row.objectives = std::move(objectives);
  row.bound_by = "memory, busy in 93.1 % of the cycles";
  row.on_front = true;
  return row;
}

SweepTable two_designs() {
  SweepTable table;
  table.name = "two";
  table.directory = "a";
  table.axes = {{"accelerator.array.rows", {"8", "16"}, true}, {"memory", {"hbm2.yaml"}, false}};
  table.objectives = {Objective::kTime, Objective::kEnergy, Objective::kArea};
  table.rows = {row_of(0, {0, 0}, {6612345.6, 1.14e10, 0.8321}),
                row_of(1, {1, 0}, {661234.56, 9.9e9, 12.3456})};
  table.designs = 2;
  return table;
}

}  // namespace

TEST_CASE("the front is a table in units that people read, the columns below their names") {
  const std::string expected =
      "two: 2 designs on the front of 2\n"
      "  design  rows  memory         time   energy        area  bound by\n"
      "       1    16  hbm2.yaml  661.2 us   9.9 mJ   12.35 mm2  memory\n"
      "       0     8  hbm2.yaml  6.612 ms  11.4 mJ  0.8321 mm2  memory\n";
  CHECK_THAT(to_text(two_designs(), false), Catch::StartsWith(expected));
}

TEST_CASE("every objective is said with its unit") {
  CHECK(objective_text(Objective::kTime, 6.612e6) == "6.612 ms");
  CHECK(objective_text(Objective::kEnergy, 4.38e10) == "43.8 mJ");
  CHECK(objective_text(Objective::kArea, 0.643) == "0.643 mm2");
  CHECK(objective_text(Objective::kDeviceMemory, 2.5e9) == "2.5 GB");
  CHECK(objective_text(Objective::kJoulesPerToken, 0.0125) == "12.5 mJ/token");
  CHECK(objective_text(Objective::kCostOfAStep, 0.25) == "$0.25");
  CHECK(objective_text(Objective::kLuts, 123456) == "123456 LUTs");
  CHECK(objective_text(Objective::kBlockRams, 7) == "7 block RAMs");
  CHECK(objective_text(Objective::kFpgaShare, 0.785) == "78.5 %");
}

TEST_CASE("two sweeps are compared in the same units, as far as both have a front") {
  SweepTable a = two_designs(), b = two_designs();
  b.directory = "b";
  b.rows[1].objectives[0] = 330617.28;  // half of the best time
  CHECK_THAT(compare_sweeps(a, b), Contains("  best             a           b  ratio\n"
                                            "  time      661.2 us    330.6 us    0.5\n"));
  b.rows.clear();
  CHECK_THAT(compare_sweeps(a, b), !Contains("inf"));
}
