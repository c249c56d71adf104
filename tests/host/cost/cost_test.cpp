#include "host/cost/cost.h"

#include <catch2/catch.hpp>

#include "host/cost/cost_data.h"
#include "models/base/error.h"

namespace corank {
namespace {

using Catch::Matchers::Contains;

// Two queues of the same kind, a memory unit, and 50 um2 of the top's own.
nlohmann::json synthesis() {
  return nlohmann::json::parse(R"({
    "tools": {"yosys": "0.70", "opensta": "2.0.17"},
    "hierarchy": {"instance": "", "area_um2": 1050, "flops": 12, "leakage_nw": 9, "cells": 40,
      "rams": [{"words": 128, "width": 16, "count": 3}],
      "children": [
        {"instance": "gen_queue[0].u_queue", "area_um2": 100, "flops": 2, "leakage_nw": 1, "rams": []},
        {"instance": "gen_queue[1].u_queue", "area_um2": 100, "flops": 2, "leakage_nw": 1, "rams": []},
        {"instance": "u_memory", "area_um2": 800, "flops": 8, "leakage_nw": 6,
         "rams": [{"words": 128, "width": 16, "count": 3}]}]},
    "timing": {
      "units": {"gen_queue[0].u_queue": {"delay_ns": 5, "from": "a", "to": "b"},
                "gen_queue[1].u_queue": {"delay_ns": 6, "from": "a", "to": "c"},
                "u_memory": {"delay_ns": 8, "from": "x", "to": "y"}},
      "paths": [{"delay_ns": 8, "from": "x", "to": "y", "through": ["u_memory"]}],
      "false_paths": ["rst_ni"]}})");
}

}  // namespace

TEST_CASE("Instances that differ by numbers alone have one name") {
  CHECK(without_numbers("gen_queue[3].u_queue") == "gen_queue.u_queue");
  CHECK(without_numbers("u_memory") == "u_memory");
}

TEST_CASE(
    "Units of a synthesised machine are summed, the largest first, the top's own among them") {
  const CostReport report = synthesised_cost(synthesis());
  REQUIRE(report.units.size() == 3);
  CHECK(report.units[0].unit == "u_memory");
  CHECK(report.units[1].unit == "gen_queue.u_queue");
  CHECK(report.units[1].area_um2 == 200);
  CHECK(report.units[1].delay_ns == 6);
  CHECK(report.units[2].unit.empty());
  CHECK(report.units[2].area_um2 == 50);
  CHECK(report.logic_um2 == 1050);
  CHECK(report.flops == 12);
  CHECK(report.leakage_nw == 9);
  CHECK(report.delay_ns == 8);
  CHECK(report.fmax_mhz() == 125);
}

TEST_CASE("Macros are priced one by one, at the cells' node") {
  const CostReport report = synthesised_cost(synthesis());
  REQUIRE(report.rams.size() == 1);
  CHECK(report.rams[0].group.count == 3);
  CHECK(report.rams[0].bytes == 256);
  // 1/32 of CACTI's 8 KiB macro at 45 nm, 1 / 0.053 times as large at 180 nm
  CHECK(report.rams[0].area_um2 == Approx(231.0 * 152 / 32 / 0.053));
  CHECK(report.ram_um2 == Approx(3 * 231.0 * 152 / 32 / 0.053));
}

TEST_CASE("A larger machine is composed, and says of what and how well") {
  MachineShape shape;
  shape.array_rows = shape.array_columns = 32;
  const CostReport report = composed_cost(shape, 180);
  CHECK(report.composed);
  CHECK(report.outside_fit);
  CHECK(report.logic_um2 > composed_cost({}, 180).logic_um2);
  const std::string table = to_table(report);
  CHECK_THAT(table, Contains("closed form of") && Contains("largest residual") &&
                        Contains("held out") && Contains("larger than those"));
  CHECK(to_json(report).at("closed_form").at("fitted").size() == fit_data().fitted.size());
}

TEST_CASE("At another node area and time are scaled by the published factors, and it is said") {
  const CostReport cells = composed_cost({}, 180), scaled = composed_cost({}, 45);
  CHECK(scaled.logic_um2 == Approx(0.053 * cells.logic_um2));
  CHECK(scaled.ram_um2 == Approx(0.053 * cells.ram_um2));
  CHECK(scaled.fmax_mhz() == Approx(4 * cells.fmax_mhz()));
  CHECK(scaled.leakage_nw == cells.leakage_nw);
  CHECK_THAT(to_table(scaled), Contains("scaled by") && Contains("Stillmaker"));
  CHECK_THAT(to_table(cells), !Contains("scaled by"));
}

TEST_CASE("A node without figures is refused with those that there are") {
  CHECK_THROWS_WITH(composed_cost({}, 33), Contains("33 nm") && Contains("180, 45, 28, 7"));
  CHECK_THROWS_AS(composed_cost({}, 0), InputError);
}

TEST_CASE("A clock that the machine does not reach is told") {
  CostReport report = synthesised_cost(synthesis());
  report.clock_mhz = 120;
  CHECK_THAT(to_table(report), !Contains("asks for"));
  report.clock_mhz = 130;
  CHECK_THAT(to_table(report), Contains("asks for 130 MHz"));
}

}  // namespace corank
