#include "models/energy/energy.h"

#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "tests/host/temporary_folder.h"

using namespace corank;

namespace {

EnergyConfig table() {
  return {"a table",
          "45 nm",
          {{"fp32_add", 0.5, 0.25, 1, "operation", "here", "measured"},
           {"dram_byte", 160, 160, 320, "byte", "there", "assumed"},
           {"fp32_sqrt", 12, 6, 24, "operation", "nowhere", "assumed"}}};
}

}  // namespace

TEST_CASE("energy is count times energy of one action, in the table's order", "[energy]") {
  const auto lines = energy_of({{"dram_byte", {3}}, {"fp32_add", {8}}}, table());
  REQUIRE(lines.size() == 2);  // what was not counted has no line
  CHECK(lines[0].entry.action == "fp32_add");
  CHECK(lines[0].count == 8);
  CHECK(lines[0].total_pj() == 4);
  CHECK(lines[0].low_pj() == 2);
  CHECK(lines[0].high_pj() == 8);
  CHECK(lines[0].entry.source == "here");
  CHECK(lines[1].entry.action == "dram_byte");
  CHECK(lines[1].total_pj() == 480);
  CHECK(lines[1].entry.quality == "assumed");
}

TEST_CASE("the sum of energies has a span, and a part of each kind", "[energy]") {
  const EnergySum sum = sum_of(energy_of({{"fp32_add", {8}},
                                          {"dram_byte", {3, EnergyPart::kStandby}},
                                          {"fp32_sqrt", {2, EnergyPart::kClock}}},
                                         table()));
  CHECK(sum.pj == 4 + 480 + 24);
  CHECK(sum.low_pj == 2 + 480 + 12);
  CHECK(sum.high_pj == 8 + 960 + 48);
  CHECK(sum.part_pj(EnergyPart::kDynamic) == 4);
  CHECK(sum.part_pj(EnergyPart::kClock) == 24);
  CHECK(sum.part_pj(EnergyPart::kLeakage) == 0);
  CHECK(sum.part_pj(EnergyPart::kStandby) == 480);
}

TEST_CASE("a scaled figure keeps its span's ratios", "[energy]") {
  const EnergyEntry twice = scaled(table().actions[0], 2);
  CHECK(twice.pj == 1);
  CHECK(twice.low_pj == 0.5);
  CHECK(twice.high_pj == 2);
}

TEST_CASE("an action that the energy table lacks is refused by name", "[energy]") {
  CHECK(message_of<InputError>([] {
          energy_of({{"fp32_add", {1}}, {"fp32_divide", {1}}}, table());
        }) == "energy table \"a table\": no entry for the action \"fp32_divide\"");
}
