// Energies of gates against sums worked out by hand.
#include "models/cost/gate_energy.h"

#include <catch2/catch.hpp>

namespace corank {
namespace {

// Two rows, three columns.
MachineSizes two_by_three() { return machine_sizes({2, 3, 4, 4, 8, 8, 8, 4, 64, 4}); }

// u_a: 10 pJ for counter 0 and PE, 3 pJ for counters 1 and 2 together; the rest: 5 pJ for
// counter 2.
GateEnergies some_energies() {
  GateEnergies energies;
  energies.clock_pj_per_flop = 0.5;
  energies.units = {
      {"array", {"u_a/u_b", "u_c"}, {{"PE", 10, {0}, {0, 1}}, {"row", 3, {1, 2}, {}}}},
      {"rest", {""}, {{"cycle", 5, {2}, {}}}}};
  return energies;
}

// Flip-flops: 2 a PE in u_a/u_b, 7 in u_a, 1 in u_c, and 100 below zero.
MachineFit some_fit() {
  MachineFit fit;
  fit.parts = {{"u_a", {}, {{7, -1, -1}}, {{4, -1, -1}}},
               {"u_a/u_b/u_d", {}, {{2, 0, 1}}, {{0.5, 0, 1}}},
               {"u_c.u_e", {}, {{1, -1, -1}}, {}},
               {"u_cd", {}, {{-100, -1, -1}}, {}}};
  return fit;
}

}  // namespace

TEST_CASE("A unit's nets take the sum of its events times their energies") {
  const auto units = gate_energy_of(some_energies(), some_fit(), two_by_three(), {100, 20, 1}, 1);
  REQUIRE(units.size() == 2);
  CHECK(units[0].switching_pj == Approx(10 * 100 * 2 * 3 + 3 * (20 + 1)));
  CHECK(units[1].switching_pj == Approx(5 * 1));
}

TEST_CASE("Flip-flops and leakage belong to the unit with the longest path that begins theirs") {
  const auto units = gate_energy_of(some_energies(), some_fit(), two_by_three(), {0, 0, 0}, 10);
  CHECK(units[0].clock_pj == Approx(0.5 * 10 * (2 * 2 * 3 + 1)));
  CHECK(units[0].leakage_nw == Approx(0.5 * 2 * 3));
  CHECK(units[1].clock_pj == Approx(0.5 * 10 * 7));  // u_cd is not within u_c, and has none
  CHECK(units[1].leakage_nw == Approx(4));
}

TEST_CASE("A part that is in no unit is counted nowhere") {
  GateEnergies energies = some_energies();
  energies.units.pop_back();
  CHECK(gate_unit_of(energies.units, "u_a") == 1);
  CHECK(gate_unit_of(energies.units, "u_a/u_b") == 0);
  const auto units = gate_energy_of(energies, some_fit(), two_by_three(), {0, 0, 0}, 1);
  REQUIRE(units.size() == 1);
  CHECK(units[0].clock_pj == Approx(0.5 * (2 * 2 * 3 + 1)));
}

TEST_CASE("A multiply-accumulate takes its event and the clock of its share of the flip-flops") {
  CHECK(mac_pj_of(some_energies(), some_fit(), two_by_three(), "array") ==
        Approx(10 + 0.5 * (2 * 6 + 1) / 6));
}

}  // namespace corank
