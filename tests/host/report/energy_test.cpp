#include "models/energy/energy.h"

#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "tests/host/temporary_folder.h"

using namespace corank;

namespace {

EnergyConfig table() {
  return {"a table",
          "45 nm",
          {{"fp32_add", 0.5, "operation", "here", "measured"},
           {"dram_byte", 160, "byte", "there", "assumed"},
           {"fp32_sqrt", 12, "operation", "nowhere", "assumed"}}};
}

}  // namespace

TEST_CASE("energy is count times energy of one action, in the table's order", "[energy]") {
  const auto lines = energy_of({{"dram_byte", 3}, {"fp32_add", 8}}, table());
  REQUIRE(lines.size() == 2);  // what was not counted has no line
  CHECK(lines[0].entry.action == "fp32_add");
  CHECK(lines[0].count == 8);
  CHECK(lines[0].total_pj == 4);
  CHECK(lines[0].entry.source == "here");
  CHECK(lines[1].entry.action == "dram_byte");
  CHECK(lines[1].total_pj == 480);
  CHECK(lines[1].entry.quality == "assumed");
}

TEST_CASE("an action that the energy table lacks is refused by name", "[energy]") {
  CHECK(message_of<InputError>([] {
          energy_of({{"fp32_add", 1}, {"fp32_divide", 1}}, table());
        }) == "energy table \"a table\": no entry for the action \"fp32_divide\"");
}
