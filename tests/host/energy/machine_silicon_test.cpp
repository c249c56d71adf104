#include "host/energy/machine_silicon.h"

#include <catch2/catch.hpp>

#include "host/cost/cost.h"
#include "models/base/error.h"

using namespace corank;

TEST_CASE("the node of an energy table is its leading number, if anything is known of it",
          "[energy]") {
  CHECK(known_node("45 nm") == 45);
  CHECK(known_node("7 nm (a paper)") == 7);
  CHECK(known_node("46 nm") == 180);
  CHECK(known_node("a chip of ours") == 180);
  CHECK(known_node("") == 180);
}

TEST_CASE("what leaks and is clocked is what the closed form says of the machine", "[energy]") {
  MachineShape shape;
  const CostReport cost = composed_cost(shape, 45);
  const MachineSilicon silicon = machine_silicon(shape, "45 nm");
  CHECK(silicon.node_nm == 45);
  CHECK(silicon.flops == Approx(cost.flops));
  CHECK(silicon.logic_mm2 == Approx(cost.logic_um2 / 1e6));
  double bytes = 0;
  for (const RamLine& ram : cost.rams) bytes += ram.bytes * ram.group.count;
  CHECK(silicon.memory_kib() == Approx(bytes / 1024));
  CHECK(silicon.memory_kib() >= shape.scratchpad_kib + shape.accumulator_kib);
  CHECK(machine_silicon(shape, "7 nm").logic_mm2 < silicon.logic_mm2 / 10);
}

TEST_CASE("the ratio of macros is CACTI's at the node next to the table's", "[energy]") {
  MachineSilicon silicon;
  silicon.macros = {{"u_scratchpad", 512, 32, 8}, {"u_other", 64, 64, 1}};
  silicon.node_nm = 45;
  CHECK(macro_ratio(silicon, "u_scratchpad", false, 8, 64) == Approx((2.317 / 4) / (6.491 / 8)));
  CHECK(macro_ratio(silicon, "u_scratchpad", true, 8, 64) == Approx((2.682 / 4) / (8.057 / 8)));
  silicon.node_nm = 7;
  CHECK(macro_ratio(silicon, "u_scratchpad", false, 8, 64) == Approx((0.6117 / 4) / (1.904 / 8)));
  silicon.node_nm = 180;
  CHECK(macro_ratio(silicon, "u_scratchpad", false, 8, 64) == Approx((2.317 / 4) / (6.491 / 8)));
}

TEST_CASE("macros of several sizes count by their bytes", "[energy]") {
  MachineSilicon silicon;
  silicon.node_nm = 45;
  // 3 x 2 KiB of 32 bits, 1 x 2 KiB of 16 bits.
  silicon.macros = {{"u_scratchpad", 512, 32, 3}, {"u_scratchpad", 1024, 16, 1}};
  CHECK(macro_ratio(silicon, "u_scratchpad", false, 8, 64) ==
        Approx((3 * 2.317 / 4 + 2.066 / 2) / 4 / (6.491 / 8)));
}

TEST_CASE("a byte of a large macro takes more than one of a small one", "[energy]") {
  MachineSilicon small, large;
  small.node_nm = large.node_nm = 45;
  small.macros = {{"u_scratchpad", 512, 32, 32}};
  large.macros = {{"u_scratchpad", 8192, 32, 2}};
  for (const bool writes : {false, true})
    CHECK(macro_ratio(large, "u_scratchpad", writes, 8, 64) >
          2 * macro_ratio(small, "u_scratchpad", writes, 8, 64));
}

TEST_CASE("every memory whose bytes are counted has macros in the closed form", "[energy]") {
  CHECK(macro_ratio(machine_silicon({}, "45 nm"), "u_scratchpad", false, 8, 64) > 0);
  CHECK(macro_ratio(machine_silicon({}, "45 nm"), "u_accumulator", true, 8, 64) > 0);
  CHECK_THROWS_AS(macro_ratio(machine_silicon({}, "45 nm"), "u_nothing", false, 8, 64),
                  MachineError);
}
