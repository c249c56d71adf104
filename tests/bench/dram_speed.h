// The DRAM model alone: how fast it is, and whether it keeps its timing rules over long runs.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/bench/result.h"

namespace corank::bench {

/// Accesses of 64 bytes a CPU second, DDR4-2400, streaming and random.
std::vector<Result> dram_speed();

/// Violations that the timing checker finds in so many accesses to each device.
std::vector<Result> dram_rules(std::int64_t accesses);

}  // namespace corank::bench
