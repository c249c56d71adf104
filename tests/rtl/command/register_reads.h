// When a read of the device's registers is answered (rtl/command/registers.sv).
#pragma once

#include <cstdint>

#include "rtl/interface/interface.h"

namespace corank::test {

/// Whole cycles between the one in which a read is taken and that of its response: a counter's is
/// three later.
inline int cycles_to_answer(std::uint32_t offset) {
  const auto counters_end =
      interface::kRegCounters + 8 * static_cast<std::uint32_t>(interface::kCounters);
  const bool counter =
      offset >= interface::kRegCounters && offset < counters_end && offset % 4 == 0;
  return counter ? 5 : 2;
}

}  // namespace corank::test
