// The memories of random cases.
#pragma once

#include <string>
#include <vector>

#include "host/verify/draw.h"
#include "sim/platform/configuration.h"

namespace corank {

/// The memories of kind dram in configs/memory, in the order of their files' names. Throws
/// InputError where one cannot be read.
std::vector<MemoryConfig> dram_memories();

/// Up to 300 ns and 64 GB/s.
MemoryConfig draw_fixed_latency(draw::Random& random);

/// One of `drams`, as it is or with channels, address map, page policy and queues of its own: few
/// entries as well as many, rows that change with every access as well as long ones.
MemoryConfig draw_dram(draw::Random& random, const std::vector<MemoryConfig>& drams);

/// "fixed latency 17 ns, 3 GB/s", "DDR4-2400 ..., 2 channels, row bank ..., closed".
std::string describe(const MemoryConfig& memory);

}  // namespace corank
