#include "sim/cycle/vector_unit.h"

#include <algorithm>
#include <utility>

namespace corank::cycle_model {

namespace {

using interface::Activity;
using interface::Counter;
using interface::Fault;
using interface::VectorInstruction;
using interface::VectorOpcode;

constexpr std::uint64_t kStripBeats = interface::kStripBeats;

bool is_access(const VectorInstruction& instruction) {
  return instruction.opcode == VectorOpcode::kLoad || instruction.opcode == VectorOpcode::kStore;
}

}  // namespace

VectorUnit::VectorUnit(const MachineShape& shape, bool values, LocalMemories& local,
                       const ProgramMemory& program)
    : vector_lanes_(static_cast<std::uint64_t>(shape.vector_lanes)),
      lanes_(static_cast<std::uint32_t>(memory_lanes(shape))),
      values_(values),
      local_(local),
      program_memory_(program),
      kernel_(vector_lanes_) {}

void VectorUnit::reset() {
  completion_ = Completion{};
  program_ = VectorProgram{};
  counted_.clear();
  stored_.clear();
  accepted_ = run_ = drain_ = drained_ = 0;
  stopped_ = uncounted_ = fault_cycle_ = beyond_cycle_ = kNever;
}

void VectorUnit::look(Cycle cycle, bool stop) {
  cycle_ = cycle;
  stop_ = stop;
}

Completion VectorUnit::completion() const {
  Completion completion = completion_;
  completion.valid = completion_.valid && cycle_ == drained_ && drain_ < stopped_ && !stop_;
  return completion;
}

bool VectorUnit::idle() const { return (cycle_ >= drained_ || cycle_ >= stopped_) && !accesses(); }

UnitFault VectorUnit::fault() const {
  if (cycle_ != fault_cycle_) return {};
  return {Fault::kIllegalInstruction, fault_index_};
}

Activity VectorUnit::activity() const {
  if (cycle_ >= drained_ || cycle_ >= stopped_) return Activity::kIdle;
  if (cycle_ < run_ || cycle_ >= drain_) return Activity::kLatency;
  const VectorSchedule::Slot at = schedule_.at(cycle_ - run_);
  return cycle_ - run_ >= at.from && cycle_ - run_ < at.empty ? Activity::kBusy
                                                              : Activity::kLatency;
}

bool VectorUnit::step(const QueuedCommand* command, bool counting, Counters& counters) {
  // The event of the last issue before a stop. If that was arithmetic the unit is idle already, so
  // that the device may be without work, which is when it counts nothing.
  if (cycle_ == stopped_ && !counting) uncounted_ = stopped_ - 1;
  const bool completes = cycle_ == drained_ && completion_.valid;
  if (completes) {
    synchronise(cycle_ + 1, counters);  // with the last store, which takes place now
    completion_.valid = false;
  }
  if (stop_) {
    if (cycle_ < fault_cycle_) fault_cycle_ = kNever;
    if (cycle_ >= drained_ || cycle_ >= stopped_) return completes || accesses();
    stopped_ = cycle_ + 1;
    return true;
  }
  if (command == nullptr) {
    return completes || fault().valid() || local_range() || cycle_ == stopped_;
  }
  command_ = interface::decode_vector(command->words);
  completion_ = {true, command->index, command->signal_tokens()};
  accepted_ = cycle_;
  plan();
  const bool runs = fault_cycle_ == kNever && beyond_cycle_ == kNever;
  if (values_ && runs) kernel_.run(command_, program_, walk_, local_);
  return true;
}

void VectorUnit::plan() {
  streams_ = streams_of(command_);
  program_ = VectorProgram(command_, program_memory_);
  walk_ = VectorWalk(command_, vector_lanes_);
  schedule_.plan(program_, walk_);
  counted_.assign(program_.instructions.size(), 0);
  stored_.assign(program_.instructions.size(), 0);

  run_ = accepted_ + 3;
  drain_ = run_ + schedule_.cycles();
  drained_ = drain_ + 1;
  if (!program_.whole) {
    fault_cycle_ = stopped_ = run_ + schedule_.illegal();
    fault_index_ = command_.first_instruction + program_.instructions.size();
    drain_ = drained_ = kNever;  // never
  }
  find_beyond();
}

bool VectorUnit::issues(VectorOpcode opcode, Cycle cycle) const {
  if (program_.instructions.empty() || cycle < run_ || cycle >= std::min(drain_, stopped_))
    return false;
  const VectorSchedule::Slot at = schedule_.at(cycle - run_);
  return cycle - run_ >= at.from && cycle - run_ < at.empty &&
         program_.instructions[at.instruction].opcode == opcode;
}

bool VectorUnit::accesses() const {
  return issues(VectorOpcode::kLoad, cycle_ - 1) || issues(VectorOpcode::kStore, cycle_ - 1) ||
         issues(VectorOpcode::kStore, cycle_ - 2);
}

std::uint64_t VectorUnit::elements_before(std::size_t i, Cycle end) const {
  const VectorSchedule::Issued issued = schedule_.issued(i, end - run_);
  const bool single =
      is_access(program_.instructions[i]) && stream_of(program_.instructions[i]).broadcast_column;
  return single ? issued.beats : issued.elements;
}

void VectorUnit::synchronise(Cycle end, Counters& counters) {
  // An issue is an event of the next cycle; a store's write comes in the one after that.
  const auto issued_since = [&](std::size_t i, Cycle before, std::uint64_t& known) {
    const std::uint64_t elements = elements_before(i, std::min({before, stopped_, uncounted_}));
    return elements - std::exchange(known, elements);
  };
  for (std::size_t i = 0; i < program_.instructions.size(); ++i) {
    const VectorInstruction& instruction = program_.instructions[i];
    count(instruction, issued_since(i, end - 1, counted_[i]), counters);
    if (instruction.opcode == VectorOpcode::kStore)
      count_stored(instruction, issued_since(i, end - 2, stored_[i]), counters);
  }
}

void VectorUnit::count(const VectorInstruction& instruction, std::uint64_t elements,
                       Counters& counters) const {
  const bool accumulator = stream_of(instruction).accumulator;
  switch (instruction.opcode) {
    case VectorOpcode::kLoad:
      counters[accumulator ? Counter::kAccumulatorReadBytes : Counter::kScratchpadReadBytes] +=
          elements * (accumulator ? 4 : 2);
      return;
    case VectorOpcode::kStore:
      if (!accumulator && !instruction.b_immediate) counters[Counter::kVectorRoundings] += elements;
      return;
    default:
      counters[interface::counter_of(instruction.opcode)] += elements;
      return;
  }
}

void VectorUnit::count_stored(const VectorInstruction& store, std::uint64_t elements,
                              Counters& counters) const {
  const bool accumulator = stream_of(store).accumulator;
  counters[accumulator ? Counter::kAccumulatorWriteBytes : Counter::kScratchpadWriteBytes] +=
      elements * (accumulator ? 4 : 2);
}

Cycle VectorUnit::next(Cycle cycle) const {
  if (cycle >= drained_ || cycle >= stopped_) return kNever;
  Cycle next = std::min(stopped_, drained_);
  const auto candidate = [&](Cycle at) {
    if (at > cycle) next = std::min(next, at);
  };
  candidate(run_);
  candidate(drain_);
  candidate(beyond_cycle_);
  if (cycle >= run_ && cycle < drain_) candidate(run_ + schedule_.next_change(cycle - run_));
  return next;
}

// Whether all accesses of an instruction lie within its memory; they may although this says no.
bool VectorUnit::fits(std::size_t i) const {
  const VectorInstruction& instruction = program_.instructions[i];
  if (!is_access(instruction)) return true;
  const VectorStream& stream = stream_of(instruction);
  const bool repeats = !program_.sections[program_.section_of[i]].once;
  std::uint64_t row = repeats || !instruction.once ? command_.rows - 1 : 0;
  std::uint64_t column = command_.columns - 1;
  if (instruction.once && command_.walk == interface::kWalkDown) row += kStripBeats - 1;
  if (instruction.once && command_.walk == interface::kWalkRows)
    column = (repeats ? column : 0) + vector_lanes_ - 1;
  return stream.place(row, column, lanes_).line < lines_of(stream);
}

bool VectorUnit::note_beyond(const VectorSchedule::Slot& slot) {
  const VectorInstruction& instruction = program_.instructions[slot.instruction];
  const VectorStream& stream = stream_of(instruction);
  const VectorGroup group = walk_.group(slot.group);
  const std::uint64_t beats = walk_.beats_of(instruction, group, slot.strip);
  for (std::uint64_t k = 0; k < beats; ++k) {
    const VectorBeat beat = walk_.beat(instruction, group, slot.strip, k);
    const std::uint64_t line = stream.place(beat.row, beat.column, lanes_).line;
    const std::uint64_t count = stream.accessed(beat.count);
    if (line + (stream.transposed ? count - 1 : 0) < lines_of(stream)) continue;
    // A read is requested in the cycle after the issue and takes place a cycle later; so does a
    // write, which is requested then.
    beyond_cycle_ = run_ + slot.from + static_cast<Cycle>(k) + 2;
    beyond_line_ = line;
    return true;
  }
  return false;
}

// The first access beyond the end of a local memory, if there is one.
void VectorUnit::find_beyond() {
  beyond_cycle_ = kNever;
  std::vector<std::size_t> accesses;
  bool all_fit = true;
  for (std::size_t i = 0; i < program_.instructions.size(); ++i) {
    if (is_access(program_.instructions[i])) accesses.push_back(i);
    all_fit = all_fit && fits(i);
  }
  if (all_fit) return;
  for (std::uint64_t group = 0; group < walk_.groups(); ++group) {
    for (std::size_t section = 0; section < program_.sections.size(); ++section) {
      const std::uint64_t strips = program_.sections[section].once ? 1 : walk_.group(group).strips;
      for (std::uint64_t strip = 0; strip < strips; ++strip) {
        for (const std::size_t i : accesses) {
          if (program_.section_of[i] == section && note_beyond(schedule_.slot(group, strip, i)))
            return;
        }
      }
    }
  }
}

}  // namespace corank::cycle_model
