#include "host/cost/gate_energy_data.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "host/cost/cost.h"
#include "host/cost/cost_data.h"
#include "models/base/error.h"
#include "rtl/interface/interface.h"
#include "sim/system/child_process.h"

namespace corank {
namespace {

constexpr const char* kEnergies = R"({
  "tools": {"yosys": "0.70", "opensta": "2.0.17"}, "rtl": "0123456789abcdef", "made_by": "scripts/cost-energy",
  "clock_pj_per_flop": 0.25,
  "units": [{"unit": "array", "paths": ["u_a"], "residual": 0.1, "flops": 12,
             "events": [{"event": "PE", "counters": ["array_busy", "gemm_slots_*"], "sizes": ["rows", "columns"], "pj": 7}]}],
  "published": [{"node_nm": 45, "mac_pj": 2, "table": "a table"}],
  "fitted": [{"error": {"total": 0.5, "switching": 0.5}}],
  "held_out": [{"error": {"total": -0.03, "switching": 0.05}}, {"error": {"total": 0.02, "switching": -0.07}}]
})";

std::string with(const std::string& from, const std::string& to) {
  std::string text = kEnergies;
  text.replace(text.find(from), from.size(), to);
  return text;
}

}  // namespace

TEST_CASE("Energies of gates are read as their file says, a star standing for every kind of gemm") {
  const GateEnergyData data = parse_gate_energy(kEnergies);
  CHECK(data.rtl == "0123456789abcdef");
  CHECK(data.tools == "Yosys 0.70");
  CHECK(data.energies.clock_pj_per_flop == 0.25);
  REQUIRE(data.energies.units.size() == 1);
  const GateEvent& event = data.energies.units[0].events.at(0);
  CHECK(event.pj == 7);
  CHECK(event.counters.size() == 1 + interface::kGemmKinds);
  CHECK(event.sizes == std::vector<std::size_t>{0, 1});
  CHECK(data.published.at(0).mac_pj == 2);
  CHECK(data.flops == std::vector<double>{12});
}

TEST_CASE("The error of energies is the largest of either sign over the runs that were held out") {
  const GateEnergyData data = parse_gate_energy(kEnergies);
  CHECK(data.fitted == 1);
  CHECK(data.held_out == 2);
  CHECK(data.error == 0.03);
  CHECK(data.switching_error == 0.07);
}

TEST_CASE("Energies that name a counter or a size which no machine has are refused") {
  CHECK_THROWS_AS(parse_gate_energy(with("array_busy", "array_lazy")), MachineError);
  CHECK_THROWS_AS(parse_gate_energy(with("gemm_slots_*", "gemm_*_slots")), MachineError);
  CHECK_THROWS_AS(parse_gate_energy(with("\"rows\"", "\"floors\"")), MachineError);
}

TEST_CASE("The program's own energies give every run that was held out within a tenth") {
  const GateEnergyData& data = gate_energy_data();
  CHECK(data.held_out >= 5);
  CHECK(data.error <= 0.1);
  CHECK(data.switching_error <= 0.1);
  bool array = false;
  for (const GateUnit& unit : data.energies.units) {
    array = array || unit.unit == kGateArray;
    for (const GateEvent& event : unit.events) CHECK(event.pj >= 0);
  }
  CHECK(array);
  CHECK(data.published.size() == 2);
}

TEST_CASE("The closed form gives the units of gates the flip-flops that they have") {
  const GateEnergyData& data = gate_energy_data();
  if (data.rtl != fit_data().rtl) {
    WARN(
        "fit.json and energy.json were measured on different RTL; scripts/cost-fit or "
        "scripts/cost-energy makes one anew");
    return;
  }
  MachineShape shape;  // configs/cost/2x2.yaml
  shape.array_rows = shape.array_columns = 2;
  shape.vector_lanes = 4;
  shape.scratchpad_kib = shape.accumulator_kib = 8;
  shape.axi_data_bits = 64;
  const auto units = gate_energy_of(data.energies, fit_data().fit, sizes_of(shape),
                                    std::vector<double>(interface::kCounters), 1);
  double most = 0;
  for (const double flops : data.flops) most = std::max(most, flops);
  for (std::size_t i = 0; i < units.size(); ++i) {
    INFO(units[i].unit);
    CHECK(
        units[i].clock_pj ==
        Approx(data.flops[i] * data.energies.clock_pj_per_flop).margin(0.01 * most).epsilon(0.03));
  }
}

TEST_CASE("A machine of gates says what is missing") {
  const std::string library = CORANK_GATE_MACHINE;
  const std::string config = std::string(CORANK_SOURCE) + "/configs/cost/2x2.yaml";
  const auto run = [&](const std::string& netlist) {
    return run_program({"env", "CORANK_MACHINE=" + library, "CORANK_NETLIST=" + netlist,
                        CORANK_PROGRAM, "run", config, "--fidelity", "rtl"});
  };
  using Catch::Matchers::Contains;
  const ProgramOutput nothing = run("");
  CHECK(nothing.failure == "exit code 3");
  CHECK_THAT(nothing.err, Contains("CORANK_NETLIST: expected the folder of a netlist"));
  const ProgramOutput nowhere = run("/nowhere");
  CHECK(nowhere.failure == "exit code 3");
  CHECK_THAT(nowhere.err, Contains("/nowhere/netlist.v: cannot be read"));
}

TEST_CASE("The scripts for gates say what they expected") {
  const std::string scripts = std::string(CORANK_SOURCE) + "/scripts/";
  using Catch::Matchers::Contains;
  const auto fails = [&](const std::vector<std::string>& command, const std::string& said) {
    const ProgramOutput output = run_program(command);
    CHECK(output.failure == "exit code 2");
    CHECK_THAT(output.err, Contains(said));
  };
  fails({scripts + "gate-check", "--cycles", "many"}, "--cycles: expected a number, found 'many'");
  fails({scripts + "gate-check", "--seed"}, "expected --cycles or --build, found '--seed'");
  fails({scripts + "cost-energy", "now"}, "expected --out FILE or nothing, found 'now'");
  fails({scripts + "netlist", "/tmp", "fast"},
        "expected an option or Parameter=value, found 'fast'");
}

}  // namespace corank
