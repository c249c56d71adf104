#include "host/energy/machine_silicon.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "host/cost/cost.h"
#include "host/cost/cost_data.h"
#include "models/base/error.h"
#include "models/cost/nodes.h"

namespace corank {
namespace {

double bytes_of(const RamGroup& macro) {
  return macro.words * static_cast<double>(macro.width) / 8;
}

}  // namespace

const SramEnergyData& sram_energy_near(int node_nm) {
  const auto distance = [&](const SramEnergyData& data) {
    return std::abs(std::log(static_cast<double>(data.node_nm) / node_nm));
  };
  const std::vector<SramEnergyData>& nodes = sram_data().energy;
  return *std::min_element(nodes.begin(), nodes.end(),
                           [&](const auto& a, const auto& b) { return distance(a) < distance(b); });
}

// "45 nm (Horowitz)" -> 45
int known_node(const std::string& node) {
  const int nm = std::atoi(node.c_str());
  return node_scaling(nm) != nullptr ? nm : kNodes[0].nm;
}

double MachineSilicon::memory_kib() const {
  double bytes = 0;
  for (const RamGroup& macro : macros) bytes += macro.count * bytes_of(macro);
  return bytes / 1024;
}

MachineSilicon machine_silicon(const MachineShape& machine, const std::string& node) {
  const CostReport cost = composed_cost(machine, known_node(node));
  MachineSilicon silicon;
  silicon.node_nm = cost.node_nm;
  silicon.logic_mm2 = cost.logic_um2 / 1e6;
  silicon.flops = cost.flops;
  for (const RamLine& ram : cost.rams) silicon.macros.push_back(ram.group);
  return silicon;
}

double macro_ratio(const MachineSilicon& silicon, const std::string& unit, bool writes, double kib,
                   double bits) {
  const SramEnergyData& data = sram_energy_near(silicon.node_nm);
  const SramEnergy& points = writes ? data.write : data.read;
  double bytes = 0, weighted = 0;
  for (const RamGroup& macro : silicon.macros) {
    if (macro.unit != unit || macro.count == 0) continue;
    const double all = macro.count * bytes_of(macro);
    bytes += all;
    weighted += all * sram_byte_pj(points, bytes_of(macro), macro.width);
  }
  if (bytes == 0) throw MachineError("the closed form of the silicon has no macros of " + unit);
  return weighted / bytes / sram_byte_pj(points, kib * 1024, bits);
}

}  // namespace corank
