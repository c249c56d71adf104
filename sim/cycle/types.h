// What the parts of the cycle model pass to each other.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "rtl/interface/interface.h"

namespace corank::cycle_model {

/// The cycle that ends with clock edge n is cycle n.
using Cycle = std::int64_t;
constexpr Cycle kNever = std::numeric_limits<Cycle>::max();

/// Units that have a queue, as indices.
constexpr int kLoad = static_cast<int>(interface::Engine::kLoad),
              kArray = static_cast<int>(interface::Engine::kArray),
              kVector = static_cast<int>(interface::Engine::kVector),
              kStore = static_cast<int>(interface::Engine::kStore), kQueues = interface::kEngines;

/// Of the AXI port (accelerator_pkg).
constexpr std::uint8_t kFetchId = 0, kLoadId = 1, kStoreId = 2;

using interface::kPanelRowBytes;

/// A command on its way to a unit.
struct QueuedCommand {
  std::uint32_t index = 0;
  interface::CommandWords words {};

  std::uint32_t opcode() const { return words[0] & 0xffu; }
  std::uint32_t version() const { return words[0] >> 8 & 0xffu; }
  std::uint32_t wait_tokens() const { return words[1] & 0xffffu; }
  std::uint32_t signal_tokens() const { return words[1] >> 16; }
};

/// A command that is complete, for one cycle.
struct Completion {
  bool valid = false;
  std::uint32_t index = 0;
  std::uint32_t signal_tokens = 0;
};

/// A fault of a unit, for one cycle; none: kNone.
struct UnitFault {
  interface::Fault cause = interface::Fault::kNone;
  std::uint64_t address = 0;

  bool valid() const { return cause != interface::Fault::kNone; }
};

/// The device's counters, by interface::Counter.
class Counters {
 public:
  std::uint64_t& operator[](interface::Counter counter) {
    return values_[static_cast<std::size_t>(counter)];
  }
  std::uint64_t& operator[](std::size_t index) { return values_[index]; }
  void clear() { values_.fill(0); }
  std::vector<std::uint64_t> all() const { return {values_.begin(), values_.end()}; }

 private:
  std::array<std::uint64_t, interface::kCounters> values_{};
};

}  // namespace corank::cycle_model
