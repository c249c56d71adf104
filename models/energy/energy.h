// Energy = counted actions x a table of energies an action. The table says where each of its
// figures comes from.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace corank {

struct EnergyEntry {
  std::string action;  // e.g. "bf16_multiply"
  double pj = 0;
  std::string unit;  // what one action is: "operation", "byte", "bit"
  std::string source;
  std::string quality;  // measured, modelled, derived, scaled or assumed
};

struct EnergyConfig {
  std::string name;
  std::string node;  // technology node, e.g. "45 nm"
  std::vector<EnergyEntry> actions;
  bool gates = false;  // the machine's logic by its own gates; the actions are what lies beside it
};

struct EnergyLine {
  EnergyEntry entry;
  double count = 0;  // actions
  double total_pj = 0;
};

/// One line for every counted action, in the table's order. Throws KeyError that names an action
/// which the table lacks.
std::vector<EnergyLine> energy_of(const std::map<std::string, double>& counts,
                                  const EnergyConfig& table);

}  // namespace corank
