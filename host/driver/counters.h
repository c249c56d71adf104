// The device's counters, as they are read back after a step.
#pragma once

#include <array>
#include <cstdint>

#include "rtl/interface/interface.h"

namespace corank {

using DeviceCounters = std::array<std::uint64_t, interface::kCounters>;

inline std::uint64_t at(const DeviceCounters& counters, interface::Counter counter) {
  return counters[static_cast<std::size_t>(counter)];
}

}  // namespace corank
