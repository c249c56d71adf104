// The MAC of the RTL against the host's float arithmetic.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/bench/result.h"

namespace corank::bench {

/// `count` random operands, the same regions in turn and the same numbers as the program mac_bench.
std::vector<Result> mac_agreement(std::uint64_t count, std::uint64_t seed);

}  // namespace corank::bench
