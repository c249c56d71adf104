// Energy = counted actions x a table of energies an action. The table says where each of its
// figures comes from, and how far its sources lie apart.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace corank {

/// What work takes; what the clock takes of every flip-flop, busy or not; what flows all the time;
/// what a DRAM takes to keep what it holds.
enum class EnergyPart { kDynamic, kClock, kLeakage, kStandby };
inline constexpr std::array<const char*, 4> kEnergyPartNames = {"dynamic", "clock", "leakage",
                                                                "standby"};

struct EnergyEntry {
  std::string action;  // e.g. "bf16_multiply"
  double pj = 0;
  double low_pj = 0, high_pj = 0;  // of the sources; both pj, where there is but one
  std::string unit;                // what one action is: "operation", "byte", "bit"
  std::string source;
  std::string quality;                   // measured, modelled, derived, scaled or assumed
  double macro_kib = 0, macro_bits = 0;  // of a memory: the macro that it holds for; 0: for any
};

struct EnergyConfig {
  std::string name;
  std::string node;  // technology node, e.g. "45 nm"
  std::vector<EnergyEntry> actions;
  bool gates = false;  // the machine's logic by its own gates; the actions are what lies beside it
};

/// What was counted of an action.
struct ActionCount {
  double count = 0;
  EnergyPart part = EnergyPart::kDynamic;
};

struct EnergyLine {
  EnergyEntry entry;
  EnergyPart part = EnergyPart::kDynamic;
  double count = 0;  // actions

  double total_pj() const { return count * entry.pj; }
  double low_pj() const { return count * entry.low_pj; }
  double high_pj() const { return count * entry.high_pj; }
};

/// Sums over lines. Sources are not independent (most rest on the same few studies), so a sum's
/// span is that of all at their low and all at their high.
struct EnergySum {
  double pj = 0, low_pj = 0, high_pj = 0;
  std::array<double, kEnergyPartNames.size()> parts_pj{};

  double part_pj(EnergyPart part) const { return parts_pj[static_cast<std::size_t>(part)]; }
};

/// One line for every counted action, in the table's order. Throws KeyError that names an action
/// which the table lacks.
std::vector<EnergyLine> energy_of(const std::map<std::string, ActionCount>& counts,
                                  const EnergyConfig& table);

EnergySum sum_of(const std::vector<EnergyLine>& lines);

/// The entry times a factor, its span too.
EnergyEntry scaled(EnergyEntry entry, double factor);

}  // namespace corank
