// How long commands would take: the cycle model by itself, without SystemC around it, on a memory
// with one latency and one data bus (as sim/platform/fixed_latency_memory.h). For a compiler that
// compares several ways to do the same.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "rtl/interface/interface.h"
#include "sim/cycle/types.h"
#include "sim/platform/configuration.h"

namespace corank {

/// The way to the device memory, in cycles of the accelerator.
struct MemoryTiming {
  double bytes_per_cycle = std::numeric_limits<double>::infinity();
  double latency_cycles = 100;
  int outstanding_bursts = 8;  // as MachineLimits
  int burst_beats = 64;
};

/// Cycles from the doorbell to the completion of the halt that ends the commands. All of them are
/// in the ring, and all streamed tiles are there, from the beginning. Their first address is that
/// of `instructions`, which a load of programs reads. At most about `most`: the rest is not waited
/// for. Throws MachineError where a command has a fault.
cycle_model::Cycle rehearse(const MachineShape& shape, const MemoryTiming& memory,
                            const std::vector<interface::CommandWords>& commands,
                            const std::vector<std::uint64_t>& instructions,
                            cycle_model::Cycle most);

}  // namespace corank
