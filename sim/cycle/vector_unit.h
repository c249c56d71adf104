// The vector unit: when the instructions of a command's program are issued
// (rtl/vector/vector_unit.sv).
#pragma once

#include <array>
#include <vector>

#include "sim/cycle/local_memory.h"
#include "sim/cycle/types.h"
#include "sim/cycle/vector_kernel.h"
#include "sim/cycle/vector_program.h"
#include "sim/machine/shape.h"

namespace corank::cycle_model {

/// Only rows, columns and the opcodes count for the time, so the whole command is worked out when
/// it is accepted.
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
  // Cycles of the issues of an instruction in a strip.
  struct Slot {
    std::size_t instruction = 0;
    Cycle from = 0;   // its first beat
    Cycle empty = 0;  // the cycle after its last beat
    Cycle end = 0;
  };

  void plan();
  /// What an instruction does to the counters for `elements` elements, a cycle after their issue.
  void count(const interface::VectorInstruction& instruction, std::uint64_t elements,
             Counters& counters) const;
  /// And what a store does two cycles after.
  void count_stored(const interface::VectorInstruction& store, std::uint64_t elements,
                    Counters& counters) const;
  std::uint64_t elements_of_beats(std::uint64_t beats) const;
  std::uint64_t rest_cycles_before(std::size_t instruction) const;
  Slot slot(std::uint64_t strip, std::size_t instruction) const;
  Slot slot_at(Cycle cycle) const;  // from run_ up to the last slot
  /// Beats of an instruction that are issued before `end`.
  std::uint64_t beats_issued(std::size_t instruction, Cycle end) const;
  /// Whether an instruction of that kind is issued in `cycle`.
  bool issues(interface::VectorOpcode opcode, Cycle cycle) const;
  /// Whether a load or store has been issued and not yet asked for.
  bool accesses() const;
  void find_beyond();

  std::uint64_t vector_lanes_;
  std::uint32_t lanes_;
  bool values_;
  LocalMemories& local_;
  const ProgramMemory& program_memory_;
  VectorKernel kernel_;

  // The command at hand, or the last one.
  interface::VectorCommand command_;
  Completion completion_;                              // valid: it is not complete yet
  std::vector<interface::VectorInstruction> program_;  // up to the first one that is illegal
  std::vector<std::uint64_t> before_;  // cycles of a full strip before each instruction; the whole
  std::uint64_t beats_ = 0;
  std::uint64_t full_strips_ = 0, rest_ = 0;  // rest_: beats of the last strip, if it is shorter
  std::uint64_t padding_ = 0;                 // empty cycles of a slot of that strip
  Cycle accepted_ = 0;
  Cycle run_ = 0;  // the first issue
  Cycle rest_start_ = 0;
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
