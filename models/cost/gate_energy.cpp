#include "models/cost/gate_energy.h"

namespace corank {
namespace {

// "u_a" begins "u_a/u_b", "u_a[3].u_b" and "u_a.u_b", but not "u_ab".
bool begins(const std::string& start, const std::string& path) {
  if (path.compare(0, start.size(), start) != 0) return false;
  return start.empty() || path.size() == start.size() ||
         std::string("/[.").find(path[start.size()]) != std::string::npos;
}

double counted(const GateEvent& event, const MachineSizes& sizes,
               const std::vector<double>& counters) {
  double sum = 0;
  for (const std::size_t counter : event.counters) sum += counters.at(counter);
  for (const std::size_t size : event.sizes) sum *= sizes.at(size);
  return sum;
}

}  // namespace

std::size_t gate_unit_of(const std::vector<GateUnit>& units, const std::string& path) {
  std::size_t found = units.size();
  std::size_t length = 0;
  for (std::size_t unit = 0; unit < units.size(); ++unit) {
    for (const std::string& start : units[unit].paths) {
      if (!begins(start, path) || (found < units.size() && start.size() < length)) continue;
      found = unit;
      length = start.size();
    }
  }
  return found;
}

std::vector<GateUnitEnergy> gate_energy_of(const GateEnergies& energies, const MachineFit& fit,
                                           const MachineSizes& sizes,
                                           const std::vector<double>& counters, double cycles) {
  std::vector<GateUnitEnergy> units;
  for (const GateUnit& unit : energies.units) {
    units.push_back({unit.unit});
    for (const GateEvent& event : unit.events)
      units.back().switching_pj += event.pj * counted(event, sizes, counters);
  }
  for (const CostPart& part : fit.parts) {
    const std::size_t unit = gate_unit_of(energies.units, part.path);
    if (unit == units.size()) continue;
    units[unit].clock_pj += energies.clock_pj_per_flop * amount_of(part.flops, sizes) * cycles;
    units[unit].leakage_nw += amount_of(part.leakage_nw, sizes);
  }
  return units;
}

double mac_pj_of(const GateEnergies& energies, const MachineFit& fit, const MachineSizes& sizes,
                 const std::string& array) {
  const double pes = sizes[0] * sizes[1];  // rows, columns
  double pj = 0, flops = 0;
  for (const GateUnit& unit : energies.units)
    if (unit.unit == array) pj = unit.events.front().pj;
  for (const CostPart& part : fit.parts) {
    const std::size_t unit = gate_unit_of(energies.units, part.path);
    if (unit < energies.units.size() && energies.units[unit].unit == array)
      flops += amount_of(part.flops, sizes);
  }
  return pj + energies.clock_pj_per_flop * flops / pes;
}

}  // namespace corank
