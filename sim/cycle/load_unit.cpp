#include "sim/cycle/load_unit.h"

namespace corank::cycle_model {

namespace {

using interface::Activity;
using interface::Counter;
using interface::Fault;

}  // namespace

LoadUnit::LoadUnit(int beat_bytes, bool values, LocalMemories& local, ProgramMemory& program,
                   IndexMemory& indices)
    : beat_bytes_(static_cast<std::uint64_t>(beat_bytes)),
      values_(values),
      local_(local),
      program_(program),
      indices_(indices),
      rows_(indices),
      bursts_(beat_bytes),
      in_flight_(kMostInFlight) {
  ar_.id = kLoadId;
}

void LoadUnit::reset() {
  rows_.clear();
  bursts_.clear();
  placements_.reset();
  beats_ = burst_beats_ = counted_beats_ = late_bytes_ = 0;
  ar_.valid = false;
  in_flight_.reset();
  writing_ = completion_ = Completion{};
  faulted_ = false;
  fault_ = UnitFault{};
  wrote_ = beyond_ = false;
}

void LoadUnit::look(bool stop, const ReadBeat& beat) {
  stop_ = stop;
  halted_ = stop || faulted_;
  beat_ = beat;
  beat_.valid = beat.valid && beat.id == kLoadId;
}

Completion LoadUnit::completion() const {
  Completion completion = completion_;
  completion.valid = completion_.valid && !stop_;
  return completion;
}

bool LoadUnit::idle() const {
  return placements_.empty() && !writing_.valid && !completion_.valid && !bursts_.busy() &&
         !rows_.busy() && in_flight_.empty();
}

Activity LoadUnit::activity() const {
  if (beat_.valid) return Activity::kBusy;
  if (!in_flight_.empty()) return Activity::kWaitMemory;
  return idle() ? Activity::kIdle : Activity::kLatency;
}

std::uint32_t LoadUnit::current_index() const {
  if (completion_.valid) return completion_.index;
  if (writing_.valid) return writing_.index;
  return placements_.front().index;
}

std::uint32_t LoadUnit::fault_index() const {
  if (fault_.valid()) return fault_index_;
  return writing_.valid ? writing_.index : placements_.front().index;
}

// Of the last beat of a command, which was written in the cycle before.
void LoadUnit::count_late_bytes(Counters& counters) {
  if (late_bytes_ == 0) return;
  counters[late_target_ == interface::kTargetScratchpad ? Counter::kScratchpadWriteBytes
                                                        : Counter::kAccumulatorWriteBytes] +=
      late_bytes_;
  late_bytes_ = 0;
}

bool LoadUnit::step(const QueuedCommand* command, bool ar_ready, const DmaLimits& limits,
                    Counters& counters) {
  count_late_bytes(counters);
  bool changed = writing_.valid || completion_.valid || fault_.valid() || beyond_;

  const bool generator_free = !bursts_.busy();
  const Cut cut = halted_ ? Cut{} : bursts_.look(!ar_.valid || ar_ready, in_flight_.size(), limits);

  // A beat goes to its place; the last one of a command ends it.
  const bool good = beat_.valid && beat_.response == 0 && !halted_;
  const bool read_error = beat_.valid && beat_.response != 0 && !halted_;
  bool command_ends = false;
  UnitFault fault;
  if (read_error) {
    fault = {Fault::kReadError, in_flight_.front()};
  } else if (cut.beyond_memory) {
    fault = {Fault::kMemoryRange, cut.address};
  } else if (rows_.bad() && generator_free && !halted_) {
    fault = {Fault::kIndexRange, rows_.bad_index()};
  }
  fault_index_ = read_error ? placements_.front().index : cut_index_;
  beyond_ = false;
  if (beat_.valid) ++counters[Counter::kLoadBeats];
  if (good) {
    Placement& placement = placements_.front();
    if (beats_ == placement.first_beyond) {
      beyond_ = true;
      beyond_line_ = placement.block.beat(beats_, beat_bytes_, local_.scratchpad.lanes()).line;
    }
    ++beats_;
    ++burst_beats_;
    command_ends = beats_ == placement.beats;
  }
  if (beat_.valid && beat_.last) {
    if (good) place_burst(burst_beats_);
    burst_beats_ = 0;
    in_flight_.pop();
    changed = true;
  }
  completion_ = writing_;
  writing_.valid = command_ends;
  if (command_ends) {
    const Placement& placement = placements_.front();
    writing_.index = placement.index;
    writing_.signal_tokens = placement.signal_tokens;
    count_bytes(placement, beats_ - 1, counters);
    late_bytes_ = placement.block.bytes_of_first(beats_, beat_bytes_) -
                  placement.block.bytes_of_first(beats_ - 1, beat_bytes_);
    late_target_ = placement.target;
    if (!placement.to_local()) late_bytes_ = 0;
  }
  wrote_ = good;

  if (cut.now) {
    bursts_.take_burst(cut.beats);
    in_flight_.push(cut.address);
  }
  if (ar_.valid && ar_ready) {
    ++counters[Counter::kLoadBursts];
    ar_.valid = false;
    changed = true;
  }
  if (cut.now) {
    ar_.valid = true;
    ar_.address = cut.address;
    ar_.beats = cut.beats;
    changed = true;
  }
  if (halted_) {
    if (!placements_.empty()) count_bytes(placements_.front(), beats_, counters);
    changed = changed || bursts_.busy() || rows_.busy() || !placements_.empty();
    bursts_.clear();
    rows_.clear();
  } else {
    changed |= rows_.step(generator_free, bursts_);
  }
  if (command_ends || halted_) {
    if (!placements_.empty()) placements_.pop();
    beats_ = counted_beats_ = 0;
  }
  fault_ = fault;
  faulted_ = faulted_ || fault.valid();
  changed = changed || fault.valid() || beyond_;

  if (command == nullptr) return changed;
  take(*command);
  return true;
}

void LoadUnit::take(const QueuedCommand& command) {
  // A gather has the fields of a load, and more.
  const interface::GatherCommand load = interface::decode_gather(command.words);
  const bool gather = command.opcode() == interface::GatherCommand::kOpcode;
  Placement placement;
  placement.index = cut_index_ = command.index;
  placement.signal_tokens = command.signal_tokens();
  placement.target = load.target;
  placement.block = {gather,    load.target == interface::kTargetAccumulator,
                     load.rows, load.columns,
                     load.line, load.line_stride};
  if (!placement.to_local()) placement.block.columns = 1;  // one panel
  placement.beats = placement.block.beats(beat_bytes_);
  placement.first_beyond = placement.beats;
  if (placement.to_local()) {
    const std::uint32_t lines = load.target == interface::kTargetAccumulator
                                    ? local_.accumulator.lines()
                                    : local_.scratchpad.lines();
    placement.first_beyond =
        placement.block.first_beyond(lines, beat_bytes_, local_.scratchpad.lanes());
  }
  placements_.push(placement);
  if (gather) return rows_.take(load, placement.block.panels());
  bursts_.take_block(std::uint64_t{load.address_hi} << 32 | load.address_lo, load.rows,
                     placement.block.panels(), load.panel_stride);
}

// The data of the burst whose last beat is here: the last `beats` of the beats that have come.
void LoadUnit::place_burst(std::uint64_t beats) {
  const Placement& placement = placements_.front();
  const std::uint8_t* data = beat_.transaction->bytes.data();
  const std::uint64_t first = beats_ - beats;
  // Those of instructions and indices lie one after the other, whatever the rows.
  if (placement.target == interface::kTargetProgram) {
    program_.write(placement.block.line + first * beat_bytes_ / sizeof(std::uint64_t), data, beats,
                   beat_bytes_);
  } else if (placement.target == interface::kTargetIndices) {
    indices_.write(placement.block.line + first * beat_bytes_ / sizeof(std::uint32_t), data, beats,
                   beat_bytes_);
  } else if (values_) {
    placement.block.to_local(local_, data, first, beats, beat_bytes_);
  }
}

void LoadUnit::count_bytes(const Placement& placement, std::uint64_t beats, Counters& counters) {
  if (placement.to_local() && beats > counted_beats_) {
    counters[placement.target == interface::kTargetScratchpad ? Counter::kScratchpadWriteBytes
                                                              : Counter::kAccumulatorWriteBytes] +=
        placement.block.bytes_of_first(beats, beat_bytes_) -
        placement.block.bytes_of_first(counted_beats_, beat_bytes_);
  }
  counted_beats_ = beats;
}

void LoadUnit::synchronise(Counters& counters) {
  // A beat is written, and counted, in the cycle after it came.
  if (placements_.empty() || beats_ == 0) return;
  count_bytes(placements_.front(), beats_ - (wrote_ ? 1 : 0), counters);
}

void LoadUnit::skip(Cycle cycles, Counters& counters) {
  if (!beat_.valid) return;
  const auto beats = static_cast<std::uint64_t>(cycles);
  counters[Counter::kLoadBeats] += beats;
  if (!wrote_) return;  // dropped
  beats_ += beats;
  burst_beats_ += beats;
}

Cycle LoadUnit::next(Cycle cycle) const {
  if (!wrote_ || placements_.empty()) return kNever;
  const Placement& placement = placements_.front();
  if (placement.first_beyond == placement.beats || placement.first_beyond < beats_) return kNever;
  return cycle + 1 + static_cast<Cycle>(placement.first_beyond - beats_);
}

}  // namespace corank::cycle_model
