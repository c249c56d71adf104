// How fast the bit-exact reference is: a whole training step, and its products beside the cycle
// model's.
#pragma once

#include <vector>

#include "tests/bench/result.h"

namespace corank::bench {

/// CPU seconds of fine-tuning a LLaMA of 135 million parameters by one step of 1 x 128 tokens in
/// bf16, from its files to the trained adapter (bar 4), the median of `rounds`; and the products of
/// one of its layers by the reference against the cycle model's kernel (bar 1).
std::vector<Result> reference_speed(int rounds);

}  // namespace corank::bench
