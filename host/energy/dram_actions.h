// The actions of a DRAM, whose energy follows from its data sheet's currents instead of a table.
#pragma once

#include <vector>

#include "models/energy/energy.h"
#include "sim/dram/device.h"
#include "sim/dram/statistics.h"

namespace corank {

/// One line an action, with the device's source; empty if its currents are not known.
std::vector<EnergyLine> dram_energy_lines(const DramStatistics& statistics,
                                          const DramDevice& device);

}  // namespace corank
