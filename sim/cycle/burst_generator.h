// Cuts a block of memory into AXI bursts (rtl/dma/burst_generator.sv).
#pragma once

#include <algorithm>
#include <cstdint>

#include "sim/cycle/types.h"

namespace corank::cycle_model {

/// The registers that bound what the DMA units may do.
struct DmaLimits {
  std::uint64_t memory_limit = 0;  // first byte that is not memory
  std::uint32_t outstanding = 1;   // bursts in flight, 1..16
  std::uint32_t burst_beats = 1;   // 1..256
};

/// A burst that is cut in this cycle, or that could be but for the end of the memory.
struct Cut {
  bool now = false;
  bool beyond_memory = false;
  std::uint64_t address = 0, beats = 0;
};

/// A block that is taken in cycle t has its first burst in t + 1, and a burst that is taken in t
/// its successor in t + 1.
class BurstGenerator {
 public:
  explicit BurstGenerator(int beat_bytes) : beat_bytes_(static_cast<std::uint64_t>(beat_bytes)) {}

  /// Panels of so many bytes each.
  void take_block(std::uint64_t address, std::uint64_t panel_bytes, std::uint32_t panels,
                  std::uint32_t panel_stride) {
    busy_ = true;
    address_ = panel_address_ = address;
    panel_stride_ = panel_stride;
    panel_beats_ = beats_left_ = panel_bytes / beat_bytes_;
    panels_left_ = panels;
  }

  bool busy() const { return busy_; }

  /// Whether the burst at hand is cut, into an address register that is free (or being emptied),
  /// with so many bursts in flight: if there is room for it and it is all in the memory.
  Cut look(bool register_free, std::size_t in_flight, const DmaLimits& limits) const {
    Cut cut;
    if (!busy_) return cut;
    cut.address = address_;
    cut.beats = beats(limits.burst_beats);
    cut.beyond_memory = address_ + cut.beats * beat_bytes_ > limits.memory_limit;
    cut.now = !cut.beyond_memory && register_free && in_flight < limits.outstanding;
    return cut;
  }
  bool ends_block(std::uint64_t beats) const { return beats == beats_left_ && panels_left_ == 1; }

  void take_burst(std::uint64_t beats) {
    if (beats != beats_left_) {
      address_ += beats * beat_bytes_;
      beats_left_ -= beats;
      return;
    }
    busy_ = panels_left_ != 1;
    address_ = panel_address_ += panel_stride_;
    beats_left_ = panel_beats_;
    --panels_left_;
  }

  void clear() { busy_ = false; }

 private:
  static constexpr std::uint64_t kBoundary = 4096;

  // Of the burst at hand: what is left of its panel, at most `burst_beats`, at most up to the next
  // 4 KiB boundary (AMBA AXI A3.4.1).
  std::uint64_t beats(std::uint64_t burst_beats) const {
    const std::uint64_t to_boundary = (kBoundary - address_ % kBoundary) / beat_bytes_;
    return std::min({beats_left_, burst_beats, to_boundary});
  }

  std::uint64_t beat_bytes_;
  bool busy_ = false;
  std::uint64_t address_ = 0, panel_address_ = 0;  // of the burst at hand, of its panel
  std::uint64_t panel_stride_ = 0, panel_beats_ = 0, beats_left_ = 0;
  std::uint32_t panels_left_ = 0;
};

}  // namespace corank::cycle_model
