#include "sim/cycle/vector_schedule.h"

#include <algorithm>
#include <functional>

namespace corank::cycle_model {

namespace {

using interface::VectorInstruction;

// The beats of an instruction read what those of the one before it have written.
constexpr std::uint64_t kShortestSlot = interface::kResultLatency;

std::uint64_t interval_of(const VectorInstruction& instruction) {
  return interface::is_iterative(instruction.opcode) ? interface::kDivideInterval : 1;
}

Cycle lead_of(const VectorInstruction& instruction) {
  return instruction.exchange ? interface::kExchangeLead : 0;
}

Cycle padding_of(std::uint64_t beats) {
  return beats < kShortestSlot ? static_cast<Cycle>(kShortestSlot - beats) : 0;
}

// What lies at or before a place in an ascending list that begins before it.
template <class Iterator, class Less>
Iterator at_or_before(Iterator begin, Iterator end, Cycle place, const Less& less) {
  return std::upper_bound(begin, end, place, less) - 1;
}

}  // namespace

void VectorSchedule::plan(const VectorProgram& program, const VectorWalk& walk) {
  program_ = &program;
  walk_ = &walk;
  groups_ = walk.groups();
  last_ = planned(walk.group(groups_ - 1));
  if (groups_ > 1) usual_ = planned(walk.group(0));
}

VectorSchedule::Group VectorSchedule::planned(const VectorGroup& place) const {
  Group group;
  group.place = place;
  group.in_full.resize(program_->instructions.size());
  group.in_last.resize(program_->instructions.size());
  for (const VectorSection& section : program_->sections) {
    Run run;
    run.from = group.cycles;
    run.strips = section.once ? 1 : place.strips;
    if (place.strips > 1) run.full = plan_strip(place, section, 0, group.in_full);
    run.last = plan_strip(place, section, place.strips - 1, group.in_last);
    const bool reaches_last = run.strips == place.strips;
    group.illegal = run.from + (place.strips > 1 ? run.full : run.last).cycles;
    group.cycles += reaches_last
                        ? static_cast<Cycle>(place.strips - 1) * run.full.cycles + run.last.cycles
                        : run.full.cycles;
    group.runs.push_back(run);
  }
  // The section of an instruction that is illegal has not ended, unless it would begin with it.
  if (!program_->instructions.empty() && program_->instructions.back().section_end)
    group.illegal = group.cycles;
  return group;
}

VectorSchedule::Strip VectorSchedule::plan_strip(const VectorGroup& place,
                                                 const VectorSection& section, std::uint64_t strip,
                                                 std::vector<Cycle>& before) const {
  Strip result;
  for (std::size_t i = section.first; i < section.end; ++i) {
    const VectorInstruction& instruction = program_->instructions[i];
    const std::uint64_t beats = walk_->beats_of(instruction, place, strip);
    const Cycle pauses = lead_of(instruction) + padding_of(beats);
    before[i] = result.cycles;
    result.cycles += pauses + static_cast<Cycle>(beats * interval_of(instruction));
    result.pauses = result.pauses || pauses != 0;
  }
  return result;
}

Cycle VectorSchedule::cycles() const {
  return static_cast<Cycle>(groups_ - 1) * usual_.cycles + last_.cycles;
}

Cycle VectorSchedule::busy() const {
  Cycle busy = 0;
  for (std::size_t i = 0; i < program_->instructions.size(); ++i)
    busy += static_cast<Cycle>(issued(i, cycles()).beats * interval_of(program_->instructions[i]));
  return busy;
}

std::uint64_t VectorSchedule::group_at(Cycle cycle) const {
  if (groups_ == 1) return 0;
  return std::min(static_cast<std::uint64_t>(cycle / usual_.cycles), groups_ - 1);
}

VectorSchedule::Slot VectorSchedule::slot(std::uint64_t index, std::uint64_t strip,
                                          std::size_t i) const {
  const Group& group = this->group(index);
  const Run& run = group.runs[program_->section_of[i]];
  const VectorInstruction& instruction = program_->instructions[i];
  const std::uint64_t beats = walk_->beats_of(instruction, group.place, strip);
  Slot slot;
  slot.instruction = i;
  slot.group = index;
  slot.strip = strip;
  slot.begin = static_cast<Cycle>(index) * usual_.cycles + run.from +
               static_cast<Cycle>(strip) * run.full.cycles +
               (group.place.is_last(strip) ? group.in_last : group.in_full)[i];
  slot.from = slot.begin + lead_of(instruction);
  slot.empty = slot.from + static_cast<Cycle>(beats * interval_of(instruction));
  slot.end = slot.empty + padding_of(beats);
  return slot;
}

VectorSchedule::Slot VectorSchedule::at(Cycle cycle) const {
  const std::uint64_t index = group_at(cycle);
  const Group& group = this->group(index);
  Cycle rest = cycle - static_cast<Cycle>(index) * usual_.cycles;
  const auto run = at_or_before(group.runs.begin(), group.runs.end(), rest,
                                [](Cycle place, const Run& other) { return place < other.from; });
  rest -= run->from;
  const std::uint64_t strip =
      run->strips == 1
          ? 0
          : std::min(static_cast<std::uint64_t>(rest / run->full.cycles), run->strips - 1);
  rest -= static_cast<Cycle>(strip) * run->full.cycles;
  const VectorSection& section =
      program_->sections[static_cast<std::size_t>(run - group.runs.begin())];
  const std::vector<Cycle>& before = group.place.is_last(strip) ? group.in_last : group.in_full;
  const auto begin = before.begin() + static_cast<std::ptrdiff_t>(section.first);
  const auto end = before.begin() + static_cast<std::ptrdiff_t>(section.end);
  const auto found = at_or_before(begin, end, rest, std::less<>());
  return slot(index, strip, static_cast<std::size_t>(found - before.begin()));
}

VectorSchedule::Issued VectorSchedule::issued(std::size_t i, Cycle end) const {
  if (end <= 0) return {};
  const VectorInstruction& instruction = program_->instructions[i];
  const auto in_strips = [&](const Group& group, std::uint64_t strips, std::uint64_t more) {
    if (!instruction.once) {
      const std::uint64_t beats = strips == group.place.strips
                                      ? group.place.beats
                                      : strips * group.place.strip_beats + more;
      return Issued{beats, walk_->elements_of(instruction, group.place, beats)};
    }
    const std::uint64_t each = walk_->beats_of(instruction, group.place, 0);
    return Issued{strips * each + more,
                  strips * walk_->elements_of(instruction, group.place, each) +
                      walk_->elements_of(instruction, group.place, more)};
  };
  const std::size_t section = program_->section_of[i];
  const std::uint64_t index = group_at(end);
  Issued result;
  if (index > 0) {
    result = in_strips(usual_, usual_.runs[section].strips, 0);
    result.beats *= index;
    result.elements *= index;
  }
  const Group& group = this->group(index);
  const Run& run = group.runs[section];
  const Cycle rest = end - static_cast<Cycle>(index) * usual_.cycles - run.from;
  if (rest <= 0) return result;
  const std::uint64_t strip =
      run.strips == 1
          ? 0
          : std::min(static_cast<std::uint64_t>(rest / run.full.cycles), run.strips - 1);
  const Slot at = slot(index, strip, i);
  const std::uint64_t beats = walk_->beats_of(instruction, group.place, strip);
  const auto interval = static_cast<Cycle>(interval_of(instruction));
  const std::uint64_t more =
      end <= at.from
          ? 0
          : std::min(beats, static_cast<std::uint64_t>((end - at.from + interval - 1) / interval));
  const Issued here =
      more == beats ? in_strips(group, strip + 1, 0) : in_strips(group, strip, more);
  result.beats += here.beats;
  result.elements += here.elements;
  return result;
}

Cycle VectorSchedule::next_change(Cycle cycle) const {
  const Slot at = this->at(cycle);
  const Group& group = this->group(at.group);
  const Run& run = group.runs[program_->section_of[at.instruction]];
  const bool last = group.place.is_last(at.strip);
  if ((last ? run.last : run.full).pauses)
    return cycle < at.from ? at.from : cycle < at.empty ? at.empty : at.end;
  // Beats follow each other up to the strip that differs, or to the next section.
  const std::uint64_t strips = last || run.strips == 1 ? run.strips : group.place.strips - 1;
  return static_cast<Cycle>(at.group) * usual_.cycles + run.from +
         (last ? static_cast<Cycle>(strips - 1) * run.full.cycles + run.last.cycles
               : static_cast<Cycle>(strips) * run.full.cycles);
}

}  // namespace corank::cycle_model
