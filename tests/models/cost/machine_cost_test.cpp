#include "models/cost/machine_cost.h"

#include <catch2/catch.hpp>

#include "models/cost/nodes.h"
#include "models/cost/sram.h"

namespace corank {
namespace {

constexpr int kRows = 0, kColumns = 1, kMemoryLanes = 3, kScratchpadKib = 4, kBanks = 5;
constexpr int kLogOfMemoryLanes = static_cast<int>(kSizes) + kMemoryLanes;

// 4 rows, 2 columns, 8 lanes of the memories, 64 KiB in 16 banks.
MachineSizes some_sizes() { return machine_sizes({4, 2, 4, 8, 64, 16, 32, 4, 128, 2}); }

}  // namespace

TEST_CASE("A size and its logarithm are found by their names") {
  CHECK(place_of_size("rows") == kRows);
  CHECK(place_of_size("memory_lanes") == kMemoryLanes);
  CHECK(place_of_size("log2_memory_lanes") == kLogOfMemoryLanes);
  CHECK(place_of_size("log2_") == -1);
  CHECK(place_of_size("lanes") == -1);
  CHECK(some_sizes()[static_cast<std::size_t>(kLogOfMemoryLanes)] == 3);
}

TEST_CASE("A formula is the sum of its terms, each a coefficient times up to two sizes") {
  const CostFormula formula = {
      {100, -1, -1}, {10, kRows, -1}, {3, kRows, kColumns}, {0.5, kMemoryLanes, kLogOfMemoryLanes}};
  CHECK(value_of(formula, some_sizes()) == 100 + 10 * 4 + 3 * 4 * 2 + 0.5 * 8 * 3);
  CHECK(value_of(CostFormula{}, some_sizes()) == 0);
}

TEST_CASE("A monomial multiplies and divides by sizes") {
  CostMonomial words;  // of a bank's RAM: KiB x 1024 / (2 B x lanes) / banks
  words.coefficient = 512;
  words.powers[kScratchpadKib] = 1;
  words.powers[kMemoryLanes] = -1;
  words.powers[kBanks] = -1;
  CHECK(value_of(words, some_sizes()) == 512.0 * 64 / 8 / 16);
  words.powers[kRows] = 2;
  CHECK(value_of(words, some_sizes()) == 512.0 * 64 / 8 / 16 * 16);
}

TEST_CASE("A machine is the sum of its parts by unit, as slow as its slowest path") {
  MachineFit fit;
  fit.parts = {{"u_array/u_pes", {{10, kRows, kColumns}}, {{2, kRows, -1}}, {{0.5, -1, -1}}},
               {"u_array", {{7, -1, -1}}, {{1, -1, -1}}, {}},
               {"", {{-5, -1, -1}}, {}, {}}};  // a fit that crosses zero leaves nothing
  CostMonomial two;
  two.coefficient = 2;
  CostMonomial lanes;
  lanes.coefficient = 1;
  lanes.powers[kMemoryLanes] = 1;
  fit.rams = {{"u_array/u_fifo", lanes, two, two}};
  fit.delays = {{"u_array", {{4, -1, -1}, {0.5, kLogOfMemoryLanes, -1}}}, {"", {{3, -1, -1}}}};

  const MachineCost cost = cost_of(fit, some_sizes());
  REQUIRE(cost.units.size() == 2);
  CHECK(cost.units[0].unit == "u_array");
  CHECK(cost.units[0].area_um2 == 10 * 8 + 7);
  CHECK(cost.units[0].flops == 2 * 4 + 1);
  CHECK(cost.units[0].delay_ns == 5.5);
  CHECK(cost.units[1].area_um2 == 0);
  CHECK(cost.area_um2 == 87);
  CHECK(cost.leakage_nw == 0.5);
  CHECK(cost.delay_ns == 5.5);
  REQUIRE(cost.rams.size() == 1);
  CHECK(cost.rams[0].unit == "u_array");
  CHECK(cost.rams[0].count == 8);
  CHECK(cost.rams[0].words == 2);

  const AreaAndDelay both = area_and_delay_of(fit, some_sizes());
  CHECK(both.area_um2 == cost.area_um2);
  CHECK(both.delay_ns == cost.delay_ns);
}

TEST_CASE("SRAM area lies on a line in the logarithms, and keeps the density beyond the points") {
  const std::vector<SramPoint> points = {{8192, 100}, {32768, 200}, {131072, 800}};
  CHECK(sram_area_um2(points, 8192) == 100);
  CHECK(sram_area_um2(points, 2048) == 25);
  CHECK(sram_area_um2(points, 16384) == Approx(100 * 1.41421356));
  CHECK(sram_area_um2(points, 65536) == Approx(400));
  CHECK(sram_area_um2(points, 262144) == 1600);
}

TEST_CASE("A byte of a macro lies between the modelled ones on lines in the logarithms") {
  const SramEnergy points{{1024, 4096, 16384}, {16, 64}, {{1, 2}, {4, 8}, {64, 128}}};
  CHECK(sram_byte_pj(points, 1024, 16) == Approx(1 / 2.0));  // an access over its bytes
  CHECK(sram_byte_pj(points, 4096, 64) == Approx(8 / 8.0));
  CHECK(sram_byte_pj(points, 2048, 16) == Approx(2 / 2.0));           // the root of 1 x 4
  CHECK(sram_byte_pj(points, 8192, 16) == Approx(16 / 2.0));          // the root of 4 x 64
  CHECK(sram_byte_pj(points, 4096, 32) == Approx(5.65685425 / 4.0));  // the root of 4 x 8
  CHECK(sram_byte_pj(points, 2048, 32) == Approx(2.82842712 / 4.0));  // the root of 1.41 x 5.66
  // The lines go on: a factor of 4 from 1 to 4 KiB, of 16 from 4 to 16, of 2 from 16 to 64 bits.
  CHECK(sram_byte_pj(points, 512, 16) == Approx(0.5 / 2));
  CHECK(sram_byte_pj(points, 65536, 16) == Approx(1024 / 2.0));
  CHECK(sram_byte_pj(points, 1024, 256) == Approx(4 / 32.0));
}

TEST_CASE("Nodes are scaled from the 180 nm cells by the published factors") {
  REQUIRE(node_scaling(45) != nullptr);
  CHECK(node_scaling(45)->area == 0.053);
  CHECK(delay_factor(*node_scaling(45)) == Approx(0.25));
  CHECK(delay_factor(*node_scaling(180)) == 1);
  // 28 nm between 32 and 20 nm: 0.025 x (28 / 32)^(ln(0.025 / 0.011) / ln(32 / 20))
  CHECK(node_scaling(28)->area == Approx(0.0198).epsilon(0.002));
  CHECK(node_scaling(33) == nullptr);
}

}  // namespace corank
