// How long a machine takes that is not in the cache.
#pragma once

#include <vector>

#include "sim/platform/configuration.h"
#include "tests/bench/result.h"

namespace corank::bench {

/// Verilates and compiles it into an empty cache, without a compiler cache. `limit_seconds` is the
/// bar of both times.
std::vector<Result> machine_build_time(const MachineShape& shape, double limit_seconds);

}  // namespace corank::bench
