// The array unit: when the passes of a gemm command go over the array (rtl/array/array_unit.sv).
#pragma once

#include <deque>

#include "sim/cycle/gemm.h"
#include "sim/cycle/local_memory.h"
#include "sim/cycle/types.h"
#include "sim/machine/shape.h"

namespace corank::cycle_model {

/// Nothing outside can change when the passes of an accepted command happen, so all of them are
/// worked out when it is accepted, from the inequalities of the RTL's header.
class ArrayUnit {
 public:
  /// `values`: whether products are computed.
  ArrayUnit(const MachineShape& shape, bool values, LocalMemories& local);

  void look(Cycle cycle, bool stop);
  /// `command`: taken in this cycle, or null. Returns whether the next cycle may differ by itself.
  bool step(const QueuedCommand* command, Counters& counters);
  /// The first cycle after `cycle` in which activity, readiness or completion change.
  Cycle next(Cycle cycle) const;
  /// Brings the counters to what they are for a read in cycle `end`.
  void synchronise(Cycle end, Counters& counters);
  void reset();

  // The present cycle, after look().
  bool ready() const;
  Completion completion() const;
  interface::Activity activity() const;
  std::uint32_t current_index() const;
  /// An access of this cycle beyond the end of a local memory.
  bool local_range() const;
  std::uint64_t local_line() const { return beyond_line_; }
  bool idle() const;

 private:
  static constexpr std::size_t kPending = interface::kGemmsPending;

  // One tile of the stationary operand and all rows that stream past it. P, S, M, d and R are
  // those of the RTL's header.
  struct Pass {
    Cycle load = 0;   // P
    Cycle start = 0;  // S
    Cycle rows = 0;   // M
    Cycle depth = 0;  // d
    Cycle columns = 0;
    bool from_zero = false;
    std::uint32_t kind = 0;
    Cycle slots_from = 0, slots_end = 0;  // cycles that count for its kind
  };
  struct Interval {
    Cycle from = 0, end = 0;
  };
  struct Pending {
    std::uint32_t index = 0, signal_tokens = 0;
    Cycle accepted = 0, loaded = 0;  // loaded: the cycle of its last tile's last read
    Cycle completion = 0;
    std::uint32_t kind = 0;
  };

  // D: from a row to the first one that may read its sums.
  Cycle round_trip() const { return interface::pass_latency(static_cast<int>(array_rows_)); }
  // From a row to the write of its sums: a sum is asked for a cycle after its row, and read in the
  // cycle after that.
  Cycle sum_latency() const { return round_trip() + 1; }
  void plan(const interface::GemmCommand& gemm);
  void find_beyond(const interface::GemmCommand& gemm, std::size_t first_pass);
  void halt(Counters& counters);

  Cycle array_rows_, array_columns_, lanes_;
  bool values_;
  LocalMemories& local_;
  GemmKernel kernel_;

  std::deque<Pending> pending_;
  std::deque<Pass> passes_;    // with accesses to be counted
  std::deque<Interval> busy_;  // cycles in which rows are streamed
  Cycle counted_ = 0;          // accesses before this cycle are in the counters

  // Of the last command and pass, which the next ones must keep away from.
  interface::GemmCommand last_command_;
  Cycle loaded_ = 0;      // cycle of the last read of the last tile
  Cycle last_start_;      // S of the last pass
  Cycle stream_end_ = 0;  // the cycle after its last row
  Cycle last_round_;      // S of the last first pass of a depth slice
  bool halted_ = false;

  // The first access beyond the end of a local memory; of several in a cycle the one named first.
  enum class Access { kStream, kStationary, kSumRead, kSumWrite };
  void note_beyond(Cycle cycle, Access access, std::uint64_t line);
  Cycle beyond_cycle_ = kNever;
  Access beyond_access_ = Access::kStream;
  std::uint64_t beyond_line_ = 0;

  // The present cycle.
  Cycle cycle_ = 0;
  bool stop_ = false, stop_before_ = false;  // in this cycle and in the one before
};

}  // namespace corank::cycle_model
