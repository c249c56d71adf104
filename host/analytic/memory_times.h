// When a memory answers bursts: at the earliest, or as expected. Times are femtoseconds from some
// edge of the accelerator's clock on.
#pragma once

#include <cstdint>
#include <memory>

#include "sim/platform/configuration.h"
#include "sim/platform/duration.h"

namespace corank {

enum class MemoryUser { kFetch, kLoad, kStore, kLink };

struct MemoryBurst {
  MemoryUser user = MemoryUser::kLoad;
  Femtoseconds arrival = 0;
  std::uint64_t address = 0, bytes = 0;
  // A read of what the step writes: a DRAM's controller may have it without asking the DRAM.
  bool may_be_forwarded = false;
};

class MemoryTimes {
 public:
  MemoryTimes() = default;
  MemoryTimes(const MemoryTimes&) = delete;
  MemoryTimes& operator=(const MemoryTimes&) = delete;
  virtual ~MemoryTimes() = default;

  /// Those of one user come in the order of their arrivals.
  virtual Femtoseconds answer(const MemoryBurst& burst) = 0;
};

/// No burst of a user is answered earlier, whatever the other users do.
///   Fixed latency: max(arrival + latency, answer before) + bytes / bandwidth
///   (sim/platform/README.md); only the own bursts count as those before.
///   DRAM: nothing is answered before CL + burst clocks after its arrival (sim/dram/channel.h). Of
///   the reads from burst j to burst k, whose data the reader takes in order, none arrives before
///   j, and each channel needs at least tCCD_S from one to the next; all channels together are as
///   fast as if they shared the accesses evenly.
std::unique_ptr<MemoryTimes> least_memory(const MemoryConfig& memory);

/// A memory of fixed latency as it is: all users share it, in the order of their arrivals. That of
/// a DRAM is in expected_dram.h.
std::unique_ptr<MemoryTimes> expected_fixed_latency(const MemoryConfig& memory);

/// The time for which a burst has the data bus of a memory, or its share of several, to itself.
Femtoseconds least_bus_time(const MemoryConfig& memory, const MemoryBurst& burst);

/// Accesses of a DRAM that a burst consists of.
std::uint64_t accesses_of(const MemoryConfig& memory, const MemoryBurst& burst);

}  // namespace corank
