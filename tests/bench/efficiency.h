// How well the machine uses its array: the configurations of configs/bench, each against its bar.
#pragma once

#include <vector>

#include "tests/bench/result.h"

namespace corank::bench {

/// Runs them on the machine with the host-float MAC, whose cycles are those of the bit-level one.
/// Throws if a result differs from the reference.
std::vector<Result> efficiency();

}  // namespace corank::bench
