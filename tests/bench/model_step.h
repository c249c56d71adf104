// A step of all linears of LLaMA-7B with DRAM (configs/llama-7b.yaml): how long it takes to
// simulate.
#pragma once

#include <vector>

#include "tests/bench/result.h"

namespace corank::bench {

/// With layers repeated: CPU seconds (bar 60). With `whole` also every layer: CPU seconds (1800),
/// peak memory (10^9 bytes) and the error of the run with layers repeated (0.1 %).
std::vector<Result> model_step(bool whole);

}  // namespace corank::bench
