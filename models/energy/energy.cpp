#include "models/energy/energy.h"

#include <algorithm>

#include "models/base/error.h"

namespace corank {

std::vector<EnergyLine> energy_of(const std::map<std::string, ActionCount>& counts,
                                  const EnergyConfig& table) {
  for (const auto& [action, counted] : counts) {
    const bool known =
        std::any_of(table.actions.begin(), table.actions.end(),
                    [name = action](const EnergyEntry& entry) { return entry.action == name; });
    if (!known)
      throw KeyError({"energy.actions"}, "energy table \"" + table.name +
                                             "\": no entry for the action \"" + action + "\"");
  }
  std::vector<EnergyLine> lines;
  for (const EnergyEntry& entry : table.actions) {
    const auto counted = counts.find(entry.action);
    if (counted != counts.end())
      lines.push_back({entry, counted->second.part, counted->second.count});
  }
  return lines;
}

EnergySum sum_of(const std::vector<EnergyLine>& lines) {
  EnergySum sum;
  for (const EnergyLine& line : lines) {
    sum.pj += line.total_pj();
    sum.low_pj += line.low_pj();
    sum.high_pj += line.high_pj();
    sum.parts_pj[static_cast<std::size_t>(line.part)] += line.total_pj();
  }
  return sum;
}

EnergyEntry scaled(EnergyEntry entry, double factor) {
  entry.pj *= factor;
  entry.low_pj *= factor;
  entry.high_pj *= factor;
  return entry;
}

}  // namespace corank
