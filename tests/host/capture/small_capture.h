// A captured layer for tests, small and of any size, its numbers drawn from a seed.
#pragma once

#include <cstdint>

#include "host/formats/safetensors.h"

namespace corank::test {

struct SmallLayer {
  std::int64_t tokens = 9, in = 40, out = 24, rank = 3;
  std::uint64_t seed = 1;
};

/// x, dy, weight in BF16; bias, lora_A, lora_B and their moments in F32; metadata r, lora_alpha
/// (2 r), use_rslora (false), step (3).
SafetensorsFile small_capture(const SmallLayer& layer = {});

}  // namespace corank::test
