// When the beats of a vector command are issued (rtl/vector/vector_unit.sv), in closed form: groups
// are alike but for the last one, strips of a section but for the last one.
#pragma once

#include <vector>

#include "sim/cycle/types.h"
#include "sim/cycle/vector_program.h"
#include "sim/cycle/vector_walk.h"

namespace corank::cycle_model {

/// Cycles count from the first slot of the command on.
class VectorSchedule {
 public:
  /// Cycles of an instruction on a strip.
  struct Slot {
    std::size_t instruction = 0;
    std::uint64_t group = 0, strip = 0;
    Cycle begin = 0;
    Cycle from = 0;   // its first beat
    Cycle empty = 0;  // the cycle after its last beat
    Cycle end = 0;
  };
  struct Issued {
    std::uint64_t beats = 0, elements = 0;
  };

  /// Both outlive the schedule.
  void plan(const VectorProgram& program, const VectorWalk& walk);

  /// Of all slots.
  Cycle cycles() const;
  /// Those for which beats are issued.
  Cycle busy() const;
  /// The cycle in which what follows the program's instructions would begin, if that is illegal.
  Cycle illegal() const { return group(0).illegal; }
  /// The slot of a cycle that has one.
  Slot at(Cycle cycle) const;
  Slot slot(std::uint64_t group, std::uint64_t strip, std::size_t instruction) const;
  /// What an instruction has issued before a cycle.
  Issued issued(std::size_t instruction, Cycle end) const;
  /// A later cycle, up to which beats are issued or not as in `cycle`.
  Cycle next_change(Cycle cycle) const;

 private:
  // Of a strip of a section.
  struct Strip {
    Cycle cycles = 0;
    bool pauses = false;  // there are cycles without a beat
  };
  // Of a section in a group.
  struct Run {
    Cycle from = 0;  // in the group
    std::uint64_t strips = 0;
    Strip full, last;  // `last`: the last one of the group's strips
  };
  struct Group {
    VectorGroup place;
    std::vector<Run> runs;
    // From the beginning of its strip to an instruction's slot.
    std::vector<Cycle> in_full, in_last;
    Cycle cycles = 0;
    Cycle illegal = 0;  // where the instruction after the last one would begin in its first strip
  };

  Group planned(const VectorGroup& place) const;
  Strip plan_strip(const VectorGroup& place, const VectorSection& section, std::uint64_t strip,
                   std::vector<Cycle>& before) const;
  const Group& group(std::uint64_t index) const { return index + 1 == groups_ ? last_ : usual_; }
  std::uint64_t group_at(Cycle cycle) const;

  const VectorProgram* program_ = nullptr;
  const VectorWalk* walk_ = nullptr;
  std::uint64_t groups_ = 0;
  Group usual_, last_;
};

}  // namespace corank::cycle_model
