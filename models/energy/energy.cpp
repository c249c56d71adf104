#include "models/energy/energy.h"

#include <algorithm>

#include "models/base/error.h"

namespace corank {

std::vector<EnergyLine> energy_of(const std::map<std::string, double>& counts,
                                  const EnergyConfig& table) {
  for (const auto& [action, count] : counts) {
    const bool known =
        std::any_of(table.actions.begin(), table.actions.end(),
                    [name = action](const EnergyEntry& entry) { return entry.action == name; });
    if (!known)
      throw KeyError({"energy.actions"}, "energy table \"" + table.name +
                                             "\": no entry for the action \"" + action + "\"");
  }
  std::vector<EnergyLine> lines;
  for (const EnergyEntry& entry : table.actions) {
    const auto count = counts.find(entry.action);
    if (count != counts.end()) lines.push_back({entry, count->second, count->second * entry.pj});
  }
  return lines;
}

}  // namespace corank
