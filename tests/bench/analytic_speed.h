// How many designs a second can be bounded: by the closed form, and by their compiled commands.
#pragma once

#include <vector>

#include "tests/bench/result.h"

namespace corank::bench {

/// Of a LoRA layer of 256 x 256, r = 8, with 64 tokens, a core's CPU time: closed forms over a grid
/// of machines; the analysis of compiled commands alone; the same with the configuration, the
/// workload and the compiler, which rehearses its blocks on the cycle model or takes the cost
/// rule's.
std::vector<Result> analytic_speed();

}  // namespace corank::bench
