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

// The beats of an instruction read what those of the one before it have written.
constexpr std::uint64_t kShortestSlot = interface::kResultLatency;

std::uint64_t interval_of(const VectorInstruction& instruction) {
  return interface::is_iterative(instruction.opcode) ? interface::kDivideInterval : 1;
}

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
  program_.clear();
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
  if (padding_ == 0 || cycle_ < rest_start_) return Activity::kBusy;
  return cycle_ < slot_at(cycle_).empty ? Activity::kBusy : Activity::kLatency;
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
  if (values_ && runs) kernel_.run(command_, program_, local_);
  return true;
}

void VectorUnit::plan() {
  const std::uint64_t row_beats = (command_.columns + vector_lanes_ - 1) / vector_lanes_;
  beats_ = command_.rows * row_beats;
  program_.clear();
  before_.assign(1, 0);
  for (std::uint64_t i = 0; i < command_.length; ++i) {
    const std::uint64_t index = command_.first_instruction + i;
    if (index >= ProgramMemory::kInstructions) break;
    const VectorInstruction instruction = program_memory_.read(index);
    if (!interface::exists(instruction.opcode)) break;
    program_.push_back(instruction);
    before_.push_back(before_.back() + VectorKernel::kStripBeats * interval_of(program_.back()));
  }
  counted_.assign(program_.size(), 0);
  stored_.assign(program_.size(), 0);

  full_strips_ = beats_ / VectorKernel::kStripBeats;
  rest_ = beats_ % VectorKernel::kStripBeats;
  padding_ = rest_ == 0 || rest_ >= kShortestSlot ? 0 : kShortestSlot - rest_;
  run_ = accepted_ + 3;
  rest_start_ = run_ + static_cast<Cycle>(full_strips_ * before_.back());
  drain_ = rest_start_ + static_cast<Cycle>(rest_cycles_before(program_.size()));
  drained_ = drain_ + 1;
  if (program_.size() < command_.length) {
    const std::uint64_t started =
        full_strips_ != 0 ? before_.back() : rest_cycles_before(program_.size());
    fault_cycle_ = stopped_ = run_ + static_cast<Cycle>(started);
    fault_index_ = command_.first_instruction + program_.size();
    drain_ = drained_ = kNever;  // never
  }
  find_beyond();
}

// Cycles of the last, shorter strip before an instruction.
std::uint64_t VectorUnit::rest_cycles_before(std::size_t instruction) const {
  if (rest_ == 0) return 0;
  return before_[instruction] / VectorKernel::kStripBeats * rest_ + instruction * padding_;
}

VectorUnit::Slot VectorUnit::slot(std::uint64_t strip, std::size_t instruction) const {
  const std::uint64_t interval = interval_of(program_[instruction]);
  if (strip < full_strips_) {
    const Cycle from = run_ + static_cast<Cycle>(strip * before_.back() + before_[instruction]);
    const Cycle end = from + static_cast<Cycle>(VectorKernel::kStripBeats * interval);
    return {instruction, from, end, end};
  }
  const Cycle from = rest_start_ + static_cast<Cycle>(rest_cycles_before(instruction));
  const Cycle empty = from + static_cast<Cycle>(rest_ * interval);
  return {instruction, from, empty, empty + static_cast<Cycle>(padding_)};
}

VectorUnit::Slot VectorUnit::slot_at(Cycle cycle) const {
  if (cycle < rest_start_) {
    const auto offset = static_cast<std::uint64_t>(cycle - run_);
    const auto after =
        std::upper_bound(before_.begin(), before_.end(), offset % before_.back()) - 1;
    return slot(offset / before_.back(), static_cast<std::size_t>(after - before_.begin()));
  }
  std::size_t instruction = 0;
  while (slot(full_strips_, instruction).end <= cycle) ++instruction;
  return slot(full_strips_, instruction);
}

bool VectorUnit::issues(VectorOpcode opcode, Cycle cycle) const {
  if (program_.empty() || cycle < run_ || cycle >= std::min(drain_, stopped_)) return false;
  const Slot at = slot_at(cycle);
  return cycle < at.empty && program_[at.instruction].opcode == opcode;
}

bool VectorUnit::accesses() const {
  return issues(VectorOpcode::kLoad, cycle_ - 1) || issues(VectorOpcode::kStore, cycle_ - 1) ||
         issues(VectorOpcode::kStore, cycle_ - 2);
}

std::uint64_t VectorUnit::beats_issued(std::size_t instruction, Cycle end) const {
  const auto issued = [&](Cycle from, std::uint64_t most) {
    const auto interval = static_cast<Cycle>(interval_of(program_[instruction]));
    if (end <= from) return std::uint64_t{0};
    return std::min(most, static_cast<std::uint64_t>((end - from + interval - 1) / interval));
  };
  if (end <= run_) return 0;
  if (end < rest_start_) {
    const std::uint64_t strip = static_cast<std::uint64_t>(end - run_) / before_.back();
    return strip * VectorKernel::kStripBeats +
           issued(slot(strip, instruction).from, VectorKernel::kStripBeats);
  }
  return full_strips_ * VectorKernel::kStripBeats +
         (rest_ == 0 ? 0 : issued(slot(full_strips_, instruction).from, rest_));
}

std::uint64_t VectorUnit::elements_of_beats(std::uint64_t beats) const {
  const std::uint64_t row_beats = (command_.columns + vector_lanes_ - 1) / vector_lanes_;
  return beats / row_beats * command_.columns +
         std::min<std::uint64_t>(beats % row_beats * vector_lanes_, command_.columns);
}

void VectorUnit::synchronise(Cycle end, Counters& counters) {
  // An issue is an event of the next cycle; a store's write comes in the one after that.
  const auto issued_since = [&](std::size_t i, Cycle before, std::uint64_t& known) {
    const std::uint64_t elements =
        elements_of_beats(beats_issued(i, std::min({before, stopped_, uncounted_})));
    return elements - std::exchange(known, elements);
  };
  for (std::size_t i = 0; i < program_.size(); ++i) {
    count(program_[i], issued_since(i, end - 1, counted_[i]), counters);
    if (program_[i].opcode == VectorOpcode::kStore)
      count_stored(program_[i], issued_since(i, end - 2, stored_[i]), counters);
  }
}

void VectorUnit::count(const VectorInstruction& instruction, std::uint64_t elements,
                       Counters& counters) const {
  const bool accumulator = streams_of(command_)[instruction.stream].accumulator;
  switch (instruction.opcode) {
    case VectorOpcode::kLoad:
      counters[accumulator ? Counter::kAccumulatorReadBytes : Counter::kScratchpadReadBytes] +=
          elements * (accumulator ? 4 : 2);
      return;
    case VectorOpcode::kStore:
      if (!accumulator) counters[Counter::kVectorRoundings] += elements;
      return;
    default:
      counters[interface::counter_of(instruction.opcode)] += elements;
      return;
  }
}

void VectorUnit::count_stored(const VectorInstruction& store, std::uint64_t elements,
                              Counters& counters) const {
  const bool accumulator = streams_of(command_)[store.stream].accumulator;
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
  if (padding_ != 0 && !program_.empty() && cycle + 1 >= run_ && cycle < drain_) {
    // Busy and empty cycles take turns in the last strip.
    const Slot at = cycle < rest_start_ ? slot(full_strips_, 0) : slot_at(cycle);
    candidate(cycle < at.empty ? at.empty : at.end);
  }
  return next;
}

// The first access beyond the end of a local memory, if there is one.
void VectorUnit::find_beyond() {
  beyond_cycle_ = kNever;
  const std::array<VectorStream, 4> streams = streams_of(command_);
  const auto lines_of = [&](const VectorStream& stream) {
    return std::uint64_t{stream.accumulator ? local_.accumulator.lines()
                                            : local_.scratchpad.lines()};
  };
  const auto fits = [&](const VectorInstruction& instruction) {
    if (!is_access(instruction)) return true;
    const VectorStream& stream = streams[instruction.stream];
    const std::uint64_t i = stream.broadcast_row ? 0 : command_.rows - 1, j = command_.columns - 1;
    const std::uint64_t across = stream.transposed ? i : j, down = stream.transposed ? j : i;
    return stream.line + across / lanes_ * stream.stride + down < lines_of(stream);
  };
  if (std::all_of(program_.begin(), program_.end(), fits)) return;

  const std::uint64_t row_beats = (command_.columns + vector_lanes_ - 1) / vector_lanes_;
  for (std::uint64_t strip = 0; strip * VectorKernel::kStripBeats < beats_; ++strip) {
    const std::uint64_t first = strip * VectorKernel::kStripBeats;
    const std::uint64_t end = std::min(beats_, first + VectorKernel::kStripBeats);
    for (std::size_t i = 0; i < program_.size(); ++i) {
      if (!is_access(program_[i])) continue;
      const VectorStream& stream = streams[program_[i].stream];
      for (std::uint64_t beat = first; beat < end; ++beat) {
        const std::uint64_t column = beat % row_beats * vector_lanes_;
        const std::uint64_t count = std::min(vector_lanes_, command_.columns - column);
        const std::uint64_t line = stream.place(beat / row_beats, column, lanes_).line;
        if (line + (stream.transposed ? count - 1 : 0) < lines_of(stream)) continue;
        // A read is requested in the cycle after the issue and takes place a cycle later; so does a
        // write, which is requested then.
        beyond_cycle_ = slot(strip, i).from + static_cast<Cycle>(beat - first) + 2;
        beyond_line_ = line;
        return;
      }
    }
  }
}

}  // namespace corank::cycle_model
