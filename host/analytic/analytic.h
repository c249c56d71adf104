// What a step takes, worked out from its compiled commands without simulating an event: a lower
// bound of its time, an estimate of it, and everything that the commands settle exactly.
#pragma once

#include <cstdint>
#include <string>

#include "host/config/config.h"
#include "host/driver/counters.h"
#include "host/run/simulate.h"

namespace corank {

struct AnalyticStep {
  // No execution of these commands on this machine, behind this memory and link, takes less. Of the
  // step (from the host's first doorbell to the end) and with the transfers before and after it.
  double bound_ns = 0, bound_total_ns = 0;
  std::string bound_by;  // what the bound comes from: "array", "vector unit", "memory", "link", ...
  double estimate_ns = 0, estimate_total_ns = 0;
  // Events as the account has them; cycles by unit where they are known, and of those the least.
  DeviceCounters counters{};
  std::uint64_t memory_bytes = 0, link_bytes = 0;
  double bound_energy_pj = 0, estimate_energy_pj = 0;  // 0: no table
  std::uint64_t device_bytes = 0;                      // of device memory, as planned
};

/// Of the first step of a prepared program. Throws InputError as the energy table's check does.
AnalyticStep analyse(const Config& config, const PreparedProgram& prepared);

}  // namespace corank
