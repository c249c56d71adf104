// The rows of a gather or a scatter, one block each (rtl/dma/indexed_rows.sv).
#pragma once

#include <cstdint>

#include "rtl/interface/interface.h"
#include "sim/cycle/beat_memory.h"
#include "sim/cycle/burst_generator.h"
#include "sim/cycle/types.h"

namespace corank::cycle_model {

/// Indices are commands rather than values: they come from the memory whether or not the run has
/// values. A run without values stores none, so its indices must be the host's.
class IndexedRows {
 public:
  explicit IndexedRows(const IndexMemory& indices) : indices_(indices) {}

  void take(const interface::GatherCommand& command, std::uint32_t panels) {
    address_ = std::uint64_t{command.address_hi} << 32 | command.address_lo;
    row_pitch_ = command.row_pitch;
    panel_stride_ = command.panel_stride;
    panels_ = panels;
    limit_ = command.limit;
    unread_ = command.rows;
    place_ = command.first_index;
    product_cycles_ = 1;
    for (std::uint32_t left = row_pitch_ / kPanelRowBytes >> 2; left != 0; left >>= 2)
      ++product_cycles_;
  }
  void clear() {
    unread_ = 0;
    there_ = working_ = false;
  }

  bool busy() const { return unread_ != 0 || there_ || working_; }
  /// Whether the next row, which could be given to a free generator, has a bad index.
  bool bad() const { return done() && bad_; }
  std::uint64_t bad_index() const { return value_; }

  /// The end of a cycle in which the generator was free or not. Whether anything changed.
  bool step(bool generator_free, BurstGenerator& bursts) {
    const bool gives = done() && !bad_ && generator_free;
    const bool loads = there_ && (!working_ || gives);
    const bool reads = unread_ != 0 && (!there_ || loads);
    const bool multiplies = working_ && left_ != 0;
    if (gives) give(bursts);
    if (multiplies) --left_;
    working_ = loads || (working_ && !gives);
    if (loads) load();
    there_ = reads || (there_ && !loads);
    if (reads) read();
    return gives || loads || reads || multiplies;
  }

 private:
  static constexpr std::uint64_t kAddressMask = (std::uint64_t{1} << 48) - 1;

  bool done() const { return working_ && left_ == 0; }

  void read() {
    beyond_ = place_ >= interface::kIndexWords;
    index_ = beyond_ ? place_ : indices_.word(place_);
    ++place_;
    --unread_;
  }
  void load() {
    bad_ = beyond_ || index_ >= limit_;
    left_ = bad_ ? 1 : product_cycles_;
    value_ = bad_ ? index_ : (address_ + std::uint64_t{index_} * row_pitch_) & kAddressMask;
  }
  void give(BurstGenerator& bursts) const {
    const bool contiguous = panel_stride_ == kPanelRowBytes;
    bursts.take_block(value_, std::uint64_t{contiguous ? panels_ : 1} * kPanelRowBytes,
                      contiguous ? 1 : panels_, panel_stride_);
  }

  const IndexMemory& indices_;

  // Of the command.
  std::uint64_t address_ = 0;
  std::uint32_t row_pitch_ = 0, panel_stride_ = 0, panels_ = 0, limit_ = 0;
  std::uint32_t product_cycles_ = 1;

  // The index that has been read, ahead of the product, or its place beyond the memory.
  std::uint32_t unread_ = 0;  // rows
  std::uint32_t place_ = 0;   // of the next index
  std::uint32_t index_ = 0;
  bool there_ = false, beyond_ = false;

  // The product: the address of a row, or a bad index.
  bool working_ = false, bad_ = false;
  std::uint32_t left_ = 0;  // cycles
  std::uint64_t value_ = 0;
};

}  // namespace corank::cycle_model
