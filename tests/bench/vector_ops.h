// What the ops of a transformer take of the vector unit, from memory and to memory.
#pragma once

#include <vector>

#include "tests/bench/result.h"

namespace corank::bench {

/// Single ops on configs/accelerator/32x32-axi512.yaml by the cycle model: how busy the vector
/// unit, or the memory, is; and the cycles that a beat takes over all sections of their programs,
/// the intervals of divisions included, beside the shortest sequences that are known.
std::vector<Result> vector_ops();

}  // namespace corank::bench
