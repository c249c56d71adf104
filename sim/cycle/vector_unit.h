// The vector unit: when the instructions of a command's program are issued
// (rtl/vector/vector_unit.sv).
#pragma once

#include <array>
#include <vector>

#include "sim/cycle/local_memory.h"
#include "sim/cycle/types.h"
#include "sim/cycle/vector_kernel.h"
#include "sim/cycle/vector_program.h"
#include "sim/cycle/vector_schedule.h"
#include "sim/cycle/vector_walk.h"
#include "sim/machine/shape.h"

namespace corank::cycle_model {

/// No element counts for the time, so the whole command is worked out when it is accepted.
class VectorUnit {
 public:
  /// `values`: whether elements are computed.
  VectorUnit(const MachineShape& shape, bool values, LocalMemories& local,
             const ProgramMemory& program);

  void look(Cycle cycle, bool stop);
  /// `command`: taken in this cycle, or null. `counting`: whether the device's counters take this
  /// cycle's events. Returns whether the next cycle may differ by itself.
  bool step(const QueuedCommand* command, bool counting, Counters& counters);
  /// The first cycle after `cycle` in which activity or readiness change.
  Cycle next(Cycle cycle) const;
  /// Brings the counters to what they are for a read in cycle `end`.
  void synchronise(Cycle end, Counters& counters);
  void reset();

  // The present cycle, after look().
  bool ready() const { return !stop_ && cycle_ >= drained_ && cycle_ < stopped_; }
  Completion completion() const;
  interface::Activity activity() const;
  std::uint32_t current_index() const { return completion_.index; }
  UnitFault fault() const;
  /// An access of this cycle beyond the end of a local memory.
  bool local_range() const { return cycle_ == beyond_cycle_ && cycle_ - 2 < stopped_; }
  std::uint64_t local_line() const { return beyond_line_; }
  bool idle() const;

 private:
  void plan();
  /// What an instruction does to the counters for `elements` elements, a cycle after their issue.
  void count(const interface::VectorInstruction& instruction, std::uint64_t elements,
             Counters& counters) const;
  /// And what a store does two cycles after.
  void count_stored(const interface::VectorInstruction& store, std::uint64_t elements,
                    Counters& counters) const;
  /// Elements that an instruction has computed, loaded or stored before `end`.
  std::uint64_t elements_before(std::size_t instruction, Cycle end) const;
  /// Whether an instruction of that kind is issued in `cycle`.
  bool issues(interface::VectorOpcode opcode, Cycle cycle) const;
  /// Whether a load or store has been issued and not yet asked for.
  bool accesses() const;
  const VectorStream& stream_of(const interface::VectorInstruction& instruction) const {
    return streams_[instruction.stream];
  }
  std::uint64_t lines_of(const VectorStream& stream) const {
    return stream.accumulator ? local_.accumulator.lines() : local_.scratchpad.lines();
  }
  bool fits(std::size_t instruction) const;
  /// Whether a slot has an access beyond the end of a local memory, which is noted.
  bool note_beyond(const VectorSchedule::Slot& slot);
  void find_beyond();

  std::uint64_t vector_lanes_;
  std::uint32_t lanes_;
  bool values_;
  LocalMemories& local_;
  const ProgramMemory& program_memory_;
  VectorKernel kernel_;

  // The command at hand, or the last one.
  interface::VectorCommand command_;
  Completion completion_;  // valid: it is not complete yet
  std::array<VectorStream, 4> streams_;
  VectorProgram program_;
  VectorWalk walk_;
  VectorSchedule schedule_;  // from run_ on
  Cycle accepted_ = 0;
  Cycle run_ = 0;      // the first slot
  Cycle drain_ = 0;    // the cycle after the last slot
  Cycle drained_ = 0;  // the completion
  // Elements of each instruction that are in the counters, and those of stores as written.
  std::vector<std::uint64_t> counted_, stored_;

  Cycle stopped_ = kNever;    // nothing is issued from then on
  Cycle uncounted_ = kNever;  // nor does an issue from then on become an event that is counted
  Cycle fault_cycle_ = kNever;
  std::uint64_t fault_index_ = 0;
  Cycle beyond_cycle_ = kNever;
  std::uint64_t beyond_line_ = 0;

  // The present cycle.
  Cycle cycle_ = 0;
  bool stop_ = false;
};

}  // namespace corank::cycle_model
