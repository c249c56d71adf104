// The energy of a step, by action.
#pragma once

#include <vector>

#include "host/energy/actions.h"
#include "models/energy/energy.h"
#include "sim/platform/configuration.h"

namespace corank {

/// One line for every action, in the table's order; a DRAM's own actions take the place of the
/// table's figure a byte, and come last. A figure that holds for a macro of some size is that of
/// the machine's own. Without any figure in the table there is no line. Throws KeyError as
/// energy_of() does.
std::vector<EnergyLine> energy_lines(const EnergyMeasurement& measurement,
                                     const EnergyConfig& table, const MemoryConfig& memory);

}  // namespace corank
