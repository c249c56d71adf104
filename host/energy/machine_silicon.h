// What of a machine takes energy all the time, and the macros that its memories are made of, by the
// closed form of its silicon (host/cost).
#pragma once

#include <string>
#include <vector>

#include "host/cost/cost_data.h"
#include "models/cost/machine_cost.h"
#include "sim/machine/shape.h"

namespace corank {

/// The node that an energy table names ("45 nm"), or the cells' own where nothing is known of it.
int known_node(const std::string& node);

/// CACTI's points at the node next to this one.
const SramEnergyData& sram_energy_near(int node_nm);

struct MachineSilicon {
  int node_nm = 0;
  double logic_mm2 = 0, flops = 0;
  std::vector<RamGroup> macros;

  double memory_kib() const;
};

MachineSilicon machine_silicon(const MachineShape& machine, const std::string& node);

/// What a byte takes of a unit's macros, relative to one of `kib` that is read or written `bits` at
/// a time; of macros of several sizes the mean over their bytes.
double macro_ratio(const MachineSilicon& silicon, const std::string& unit, bool writes, double kib,
                   double bits);

}  // namespace corank
