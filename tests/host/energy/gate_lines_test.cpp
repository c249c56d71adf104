#include "host/energy/gate_lines.h"

#include <catch2/catch.hpp>
#include <string>

#include "host/config/config.h"
#include "host/cost/cost.h"
#include "host/cost/cost_data.h"
#include "host/cost/gate_energy_data.h"
#include "host/energy/energy_lines.h"
#include "models/base/error.h"
#include "tests/host/temporary_folder.h"

using namespace corank;

namespace {

// A thousand cycles, in half of which the array streams a row.
DeviceCounters half_busy() {
  DeviceCounters counters{};
  counters[static_cast<std::size_t>(interface::Counter::kCycles)] = 1000;
  counters[static_cast<std::size_t>(interface::Counter::kArrayBusy)] = 500;
  return counters;
}

const EnergyLine& line_of(const std::vector<EnergyLine>& lines, const std::string& action) {
  for (const EnergyLine& line : lines)
    if (line.entry.action == action) return line;
  throw std::runtime_error("no line " + action);
}

}  // namespace

TEST_CASE("every unit of the gates has a line for what switches and one for its clock",
          "[energy]") {
  const auto lines = gate_energy_lines(half_busy(), {}, 100, "180 nm");
  CHECK(lines.size() == 2 * gate_energy_data().energies.units.size() + 1);
  for (const EnergyLine& line : lines) {
    CHECK(line.count == 1000);
    CHECK(line.total_pj() == Approx(1000 * line.entry.pj));
    CHECK(line.entry.unit == "clock");
    CHECK(line.entry.quality == "modelled");
  }
  // 8 x 8 PEs in 500 of 1000 cycles.
  const double event = gate_energy_data().energies.units.at(0).events.at(0).pj;
  REQUIRE(gate_energy_data().energies.units[0].unit == kGateArray);
  CHECK(line_of(lines, "array").total_pj() == Approx(event * 500 * 64));
}

TEST_CASE("what leaks is power times time, at the node of the cells alone", "[energy]") {
  double nw = 0;
  for (const UnitCostLine& unit : composed_cost({}, 180).units) nw += unit.leakage_nw;
  // 1000 cycles at 100 MHz are 10 us: 1 nW leaks 0.01 pJ.
  const auto lines = gate_energy_lines(half_busy(), {}, 100, "180 nm");
  CHECK(line_of(lines, "leakage").total_pj() == Approx(nw * 0.01));
  CHECK_THROWS(line_of(gate_energy_lines(half_busy(), {}, 100, "45 nm"), "leakage"));
}

TEST_CASE("at another node an edge takes the published share, and the line says so", "[energy]") {
  const auto at_180 = gate_energy_lines(half_busy(), {}, 100, "180 nm");
  const auto at_45 = gate_energy_lines(half_busy(), {}, 100, "45 nm");
  const double leakage = line_of(at_180, "leakage").total_pj();
  CHECK(sum_of(at_45).pj == Approx((sum_of(at_180).pj - leakage) * 0.0265));
  for (const EnergyLine& line : at_45) CHECK(line.entry.quality == "scaled");
  CHECK_THROWS_AS(gate_energy_lines(half_busy(), {}, 100, "13 nm"), KeyError);
}

TEST_CASE("a run that did nothing takes nothing", "[energy]") {
  for (const EnergyLine& line : gate_energy_lines({}, {}, 100, "180 nm"))
    CHECK(line.total_pj() == 0);
}

TEST_CASE("a multiply-accumulate is put beside what was published, at that node", "[energy]") {
  const GateMac mac = gate_mac({});
  REQUIRE(mac.beside.size() == 2);
  CHECK(mac.beside[0].node_nm == 45);
  CHECK(mac.beside[0].gates_pj == Approx(mac.pj * 0.0265));
  CHECK(mac.beside[0].published_pj == Approx(0.68 + 0.9));   // Horowitz 2014
  CHECK(mac.beside[1].published_pj == Approx(0.21 + 0.38));  // Jouppi 2021
  CHECK(mac.beside[1].ratio() == Approx(mac.pj * 0.00181 / 0.59));
}

TEST_CASE("`energy: synthesis` is the table of the machine's own gates", "[energy]") {
  const std::string file = std::string(CORANK_CONFIGS) + "/quickstart.yaml";
  const Config config = load_config(file, {"energy=synthesis"});
  CHECK(config.energy.gates);
  CHECK(config.energy.node == "180 nm");
  CHECK_FALSE(load_config(file, {}).energy.gates);
  // It has figures for what gates do not tell, and for nothing that they do.
  std::vector<std::string> actions;
  for (const EnergyLine& line : energy_lines({}, config.energy, config.memory))
    actions.push_back(line.entry.action);
  CHECK(actions == std::vector<std::string>{"weight_decode", "scratchpad_read_byte",
                                            "scratchpad_write_byte", "accumulator_read_byte",
                                            "accumulator_write_byte", "dram_byte", "link_byte"});
}
