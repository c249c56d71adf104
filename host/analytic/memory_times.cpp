#include "host/analytic/memory_times.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace corank {
namespace {

class FixedLatency : public MemoryTimes {
 public:
  /// `shared`: by all users, as it is.
  FixedLatency(const MemoryConfig& memory, bool shared)
      : latency_(from_ns(memory.latency_ns)),
        bandwidth_(memory.bandwidth_gb_per_s),
        shared_(shared) {}

  Femtoseconds answer(const MemoryBurst& burst) override {
    Femtoseconds& free = free_[shared_ ? 0 : static_cast<std::size_t>(burst.user)];
    free = std::max(burst.arrival + latency_, free) +
           transfer_time(static_cast<std::int64_t>(burst.bytes), bandwidth_);
    return free;
  }

 private:
  const Femtoseconds latency_;
  const double bandwidth_;
  const bool shared_;
  std::array<Femtoseconds, 4> free_{};
};

class LeastDram : public MemoryTimes {
 public:
  explicit LeastDram(const MemoryConfig& memory)
      : memory_(memory),
        clock_(from_ns(memory.dram.device.timing.tCK_ns)),
        fastest_(static_cast<Femtoseconds>(memory.dram.device.timing.CL +
                                           memory.dram.device.timing.burst) *
                 clock_),
        step_(static_cast<Femtoseconds>(memory.dram.device.timing.tCCD_S) * clock_) {}

  Femtoseconds answer(const MemoryBurst& burst) override {
    const Femtoseconds fastest = burst.arrival + fastest_;
    if (burst.user == MemoryUser::kStore || burst.user == MemoryUser::kLink) return fastest;
    Femtoseconds& free = free_[static_cast<std::size_t>(burst.user)];
    const std::uint64_t accesses = burst.may_be_forwarded ? 0 : accesses_of(memory_, burst);
    free = std::max(free, fastest > step_ ? fastest - step_ : 0) +
           accesses * step_ / static_cast<Femtoseconds>(memory_.dram.channels);
    return std::max(free, fastest);
  }

 private:
  const MemoryConfig& memory_;
  const Femtoseconds clock_, fastest_, step_;
  std::array<Femtoseconds, 4> free_{};
};

}  // namespace

std::unique_ptr<MemoryTimes> least_memory(const MemoryConfig& memory) {
  if (memory.kind == MemoryKind::kDram) return std::make_unique<LeastDram>(memory);
  return std::make_unique<FixedLatency>(memory, false);
}

std::unique_ptr<MemoryTimes> expected_fixed_latency(const MemoryConfig& memory) {
  return std::make_unique<FixedLatency>(memory, true);
}

Femtoseconds least_bus_time(const MemoryConfig& memory, const MemoryBurst& burst) {
  if (memory.kind != MemoryKind::kDram)
    return transfer_time(static_cast<std::int64_t>(burst.bytes), memory.bandwidth_gb_per_s);
  if (burst.may_be_forwarded) return 0;
  const DramTiming& timing = memory.dram.device.timing;
  return accesses_of(memory, burst) * static_cast<Femtoseconds>(timing.burst) *
         from_ns(timing.tCK_ns) / static_cast<Femtoseconds>(memory.dram.channels);
}

std::uint64_t accesses_of(const MemoryConfig& memory, const MemoryBurst& burst) {
  const auto access = static_cast<std::uint64_t>(memory.dram.device.organisation.access_bytes);
  return (burst.address + burst.bytes - 1) / access - burst.address / access + 1;
}

}  // namespace corank
