// The array unit: when the passes of a gemm command go over the array (rtl/array/array_unit.sv).
#pragma once

#include <deque>

#include "sim/cycle/array_schedule.h"
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

  struct Interval {
    Cycle from = 0, end = 0;
  };
  struct Pending {
    std::uint32_t index = 0, signal_tokens = 0;
    Cycle accepted = 0, loaded = 0;  // loaded: the cycle of its last tile's last read
    Cycle completion = 0;
    std::uint32_t kind = 0;
  };

  void plan(const interface::GemmCommand& gemm);
  void find_beyond(const interface::GemmCommand& gemm, std::size_t first_pass);
  void halt(Counters& counters);

  Cycle lanes_;
  bool values_;
  LocalMemories& local_;
  GemmKernel kernel_;

  std::deque<Pending> pending_;
  std::deque<ArrayPass> passes_;  // with accesses to be counted
  std::deque<Interval> busy_;     // cycles in which rows are streamed
  Cycle counted_ = 0;             // accesses before this cycle are in the counters

  ArraySchedule schedule_;
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
