// When the passes of gemm commands go over the array, from the inequalities of the RTL's header
// (rtl/array/array_unit.sv): nothing outside can change it once a command is accepted.
#pragma once

#include <algorithm>
#include <cstdint>

#include "rtl/interface/interface.h"
#include "sim/cycle/types.h"
#include "sim/machine/shape.h"

namespace corank::cycle_model {

/// One tile of the stationary operand and all rows that stream past it. P, S, M, d and R are those
/// of the RTL's header.
struct ArrayPass {
  Cycle load = 0;   // P
  Cycle start = 0;  // S
  Cycle rows = 0;   // M
  Cycle depth = 0;  // d
  Cycle columns = 0;
  bool from_zero = false;
  std::uint32_t kind = 0;
  Cycle slots_from = 0, slots_end = 0;  // cycles that count for its kind
};

class ArraySchedule {
 public:
  explicit ArraySchedule(const MachineShape& shape)
      : array_rows_(shape.array_rows),
        array_columns_(shape.array_columns),
        lanes_(memory_lanes(shape)) {}

  /// Calls visit(pass) for the passes of the next command, which is accepted in `cycle`, in their
  /// order. No time gets earlier by a later `cycle`.
  template <class Visit>
  void plan(const interface::GemmCommand& gemm, Cycle cycle, const Visit& visit);
  void reset() { *this = ArraySchedule(array_rows_, array_columns_, lanes_); }

  // Of the last command.
  /// The cycle of the last read of its last tile.
  Cycle loaded() const { return loaded_; }
  Cycle completion() const { return stream_end_ + sum_latency(); }

  /// From a row to the write of its sums: a sum is asked for a cycle after its row, and read in the
  /// cycle after that.
  Cycle sum_latency() const { return round_trip() + 1; }

 private:
  static constexpr Cycle kLongAgo = -(Cycle{1} << 40);

  ArraySchedule(Cycle rows, Cycle columns, Cycle lanes)
      : array_rows_(rows), array_columns_(columns), lanes_(lanes) {}

  // D: from a row to the first one that may read its sums.
  Cycle round_trip() const { return interface::pass_latency(static_cast<int>(array_rows_)); }

  Cycle array_rows_, array_columns_, lanes_;
  // Of the last command and pass, which the next ones must keep away from.
  interface::GemmCommand last_command_ {};
  Cycle loaded_ = 0;
  Cycle last_start_ = kLongAgo;  // S of the last pass
  Cycle stream_end_ = 0;         // the cycle after its last row
  Cycle last_round_ = kLongAgo;  // S of the last first pass of a depth slice
};

template <class Visit>
void ArraySchedule::plan(const interface::GemmCommand& gemm, Cycle cycle, const Visit& visit) {
  const bool chained = gemm.rows == last_command_.rows && gemm.columns == last_command_.columns &&
                       gemm.accumulator_line == last_command_.accumulator_line &&
                       gemm.accumulator_stride == last_command_.accumulator_stride;
  last_command_ = gemm;
  const Cycle rows = gemm.rows, columns = gemm.columns, depth = gemm.depth;
  const Cycle shadow_free = std::max<Cycle>(array_rows_ - 1, 1);
  // At most the array, never across a panel of the local memory.
  const auto tile = [&](Cycle done, Cycle all, Cycle limit) {
    return std::min({lanes_ - done % lanes_, limit, all - done});
  };

  Cycle earliest_load = cycle + 1;
  for (Cycle depth_done = 0; depth_done < depth;) {
    const Cycle tile_depth = tile(depth_done, depth, array_rows_);
    const bool from_zero = depth_done == 0 && gemm.accumulate == 0;
    for (Cycle columns_done = 0; columns_done < columns;) {
      ArrayPass pass;
      pass.rows = rows;
      pass.depth = tile_depth;
      pass.columns = tile(columns_done, columns, array_columns_);
      pass.from_zero = from_zero;
      pass.kind = gemm.kind;
      pass.load = std::max(earliest_load, last_start_ + shadow_free);
      pass.start = std::max(pass.load + 1, stream_end_);
      if (columns_done == 0) {
        if (!from_zero) {
          // Sums come back before they are asked for.
          const bool round = depth_done != 0 || chained;
          pass.start = std::max(pass.start, (round ? last_round_ : stream_end_ - 1) + round_trip());
        }
        last_round_ = pass.start;
      }
      pass.slots_from = std::max(stream_end_, cycle + 1);
      pass.slots_end = pass.start + rows;
      last_start_ = pass.start;
      stream_end_ = pass.start + rows;
      earliest_load = pass.load + tile_depth;
      columns_done += pass.columns;
      loaded_ = earliest_load - 1;
      if (depth_done + tile_depth == depth && columns_done == columns)
        pass.slots_end = std::max(stream_end_, loaded_ + 1);
      visit(pass);
    }
    depth_done += tile_depth;
  }
}

}  // namespace corank::cycle_model
