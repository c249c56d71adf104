// The functions that programs of the vector unit compute, RTL against reference.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/bench/result.h"

namespace corank::bench {

/// `count` random FP32 numbers for each function: half of them any bits, half from 2^-12 to 2^7,
/// where the functions are neither their limits nor their argument.
std::vector<Result> function_agreement(std::uint64_t count, std::uint64_t seed);

}  // namespace corank::bench
