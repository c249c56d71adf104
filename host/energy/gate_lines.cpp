#include "host/energy/gate_lines.h"

#include <fmt/format.h>

#include <cstdlib>

#include "host/cost/cost.h"
#include "host/cost/cost_data.h"
#include "host/cost/gate_energy_data.h"
#include "models/base/error.h"
#include "models/cost/nodes.h"

namespace corank {
namespace {

const NodeScaling& node_of(const std::string& node) {
  const NodeScaling* scaling = node_scaling(std::atoi(node.c_str()));
  if (scaling != nullptr) return *scaling;
  throw KeyError({"energy.node"},
                 "energy.node: expected a node to which the gates' energies can be "
                 "scaled, 180, 45, 28 or 7 nm; found '" +
                     node + "'");
}

EnergyEntry entry_of(const std::string& name, double pj, const NodeScaling& node,
                     const std::string& what) {
  const GateEnergyData& data = gate_energy_data();
  EnergyEntry entry;
  entry.action = name;
  entry.pj = entry.low_pj = entry.high_pj = pj;
  entry.unit = "clock";
  entry.quality = node.nm == kNodes[0].nm ? "modelled" : "scaled";
  entry.source = fmt::format(
      "{} of osu018 cells (180 nm, no wires, no glitches; {}), {} of {} runs and checked on {} "
      "more "
      "({:.2g} %)",
      what, data.tools, "fitted to the gates", data.fitted, data.held_out, 100 * data.error);
  if (node.nm != kNodes[0].nm) entry.source += "; scaled by Stillmaker and Baas, 2017";
  return entry;
}

}  // namespace

std::vector<EnergyLine> gate_energy_lines(const DeviceCounters& counters,
                                          const MachineShape& machine, double clock_mhz,
                                          const std::string& node) {
  const NodeScaling& scaling = node_of(node);
  const std::vector<double> counted(counters.begin(), counters.end());
  const auto cycles = static_cast<double>(at(counters, interface::Counter::kCycles));
  std::vector<EnergyLine> lines;
  const auto add = [&](const std::string& name, EnergyPart part, double pj, const char* what) {
    const double each = cycles > 0 ? pj / cycles : 0;
    lines.push_back({entry_of(name, each, scaling, what), part, cycles});
  };
  double leakage_nw = 0;
  const std::vector<GateUnitEnergy> units = gate_energy_of(
      gate_energy_data().energies, fit_of(machine), sizes_of(machine), counted, cycles);
  for (const GateUnitEnergy& unit : units) {
    add(unit.unit, EnergyPart::kDynamic, unit.switching_pj * scaling.energy,
        "nets that switch, by events");
    add(unit.unit + ": clock", EnergyPart::kClock, unit.clock_pj * scaling.energy,
        "clock pins of the flip-flops");
    leakage_nw += unit.leakage_nw;
  }
  // No source has a factor for leakage.
  if (scaling.nm == kNodes[0].nm)
    add("leakage", EnergyPart::kLeakage, leakage_nw * 1e-9 * cycles / (clock_mhz * 1e6) * 1e12,
        "leakage of the logic");
  return lines;
}

GateMac gate_mac(const MachineShape& machine) {
  const GateEnergyData& data = gate_energy_data();
  GateMac mac;
  mac.pj = mac_pj_of(data.energies, fit_of(machine), sizes_of(machine), kGateArray);
  mac.other_rtl = is_other_rtl(data.rtl);
  for (const PublishedMac& other : data.published)
    if (const NodeScaling* node = node_scaling(other.node_nm))
      mac.beside.push_back({other.node_nm, mac.pj * node->energy, other.mac_pj, other.table});
  return mac;
}

nlohmann::ordered_json to_json(const GateMac& mac) {
  nlohmann::ordered_json beside = nlohmann::ordered_json::array();
  for (const MacComparison& one : mac.beside)
    beside.push_back({{"node_nm", one.node_nm},
                      {"scaled_pj", one.gates_pj},
                      {"published_pj", one.published_pj},
                      {"ratio", one.ratio()},
                      {"table", one.table}});
  return {{"node_nm", kNodes[0].nm},
          {"pj", mac.pj},
          {"other_rtl", mac.other_rtl},
          {"beside", std::move(beside)}};
}

std::string gate_mac_lines(const GateMac& mac) {
  std::string text = fmt::format(
      "    a multiply-accumulate of the array takes {:.1f} pJ at 180 nm, the PE's clock included\n",
      mac.pj);
  for (const MacComparison& one : mac.beside)
    text += fmt::format("      {:.2f} pJ scaled to {} nm, {:.2f} times the {:.2f} pJ of {}\n",
                        one.gates_pj, one.node_nm, one.ratio(), one.published_pj, one.table);
  if (mac.other_rtl)
    text += fmt::format(
        "    WARNING: the gates were simulated of other RTL than this; {} does it anew\n",
        gate_energy_data().made_by);
  return text;
}

}  // namespace corank
