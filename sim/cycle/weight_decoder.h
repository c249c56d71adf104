// The decoder of packed weights: when beats and lines are taken and lines written, and which
// elements they have (rtl/decoder/weight_decoder.sv).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "sim/cycle/local_memory.h"
#include "sim/cycle/types.h"

namespace corank::cycle_model {

/// The tables of double quantization; numbers by their bits.
struct ScaleTables {
  std::array<std::uint32_t, interface::kDecoderMapWords> map{};
  std::array<std::uint32_t, interface::kDecoderNestedWords> nested{};

  /// `count` words at `data`; what lies beyond a table is dropped.
  void write(bool to_map, std::uint64_t first, const std::uint8_t* data, std::uint64_t count);
};

/// How a block of packed weights lies in memory.
struct PackedBlock {
  interface::LoadQuantizedCommand command;

  std::uint32_t panels() const {
    return (command.columns + interface::kPanelColumnsBf16 - 1) / interface::kPanelColumnsBf16;
  }
  /// log2 of the bytes of the scales of a panel's row.
  std::uint32_t record_bits() const;
  std::uint32_t group_rows() const { return interface::kPackedUnitBytes >> record_bits(); }
  bool wide() const { return command.element == interface::kElementSigned8; }
  /// Of a panel, a multiple of kPackedUnitBytes.
  std::uint64_t panel_bytes() const;

  /// Decodes all of it, `bytes` as it was read, to its lines; those beyond the end are left out.
  void to_local(LocalMemory<std::uint16_t>& scratchpad, const std::uint8_t* bytes,
                const ScaleTables& tables) const;
};

class WeightDecoder {
 public:
  WeightDecoder(int beat_bytes, std::uint32_t lanes, std::uint32_t lines);

  void clear();
  /// The present cycle. `block`: of the oldest command, or null.
  void look(const PackedBlock* block);
  /// The end of the cycle, in which a beat came or not.
  void step(bool beat);

  // The present cycle, after look().
  bool leaves() const { return leaves_; }
  bool taken() const { return issues_ || leaves_; }
  bool done() const { return done_; }
  /// Elements that are written.
  std::uint32_t written() const { return written_.count; }
  bool beyond() const { return written_.count != 0 && written_.line >= lines_; }
  std::uint64_t line() const { return written_.line; }
  /// Whether the next cycle is more than this one again.
  bool busy() const { return head_valid_ || buffered_ != 0 || on_way_ != 0 || done_waits_; }

 private:
  enum class State { kScales, kCodes, kDrop };
  struct Line {
    bool valid = false, last = false;
    std::uint32_t count = 0;
    std::uint64_t line = 0;
  };
  static constexpr std::size_t kLatency = interface::kScaleLatency + interface::kElementLatency;

  std::uint32_t parts() const { return block_->wide() ? wide_parts_ : narrow_parts_; }
  std::uint32_t pieces() const { return block_->wide() ? wide_pieces_ : narrow_pieces_; }
  void next_line();

  const std::uint32_t lanes_, lines_;
  const std::uint32_t unit_beats_;
  const std::uint32_t narrow_parts_, wide_parts_;    // lines of a beat
  const std::uint32_t narrow_pieces_, wide_pieces_;  // beats of a line

  const PackedBlock* block_ = nullptr;
  std::uint32_t buffered_ = 0;  // beats behind the one that is looked at
  bool head_valid_ = false;
  State state_ = State::kScales;
  bool finished_ = false;
  std::uint32_t unit_beat_ = 0, part_ = 0;
  std::uint32_t row_ = 0, column_ = 0;  // of the line at hand
  std::array<Line, kLatency> lines_on_way_;
  std::size_t newest_ = 0;  // where the line of this cycle goes
  std::size_t on_way_ = 0;  // valid ones
  bool done_waits_ = false;

  // The present cycle.
  bool leaves_ = false, issues_ = false, collects_ = false, done_ = false, last_comes_ = false;
  bool row_ends_ = false, group_ends_ = false, panel_ends_ = false, block_ends_ = false;
  Line written_;
};

}  // namespace corank::cycle_model
