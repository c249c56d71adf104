#include "host/energy/energy_lines.h"

#include <algorithm>
#include <map>
#include <string>

#include "host/energy/dram_actions.h"

namespace corank {

std::vector<EnergyLine> energy_lines(const EnergyMeasurement& measurement,
                                     const EnergyConfig& table, const MemoryConfig& memory) {
  if (table.actions.empty()) return {};
  const auto has = [&](const char* name) {
    return std::any_of(table.actions.begin(), table.actions.end(),
                       [&](const EnergyEntry& entry) { return entry.action == name; });
  };
  std::vector<EnergyLine> dram;
  if (memory.kind == MemoryKind::kDram)
    dram = dram_energy_lines(measurement.dram, memory.dram.device);
  std::map<std::string, double> counts;
  for (const EnergyAction& action : energy_actions())
    if ((dram.empty() || !action.replaced_by_dram) && (!table.gates || has(action.name)))
      counts[action.name] = action.count(measurement);
  std::vector<EnergyLine> lines = energy_of(counts, table);
  lines.insert(lines.end(), dram.begin(), dram.end());
  return lines;
}

}  // namespace corank
