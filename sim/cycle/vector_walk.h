// In which beats a vector command walks over its region (rtl/vector/vector_walk.sv).
#pragma once

#include <algorithm>
#include <cstdint>

#include "rtl/interface/interface.h"

namespace corank::cycle_model {

/// Consecutive columns of a row, at most a beat.
struct VectorBeat {
  std::uint64_t row = 0, column = 0, count = 0;
};

/// Columns of the region, over which strips of beats go row by row.
struct VectorGroup {
  std::uint64_t first_column = 0, columns = 0;
  std::uint64_t row_beats = 0;    // beats of a row
  std::uint64_t beats = 0;        // of all rows
  std::uint64_t strip_beats = 0;  // of each strip but the last one
  std::uint64_t strips = 0;

  bool is_last(std::uint64_t strip) const { return strip + 1 == strips; }
  std::uint64_t beats_of(std::uint64_t strip) const {
    return is_last(strip) ? beats - strip * strip_beats : strip_beats;
  }
};

class VectorWalk {
 public:
  VectorWalk() = default;
  VectorWalk(const interface::VectorCommand& command, std::uint64_t vector_lanes)
      : walk_(command.walk),
        rows_(command.rows),
        columns_(command.columns),
        lanes_(vector_lanes),
        width_(command.walk == interface::kWalkRows   ? columns_
               : command.walk == interface::kWalkDown ? lanes_
                                                      : kStripBeats * lanes_) {}

  std::uint64_t groups() const { return (columns_ + width_ - 1) / width_; }

  VectorGroup group(std::uint64_t index) const {
    VectorGroup group;
    group.first_column = index * width_;
    group.columns = std::min(width_, columns_ - group.first_column);
    group.row_beats = (group.columns + lanes_ - 1) / lanes_;
    group.beats = rows_ * group.row_beats;
    group.strip_beats = walk_ == interface::kWalkAcross ? group.row_beats : kStripBeats;
    group.strips = (group.beats + group.strip_beats - 1) / group.strip_beats;
    return group;
  }

  /// Beats of an instruction in a strip.
  std::uint64_t beats_of(const interface::VectorInstruction& instruction, const VectorGroup& group,
                         std::uint64_t strip) const {
    if (!instruction.once) return group.beats_of(strip);
    if (instruction.alternate) return 1;
    return walk_ == interface::kWalkAcross ? group.row_beats : kStripBeats;
  }

  /// Elements of so many beats of an instruction, from the beginning of strip 0 on.
  std::uint64_t elements_of(const interface::VectorInstruction& instruction,
                            const VectorGroup& group, std::uint64_t beats) const {
    if (stays(instruction)) return beats * lanes_;
    return beats / group.row_beats * group.columns +
           std::min(beats % group.row_beats * lanes_, group.columns);
  }

  /// The beat of that number of an instruction in a strip.
  VectorBeat beat(const interface::VectorInstruction& instruction, const VectorGroup& group,
                  std::uint64_t strip, std::uint64_t number) const {
    const std::uint64_t at = strip * group.strip_beats + (stays(instruction) ? 0 : number);
    const std::uint64_t offset = at % group.row_beats * lanes_;
    return {at / group.row_beats, group.first_column + offset,
            stays(instruction) ? lanes_ : std::min(lanes_, group.columns - offset)};
  }

 private:
  static constexpr std::uint64_t kStripBeats = interface::kStripBeats;

  // By rows, what is done once is done where the strip begins, on whole beats.
  bool stays(const interface::VectorInstruction& instruction) const {
    return walk_ == interface::kWalkRows && instruction.once;
  }

  std::uint32_t walk_ = 0;
  std::uint64_t rows_ = 0, columns_ = 0, lanes_ = 1;
  std::uint64_t width_ = 1;  // of a group, in columns
};

}  // namespace corank::cycle_model
