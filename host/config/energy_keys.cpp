#include "host/config/energy_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/energy/actions.h"
#include "models/base/error.h"
#include "sim/system/installation.h"

namespace corank {
namespace {

// Of the macro that a memory's figure holds for.
const std::vector<std::string> kMacroKeys = {"macro_kib", "macro_bits"};

std::vector<std::string> action_names() {
  std::vector<std::string> names;
  for (const EnergyAction& action : energy_actions()) names.emplace_back(action.name);
  return names;
}

std::vector<std::string> action_units() {
  std::vector<std::string> units;
  for (const EnergyAction& action : energy_actions())
    if (std::find(units.begin(), units.end(), action.unit) == units.end())
      units.emplace_back(action.unit);
  return units;
}

// What may be left out, for which the field's zeros stand.
Key optional(Key key) {
  key.preset = "";
  return key;
}

std::vector<Key> entry_keys(EnergyEntry& entry) {
  return {required(choice("action", entry.action, action_names(), "what is counted")),
          required(number("pj", entry.pj, NumberRange{}, "pJ", "energy of one action")),
          optional(number_pair("span", entry.low_pj, entry.high_pj, NumberRange{}, "pJ",
                               "the least and the most that its sources give; left out: pj alone")),
          optional(number("macro_kib", entry.macro_kib, {0.125, 16384}, "KiB",
                          "of a memory: size of the macro that pj holds for, from which it is "
                          "scaled to the machine's own; left out: it holds for any")),
          optional(number("macro_bits", entry.macro_bits, {1, 4096}, "bits",
                          "and how many are read or written at a time")),
          required(choice("unit", entry.unit, action_units(), "what one action is")),
          required(text("source", entry.source, "where the figure comes from")),
          required(choice("quality", entry.quality, energy_qualities(), "how it was got"))};
}

void check_macro(const EnergyEntry& entry, const YamlNode& node, const std::string& path) {
  for (const std::string& key : kMacroKeys) {
    const YamlNode* given = find(node, key);
    if (given != nullptr && find_energy_action(entry.action)->macros.unit == nullptr)
      throw InputError(given->where, join_path(path, key) + ": '" + entry.action +
                                         "' is not of a memory's macros");
  }
  if ((entry.macro_kib > 0) == (entry.macro_bits > 0)) return;
  const std::string& alone = entry.macro_kib > 0 ? kMacroKeys[0] : kMacroKeys[1];
  const std::string& missing = entry.macro_kib > 0 ? kMacroKeys[1] : kMacroKeys[0];
  throw InputError(find(node, alone)->where,
                   join_path(path, alone) + ": expected '" + missing + "' beside it");
}

void finish_entry(EnergyEntry& entry, const YamlNode& node, const std::string& path) {
  const std::string unit = find_energy_action(entry.action)->unit;
  if (entry.unit != unit)
    refuse(*find(node, "unit"), path + ".unit", "'" + unit + "' for " + entry.action);
  if (const YamlNode* span = find(node, "span"))
    check_span(*span, path + ".span", "pj", entry.pj, entry.low_pj, entry.high_pj);
  else
    entry.low_pj = entry.high_pj = entry.pj;
  check_macro(entry, node, path);
}

}  // namespace

std::vector<std::string> energy_qualities() {
  return {"measured", "modelled", "derived", "scaled", "assumed"};
}

void check_span(const YamlNode& span, const std::string& path, const std::string& key, double pj,
                double low_pj, double high_pj) {
  if (low_pj <= pj && pj <= high_pj) return;
  throw InputError(span.where, fmt::format("{}: expected one that contains {} = {}, found [{}, {}]",
                                           path, key, pj, low_pj, high_pj));
}

Key energy_section(EnergyConfig& energy) {
  Key key = or_file(mapping(
      "energy", "energy table",
      {text("name", energy.name, "name in reports"),
       text("node", energy.node, "technology node, like 45 nm"),
       boolean("gates", energy.gates, "the machine's logic by its own gates, not by actions"),
       list("actions", energy.actions, "the figures", entry_keys)}));
  key.word = "synthesis";
  key.word_file =
      (built_or_installed(CORANK_ENERGY_DIR, "configs/energy") / "synthesis.yaml").string();
  return key;
}

void finish_energy(EnergyConfig& energy, const YamlNode& root) {
  for (std::size_t i = 0; i < energy.actions.size(); ++i) {
    EnergyEntry& entry = energy.actions[i];
    const YamlNode& node = find(*find(root, "energy"), "actions")->items[i];
    const std::string path = "energy.actions[" + std::to_string(i) + "]";
    finish_entry(entry, node, path);
    for (std::size_t earlier = 0; earlier < i; ++earlier)
      if (energy.actions[earlier].action == entry.action)
        throw InputError(find(node, "action")->where,
                         path + ".action: '" + entry.action + "' has a figure already");
  }
}

}  // namespace corank
