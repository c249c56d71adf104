// The beats of a DMA block (rtl/dma/beat_walker.sv): which local elements each one has.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "sim/cycle/local_memory.h"
#include "sim/cycle/types.h"

namespace corank::cycle_model {

/// Beats are numbered in memory order: panel by panel of 128 bytes a row, row by row, beat by beat;
/// or (row_by_row) row by row, panel by panel, beat by beat.
struct Block {
  bool row_by_row = false;
  bool wide = false;  // FP32 instead of BF16
  std::uint32_t rows = 0, columns = 0;
  std::uint32_t line = 0, line_stride = 0;

  std::uint64_t element_bytes() const { return wide ? 4 : 2; }
  std::uint64_t row_bytes() const { return columns * element_bytes(); }
  std::uint32_t panels() const {
    return static_cast<std::uint32_t>((row_bytes() + kPanelRowBytes - 1) / kPanelRowBytes);
  }
  std::uint64_t beats(std::uint64_t beat_bytes) const {
    return std::uint64_t{panels()} * rows * (kPanelRowBytes / beat_bytes);
  }

  /// Bytes of valid columns in the first `count` beats.
  std::uint64_t bytes_of_first(std::uint64_t count, std::uint64_t beat_bytes) const {
    const std::uint64_t row_beats = kPanelRowBytes / beat_bytes;
    if (row_by_row) {
      const std::uint64_t all = panels() * row_beats;  // of a row
      return count / all * row_bytes() + std::min(row_bytes(), count % all * beat_bytes);
    }
    const std::uint64_t panel = count / (row_beats * rows);
    const std::uint64_t row = count / row_beats % rows;
    const std::uint64_t before = std::min(row_bytes(), panel * kPanelRowBytes);
    const std::uint64_t in_panel = std::min(row_bytes() - before, std::uint64_t{kPanelRowBytes});
    return rows * before + row * in_panel + std::min(in_panel, count % row_beats * beat_bytes);
  }

  struct Beat {
    std::uint64_t line = 0;
    std::uint32_t column = 0;  // of that line
    std::uint32_t count = 0;   // valid elements; 0: beyond the last column
  };
  Beat beat(std::uint64_t number, std::uint64_t beat_bytes, std::uint32_t lanes) const {
    const std::uint64_t row_beats = kPanelRowBytes / beat_bytes;
    std::uint64_t row = number / row_beats % rows;
    std::uint64_t at =  // bytes into the row over all panels
        number / (row_beats * rows) * kPanelRowBytes + number % row_beats * beat_bytes;
    if (row_by_row) {
      row = number / (panels() * row_beats);
      at = number % (panels() * row_beats) * beat_bytes;
    }
    const std::uint64_t column = at / element_bytes();
    const std::uint64_t left = column < columns ? columns - column : 0;
    return {line + column / lanes * line_stride + row, static_cast<std::uint32_t>(column % lanes),
            static_cast<std::uint32_t>(std::min(left, beat_bytes / element_bytes()))};
  }

  /// The first beat with elements in a line at or beyond `lines`; beats() if there is none.
  std::uint64_t first_beyond(std::uint64_t lines, std::uint64_t beat_bytes,
                             std::uint32_t lanes) const {
    const std::uint64_t all = beats(beat_bytes);
    const std::uint64_t last = line + std::uint64_t{(columns - 1) / lanes} * line_stride + rows - 1;
    if (last < lines) return all;
    for (std::uint64_t number = 0; number < all; ++number) {
      const Beat at = beat(number, beat_bytes, lanes);
      if (at.count != 0 && at.line >= lines) return number;
    }
    return all;
  }

  /// Beats [first, first + count) between a memory burst and the local memories; beats with lines
  /// beyond the end are left out.
  void to_local(LocalMemories& local, const std::uint8_t* burst, std::uint64_t first,
                std::uint64_t count, std::uint64_t beat_bytes) const {
    move(local, first, count, beat_bytes,
         [&](std::uint8_t* elements, std::uint64_t at, std::uint64_t bytes) {
           std::memcpy(elements, burst + at, bytes);
         });
  }
  void from_local(LocalMemories& local, std::uint8_t* burst, std::uint64_t first,
                  std::uint64_t count, std::uint64_t beat_bytes) const {
    move(local, first, count, beat_bytes,
         [&](const std::uint8_t* elements, std::uint64_t at, std::uint64_t bytes) {
           std::memcpy(burst + at, elements, bytes);
         });
  }

 private:
  template <class Action>
  void move(LocalMemories& local, std::uint64_t first, std::uint64_t count,
            std::uint64_t beat_bytes, const Action& action) const {
    const std::uint32_t lanes = local.scratchpad.lanes();
    for (std::uint64_t i = 0; i < count; ++i) {
      const Beat at = beat(first + i, beat_bytes, lanes);
      const std::uint32_t lines = wide ? local.accumulator.lines() : local.scratchpad.lines();
      if (at.count == 0 || at.line >= lines) continue;
      const auto on = static_cast<std::uint32_t>(at.line);
      auto* elements = wide
                           ? reinterpret_cast<std::uint8_t*>(local.accumulator.line(on) + at.column)
                           : reinterpret_cast<std::uint8_t*>(local.scratchpad.line(on) + at.column);
      action(elements, i * beat_bytes, at.count * element_bytes());
    }
  }
};

}  // namespace corank::cycle_model
