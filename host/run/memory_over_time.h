// What of the device memory is alive while a step goes on.
#pragma once

#include <vector>

#include "host/report/device_report.h"
#include "host/run/simulate.h"

namespace corank {

/// Values that are computed and needed only inside of the step, from the stage of the plan that
/// writes them to the last one that reads them, by the end of each stage: the points between which
/// most changes, at most kMostMemoryPoints, the largest among them. What else lies in memory stays
/// there. Of a simulation that was not stopped.
inline constexpr std::size_t kMostMemoryPoints = 200;
std::vector<MemoryPoint> memory_over_time(const PreparedProgram& prepared,
                                          const Simulated& simulated);

}  // namespace corank
