// The compiled bounds of many designs, worked out by forked processes.
#pragma once

#include <functional>

#include "host/sweep/search.h"
#include "host/sweep/sweep_file.h"

namespace corank {

/// Of one configuration. Throws InputError where it cannot be run, as run() does.
Bounded bound_design(const Config& config);

/// All of the designs, on `workers` processes; of one whose process dies again and again the reason
/// says so. Throws Interrupted when `stop` says so. What this program worked out from the same
/// files before is taken from FOLDER/bounds, which can be deleted.
BoundDesigns bound_in_processes(const SweepFile& sweep, const std::string& folder, int workers,
                                std::function<bool()> stop);

}  // namespace corank
