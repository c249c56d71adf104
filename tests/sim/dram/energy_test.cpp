// Energy against DRAMPower, on the same traces.
#include "sim/dram/energy.h"

#include <catch2/catch.hpp>
#include <string>

#include "tests/sim/dram/run_trace.h"

using namespace corank;
using namespace corank::test;

TEST_CASE("the energy of one action is worked out by hand") {
  // 1.2 V x 0.833 ns x 8 chips = 7.9968 pJ a mA and clock.
  const DramDevice dram = device("ddr4-2400");
  DramStatistics s;
  SECTION("activate: (48 - 43) x 39") {
    s.activates = 1;
    CHECK(dram_energy(dram, s).core() == Approx(1559.376));
  }
  SECTION("precharge: (48 - 34) x 17") {
    s.precharges = 1;
    CHECK(dram_energy(dram, s).core() == Approx(1903.2384));
  }
  SECTION("read: (135 - 43) x 4") {
    s.reads = 1;
    CHECK(dram_energy(dram, s).core() == Approx(2942.8224));
  }
  SECTION("write: (123 - 43) x 4") {
    s.writes = 1;
    CHECK(dram_energy(dram, s).core() == Approx(2558.976));
  }
  SECTION("refresh: (250 - 43) x 420") {
    s.refreshes = 1;
    CHECK(dram_energy(dram, s).core() == Approx(695241.792));
  }
  SECTION("background: 43 x 10 open, 34 x 90 closed") {
    s.clocks = 100;
    s.active = 10;
    CHECK(dram_energy(dram, s).background == Approx(27908.832));
  }
}

TEST_CASE("the energy of what modules were measured to draw is worked out by hand") {
  DramDevice dram = device("ddr4-2400");
  dram.currents = as_measured(dram.currents);
  DramStatistics s;
  SECTION("activate: (0.427 x 48 - 0.367 x 43) x 39") {
    s.activates = 1;
    CHECK(dram_energy(dram, s).core() == Approx(7.9968 * (20.496 - 15.781) * 39));
  }
  SECTION("precharge: (0.427 x 48 - 0.566 x 34) x 17") {
    s.precharges = 1;
    CHECK(dram_energy(dram, s).core() == Approx(7.9968 * (20.496 - 19.244) * 17));
  }
  SECTION("read: (0.736 x 135 - 0.367 x 43) x 4") {
    s.reads = 1;
    CHECK(dram_energy(dram, s).core() == Approx(7.9968 * (99.36 - 15.781) * 4));
  }
  SECTION("write: (0.542 x 123 - 0.367 x 43) x 4") {
    s.writes = 1;
    CHECK(dram_energy(dram, s).core() == Approx(7.9968 * (66.666 - 15.781) * 4));
  }
  SECTION("refresh: (0.829 x 250 - 0.367 x 43) x 420") {
    s.refreshes = 1;
    CHECK(dram_energy(dram, s).core() == Approx(7.9968 * (207.25 - 15.781) * 420));
  }
}

TEST_CASE("no action of any device takes less than nothing, as the data sheet or as measured") {
  for (const std::string name : {"ddr4-2400", "ddr4-3200", "lpddr4-3200", "hbm2"}) {
    INFO(name);
    DramDevice dram = device(name);
    DramStatistics s;
    s.activates = s.precharges = s.reads = s.writes = s.refreshes = s.clocks = 1;
    dram.currents = as_measured(dram.currents);
    const DramEnergy e = dram_energy(dram, s);
    for (const double pj : {e.activate, e.precharge, e.read, e.write, e.refresh, e.background})
      CHECK(pj > 0);
  }
}

TEST_CASE("what is not known of a device's energy is said") {
  CHECK_FALSE(dram_energy(device("lpddr5-6400"), {}).core_known);
  CHECK(dram_energy(device("lpddr5-6400"), {}).access_known);
  CHECK(dram_energy(device("lpddr5-6400"), {}).known);
  CHECK(dram_energy(device("lpddr4-3200"), {}).core_known);
  CHECK_FALSE(dram_energy(device("lpddr4-3200"), {}).access_known);
  DramDevice nothing = device("lpddr5-6400");
  nothing.access = {};
  CHECK_FALSE(dram_energy(nothing, {}).known);
  DramDevice without = device("ddr4-2400");
  without.io_pj_per_bit = 0;
  CHECK_FALSE(dram_energy(without, {}).io_known);
}

TEST_CASE("the interface takes its figure for every bit that is moved") {
  DramStatistics s;
  s.reads = 2;
  s.writes = 1;
  // 3 x 64 bytes x 8 x 3.66 pJ.
  const DramEnergy e = dram_energy(device("ddr4-2400"), s);
  CHECK(e.io_known);
  CHECK(e.io == Approx(5621.76));
  CHECK(e.total() == Approx(e.core() + 5621.76));
}

TEST_CASE("a figure a bit is all that a device without currents takes") {
  DramStatistics s;
  s.reads = 2;
  s.writes = 1;
  s.activates = 1;
  s.clocks = 1000;
  // 3 x 32 bytes x 8 x 9 pJ.
  const DramEnergy e = dram_energy(device("lpddr5-6400"), s);
  CHECK(e.access == Approx(6912));
  CHECK(e.total() == Approx(6912));
}

TEST_CASE("the least of LPDDR5's figure is LPDDR4's on a stream at the lower supplies") {
  const DramDevice older = device("lpddr4-3200");
  const auto statistics =
      run_trace(make_trace("a_seq_rd", older.organisation, 1), older, map_named("rbc")).statistics;
  const double bits = 8.0 * older.organisation.access_bytes * static_cast<double>(statistics.reads);
  const double core = dram_energy(older, statistics).core() / bits;
  // And a high bit draws VDDQ/2 on 40 ohm from 0.5 V, half of the bits are high (JESD209-5).
  const double interface = 0.5 * 0.5 * (0.25 / 40) / 6.4e9 * 1e12;
  CHECK(device("lpddr5-6400").access.low_pj ==
        Approx(core * 1.05 * 1.05 / 1.1 / 1.1 + interface).epsilon(0.02));
}

TEST_CASE("the direct current of an interface is that of Ohm's law") {
  // pJ/bit = half of the bits x V x A x bits' time.
  CHECK(device("ddr4-2400").io_pj_per_bit ==
        Approx(0.5 * 1.2 * 1.2 / (34 + 48) / 2.4e9 * 1e12).epsilon(0.002));
  CHECK(device("ddr4-3200").io_pj_per_bit ==
        Approx(0.5 * 1.2 * 1.2 / (34 + 48) / 3.2e9 * 1e12).epsilon(0.002));
  CHECK(device("lpddr4-3200").io_pj_per_bit ==
        Approx(0.5 * 1.1 * (1.1 / 3 / 40) / 3.2e9 * 1e12).epsilon(0.003));
}

TEST_CASE("energy is that of DRAMPower 5.1 on Ramulator 2.1's commands, trace by trace") {
  // Microjoules, core only, map rbc.
  const auto [name, trace, microjoules] = GENERATE(table<std::string, std::string, double>({
      {"ddr4-2400", "a_seq_rd", 344.4},
      {"ddr4-2400", "b_seq_wr", 316.3},
      {"ddr4-2400", "c_rw11", 405.8},
      {"ddr4-2400", "d2_stride_bank", 243.0},
      {"ddr4-2400", "e_rand_rd", 608.9},
      {"ddr4-2400", "f_tile4k", 337.7},
      {"ddr4-2400", "g_closed", 247.1},
      {"ddr4-2400", "i_poisson40", 433.9},
      {"lpddr4-3200", "a_seq_rd", 209.9},
      {"lpddr4-3200", "b_seq_wr", 163.2},
      {"lpddr4-3200", "c_rw11", 204.8},
      {"lpddr4-3200", "d2_stride_bank", 43.2},
      {"lpddr4-3200", "e_rand_rd", 197.8},
      {"lpddr4-3200", "f_tile4k", 209.9},
      {"lpddr4-3200", "g_closed", 43.9},
      {"lpddr4-3200", "i_poisson40", 69.8},
  }));
  const std::uint64_t seed = 14;
  const DramDevice dram = device(name);
  DramControllerConfig controller;
  if (trace == "g_closed") controller.reads_in_flight = 1;
  const TraceRun run =
      run_trace(make_trace(trace, dram.organisation, seed), dram, map_named("rbc"), controller);
  INFO(name << " " << trace << ", seed " << seed);
  CHECK(dram_energy(dram, run.statistics).core() * 1e-6 == Approx(microjoules).epsilon(0.01));
}

TEST_CASE("the parts of DDR4's streaming energy are those of DRAMPower") {
  const DramDevice dram = device("ddr4-2400");
  const DramEnergy e = dram_energy(
      dram,
      run_trace(make_trace("a_seq_rd", dram.organisation, 1), dram, map_named("rbc")).statistics);
  CHECK((e.activate + e.precharge) * 1e-6 == Approx(1.9).epsilon(0.03));  // given to two digits
  CHECK(e.read * 1e-6 == Approx(192.9).epsilon(0.001));
  CHECK(e.refresh * 1e-6 == Approx(26.4).epsilon(0.003));
  CHECK(e.background * 1e-6 == Approx(123.2).epsilon(0.003));
}
