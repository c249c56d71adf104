// The actions of a DRAM, whose energy follows from its data sheet's currents, or from a figure of
// the device's own, instead of a table.
#pragma once

#include <vector>

#include "models/energy/energy.h"
#include "sim/dram/device.h"
#include "sim/dram/statistics.h"

namespace corank {

/// One line an action, with the device's source; empty if nothing is known of its energy.
std::vector<EnergyLine> dram_energy_lines(const DramStatistics& statistics,
                                          const DramDevice& device);

}  // namespace corank
