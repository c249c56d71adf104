// accelerator_pkg::events_t as a number.
#pragma once

#include <array>
#include <cstdint>

namespace corank::test {

struct Events {
  bool slot = false;
  std::uint32_t kind = 0;
  bool row = false;
  std::uint32_t transfers = 0;              // fetch, load, store: a burst and a beat of each
  std::array<std::uint32_t, 4> elements{};  // scratchpad read, written, accumulator read, written
  bool computes = false;
  std::uint32_t computed = 0, computed_elements = 0;
  std::uint32_t decoded = 0;  // elements of packed weights

  /// To a port, which has 68 bits.
  template <class Port>
  void give(Port& port) const {
    const std::uint64_t bits = lower() | std::uint64_t{decoded} << 60;
    port[0] = static_cast<std::uint32_t>(bits);
    port[1] = static_cast<std::uint32_t>(bits >> 32);
    port[2] = decoded >> 4;
  }

 private:
  std::uint64_t lower() const {
    std::uint64_t bits = (slot ? 1u : 0u) << 4 | kind;
    bits = bits << 1 | (row ? 1u : 0u);
    bits = bits << 6 | transfers;
    for (const std::uint32_t count : elements) bits = bits << 8 | count;
    return bits << 16 | (computes ? 1u : 0u) << 15 | computed << 8 | computed_elements;
  }
};

}  // namespace corank::test
