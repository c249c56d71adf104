#include "host/energy/energy_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "host/energy/dram_actions.h"

namespace corank {
namespace {

std::string sizes_of(const MachineSilicon& silicon, const std::string& unit) {
  std::string text;
  for (const RamGroup& macro : silicon.macros)
    if (macro.unit == unit && macro.count > 0)
      text += fmt::format("{}{} x {} bits", text.empty() ? "" : ", ", macro.words, macro.width);
  return text;
}

// The figure for the machine's own macros, where the table's holds for one of a certain size.
EnergyEntry for_macros(const EnergyEntry& entry, const MachineSilicon& silicon) {
  const MacroAccess& macros = find_energy_action(entry.action)->macros;
  if (macros.unit == nullptr || entry.macro_kib == 0 || silicon.macros.empty()) return entry;
  const double ratio =
      macro_ratio(silicon, macros.unit, macros.writes, entry.macro_kib, entry.macro_bits);
  EnergyEntry own = scaled(entry, ratio);
  own.source += fmt::format(
      "; x {:.3f}, CACTI 7's ratio of macros of {} to one of {} KiB and {} "
      "bits",
      ratio, sizes_of(silicon, macros.unit), entry.macro_kib, entry.macro_bits);
  return own;
}

}  // namespace

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
  std::map<std::string, ActionCount> counts;
  for (const EnergyAction& action : energy_actions())
    if ((dram.empty() || !action.replaced_by_dram) && (!table.gates || has(action.name)))
      counts[action.name] = {action.count(measurement), action.part};
  std::vector<EnergyLine> lines = energy_of(counts, table);
  for (EnergyLine& line : lines) line.entry = for_macros(line.entry, measurement.silicon);
  lines.insert(lines.end(), dram.begin(), dram.end());
  return lines;
}

}  // namespace corank
