// The actions whose energy a run adds up. To count one more, name it at its counter in
// rtl/interface/interface.yaml or, where it is more than one counter's, add a line to actions.cpp,
// and add its figure to the tables in configs/energy: the check of the tables, the keys'
// documentation, the sum and the report follow.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "host/driver/counters.h"
#include "host/energy/machine_silicon.h"
#include "models/energy/energy.h"
#include "sim/dram/statistics.h"

namespace corank {

/// What a step did, as far as it costs energy, and what it did it with.
struct EnergyMeasurement {
  DeviceCounters counters{};
  std::uint64_t memory_bytes = 0;  // read and written, by the accelerator and over the link
  std::uint64_t link_bytes = 0;    // on the wire, both ways, upload and download included
  DramStatistics dram;             // of a memory of kind dram
  double ns = 0, cycles = 0;       // with upload and download
  MachineSilicon silicon;
};

/// Of a memory on the chip: the unit whose macros are read or written.
struct MacroAccess {
  const char* unit = nullptr;
  bool writes = false;
};

struct EnergyAction {
  const char* name;  // as tables and reports have it
  const char* unit;  // what one action is
  std::function<double(const EnergyMeasurement&)> count;
  EnergyPart part = EnergyPart::kDynamic;
  MacroAccess macros = {};
  bool replaced_by_dram = false;  // where the memory has actions of its own (dram_actions.h)
};

/// Those that an energy table has figures for.
const std::vector<EnergyAction>& energy_actions();

/// nullptr for a name that none has.
const EnergyAction* find_energy_action(const std::string& name);

}  // namespace corank
