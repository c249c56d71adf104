// The tables in configs/energy, against what they say that they are derived from.
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <string>

#include "host/config/config.h"
#include "host/energy/actions.h"

using namespace corank;

namespace {

std::map<std::string, EnergyEntry> table(const std::string& name) {
  std::map<std::string, EnergyEntry> entries;
  const std::string path = std::string(CORANK_CONFIGS) + "/energy/" + name + ".yaml";
  for (const EnergyEntry& entry : load_config("", {"energy=" + path}).energy.actions)
    entries[entry.action] = entry;
  return entries;
}

/// Given to two digits or more.
Approx near(double value) { return Approx(value).epsilon(0.02); }

}  // namespace

TEST_CASE("every table has a figure of every action, with a span where sources differ",
          "[energy]") {
  for (const std::string name : {"45nm", "7nm"}) {
    const auto entries = table(name);
    for (const EnergyAction& action : energy_actions()) {
      INFO(name << " " << action.name);
      REQUIRE(entries.count(action.name) == 1);
      const EnergyEntry& entry = entries.at(action.name);
      CHECK(entry.low_pj < entry.high_pj);
      CHECK((entry.macro_kib > 0) == (action.macros.unit != nullptr));
    }
  }
}

TEST_CASE("the derived figures of 45 nm are what their sources give", "[energy]") {
  auto t = table("45nm");
  const double multiplier = 12.68 / 3.1, adder = 0.21 / 0.1;  // Aladdin's to Horowitz's
  CHECK(t["bf16_multiply"].pj == near(1.1 * 0.21 / 0.34));
  CHECK(t["bf16_multiply"].low_pj == near(1.1 * 64 / 121));
  CHECK(t["bf16_multiply"].high_pj == near(0.68 * multiplier));
  CHECK(t["fp32_add"].high_pj == near(0.9 * adder));
  CHECK(t["fp32_multiply"].high_pj == near(3.7 * multiplier));
  CHECK(t["fp32_divide"].pj == near(26 * 0.1 + 13 * 79 * 0.009));
  CHECK(table("synthesis")["weight_decode"].pj == near(t["weight_decode"].pj * 37.7));
  CHECK(t["scratchpad_read_byte"].pj == near(10.0 / 8));
  CHECK(t["scratchpad_write_byte"].pj == near(10.0 / 8 * 8.057 / 6.491));
  CHECK(t["scratchpad_write_byte"].high_pj == near(10.0 / 8 * 24.3 / 10.7));
  CHECK(t["dram_byte"].low_pj == near(1300.0 / 8));
  CHECK(t["dram_byte"].high_pj == near(2600.0 / 8));
  CHECK(t["link_byte"].pj == near(2 * 1.93 * 8 * 130 / 128));
  // A flip-flop of osu018 at rest, and its clock pin; half the length twice, half the voltage.
  CHECK(t["flip_flop_clock"].high_pj == near(2 * (0.117 + 0.028 * 1.8 * 1.8) / 4 / 4));
  CHECK(t["logic_leakage"].pj == near(2.4e-3 / 278e-6));  // mW over mm2
  CHECK(t["logic_leakage"].low_pj == near(0.0251e-3 / 71e-6));
  CHECK(t["logic_leakage"].high_pj == near(80e-3 / 6350e-6));
  CHECK(t["memory_leakage"].pj == near(0.169305 / 8));  // mW over KiB
  CHECK(t["memory_leakage"].high_pj == near(12.2652 / 8));
}

TEST_CASE("the derived figures of 7 nm are what their sources give", "[energy]") {
  auto t = table("7nm");
  auto older = table("45nm");
  // Stillmaker and Baas' polynomials at 0.7 V and 0.9 V.
  const double energy =
      (0.1776 * 0.7 * 0.7 - 0.09097 * 0.7 + 0.02447) / (1.103 * 0.9 * 0.9 - 0.362 * 0.9 + 0.2767);
  CHECK(energy == near(0.0566));
  for (const std::string name : {"bf16_multiply", "fp32_add", "fp32_multiply", "fp32_divide",
                                 "fp32_maximum", "int32_add", "flip_flop_clock"}) {
    INFO(name);
    CHECK(t[name].low_pj == near(older[name].pj * energy));
  }
  CHECK(t["fp32_maximum"].pj == 0.03);  // an integer add of 32 bits
  CHECK(t["int32_add"].pj == 0.03);
  for (auto* both : {&t, &older}) {
    CHECK((*both)["fp32_multiply_add"].pj ==
          near((*both)["fp32_multiply"].pj + (*both)["fp32_add"].pj));
    const EnergyEntry &decode = (*both)["weight_decode"], &multiply = (*both)["fp32_multiply"],
                      &add = (*both)["fp32_add"], &round = (*both)["int32_add"];
    CHECK(decode.pj == near(multiply.pj + add.pj + round.pj));
    CHECK(decode.low_pj == near(multiply.low_pj + round.low_pj));
    CHECK(decode.high_pj == near(multiply.high_pj + add.high_pj + round.high_pj));
  }
  CHECK(t["scratchpad_read_byte"].pj == near(7.5 / 8));
  CHECK(t["scratchpad_write_byte"].pj == near(7.5 / 8 * 2.142 / 1.904));
  CHECK(t["scratchpad_write_byte"].high_pj == near(7.5 / 8 * 6.8 / 3.1));
  CHECK(t["flip_flop_clock"].pj == near(older["flip_flop_clock"].pj * 0.38 / 0.9));
  CHECK(t["flip_flop_clock"].high_pj == near(older["flip_flop_clock"].high_pj * 0.38 / 0.9));
  CHECK(t["logic_leakage"].pj == near(older["logic_leakage"].pj * energy / 0.059));
  CHECK(t["memory_leakage"].pj == near(0.0750349 / 8));
}
