// What of the device memory is alive while a step goes on.
#pragma once

#include <cstddef>
#include <vector>

#include "host/report/device_report.h"
#include "host/run/alive_values.h"
#include "host/run/simulate.h"

namespace corank {

inline constexpr std::size_t kMostMemoryPoints = 200;

/// The stages between which most comes and goes, at most kMostMemoryPoints, the first, the fullest
/// and the last one among them; all of them, but for those in which nothing changes, if they are so
/// few.
std::vector<std::size_t> stages_of_changes(const std::vector<AliveBytes>& alive);

/// memory_by_role() of the step is `memory`: the same bytes by the end of each of these stages
/// of the plan. Of a simulation that was not stopped.
std::vector<MemoryPoint> memory_over_time(const PreparedProgram& prepared,
                                          const Simulated& simulated,
                                          const std::vector<RoleBytes>& memory);

}  // namespace corank
