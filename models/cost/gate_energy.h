// What the gates of a machine take in a run: energies of events, fitted to what gates took that
// were simulated (host/cost/README.md), times what the machine's counters counted. Needs no tool.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "models/cost/machine_cost.h"

namespace corank {

/// An energy times the sum of some counters and the product of some sizes.
struct GateEvent {
  std::string event;
  double pj = 0;
  std::vector<std::size_t> counters;  // places among those that a run has
  std::vector<std::size_t> sizes;     // places in MachineSizes
};

struct GateUnit {
  std::string unit;
  /// Where its gates are in the hierarchy: of all units it has those parts for which the longest
  /// of these is the beginning of the path. "": everything.
  std::vector<std::string> paths;
  std::vector<GateEvent> events;
};

struct GateEnergies {
  std::vector<GateUnit> units;
  double clock_pj_per_flop = 0;  // a cycle
};

/// At the cells' own node.
struct GateUnitEnergy {
  std::string unit;
  double switching_pj = 0, clock_pj = 0, leakage_nw = 0;
};

/// Of a run that counted `counters` in so many cycles, by unit. Flip-flops and leakage are those of
/// the closed form.
std::vector<GateUnitEnergy> gate_energy_of(const GateEnergies& energies, const MachineFit& fit,
                                           const MachineSizes& sizes,
                                           const std::vector<double>& counters, double cycles);

/// The place of the unit that has a part of the machine; that of none, their number.
std::size_t gate_unit_of(const std::vector<GateUnit>& units, const std::string& path);

/// Of a multiply-accumulate in every PE and cycle: what a PE's nets take, and its flip-flops of the
/// clock. `array`: the unit whose first event is a PE and cycle.
double mac_pj_of(const GateEnergies& energies, const MachineFit& fit, const MachineSizes& sizes,
                 const std::string& array);

}  // namespace corank
