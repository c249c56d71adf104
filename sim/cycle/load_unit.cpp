#include "sim/cycle/load_unit.h"

#include <algorithm>

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
      in_flight_(kMostInFlight),
      decoder_(beat_bytes, local.scratchpad.lanes(), local.scratchpad.lines()) {
  ar_.id = kLoadId;
}

void LoadUnit::reset() {
  rows_.clear();
  bursts_.clear();
  placements_.reset();
  beats_ = burst_beats_ = counted_beats_ = late_bytes_ = 0;
  ar_.valid = false;
  in_flight_.reset();
  decoder_.clear();
  decoder_.look(nullptr);
  cut_packed_ = false;
  packed_waiting_ = packed_held_ = 0;
  packed_data_.clear();
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
  decoder_.look(decoded_block());
}

// The decoder works on the oldest command, if that is one of packed weights.
const PackedBlock* LoadUnit::decoded_block() const {
  if (placements_.empty() || placements_.front().target != kToDecoder) return nullptr;
  return &placements_.front().packed;
}

// A plain load does not overtake packed weights.
bool LoadUnit::ready(const QueuedCommand& command) const {
  const bool packed = command.opcode() == interface::LoadQuantizedCommand::kOpcode;
  return !bursts_.busy() && !rows_.busy() && placements_.size() < kWaiting && !halted_ &&
         (packed ? packed_waiting_ < kPackedWaiting : !(cut_packed_ && !placements_.empty()));
}

DmaLimits LoadUnit::limits_of_cut(const DmaLimits& limits) const {
  DmaLimits most = limits;
  if (cut_packed_)
    most.burst_beats =
        std::min(most.burst_beats, static_cast<std::uint32_t>(interface::kDecoderBurstBeats));
  return most;
}

bool LoadUnit::cut_has_room() const {
  return !cut_packed_ || packed_held_ <= interface::kDecoderBeats - interface::kDecoderBurstBeats;
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
  if (beat_.valid || decoder_.taken()) return Activity::kBusy;
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
  const Cut cut = halted_ ? Cut{}
                          : bursts_.look((!ar_.valid || ar_ready) && cut_has_room(),
                                         in_flight_.size(), limits_of_cut(limits));

  // A beat goes to its place; the last one of a command ends it.
  const bool good = beat_.valid && beat_.response == 0 && !halted_;
  const bool read_error = beat_.valid && beat_.response != 0 && !halted_;
  const bool packed = beat_.valid && in_flight_.front().packed;
  bool command_ends = false;
  UnitFault fault;
  if (read_error) {
    fault = {Fault::kReadError, in_flight_.front().address};
  } else if (cut.beyond_memory) {
    fault = {Fault::kMemoryRange, cut.address};
  } else if (rows_.bad() && generator_free && !halted_) {
    fault = {Fault::kIndexRange, rows_.bad_index()};
  }
  fault_index_ = read_error ? in_flight_.front().index : cut_index_;
  beyond_ = false;
  if (beat_.valid) ++counters[Counter::kLoadBeats];
  if (good) ++burst_beats_;
  if (good && !packed) {
    Placement& placement = placements_.front();
    if (beats_ == placement.first_beyond) {
      beyond_ = true;
      beyond_line_ = placement.block.beat(beats_, beat_bytes_, local_.scratchpad.lanes()).line;
    }
    ++beats_;
    command_ends = beats_ == placement.beats;
  }
  // The decoder: what it writes in this cycle, and what it is done with in the next one.
  counters[Counter::kDecodedElements] += decoder_.written();
  counters[Counter::kScratchpadWriteBytes] += std::uint64_t{decoder_.written()} * 2;
  if (decoder_.leaves()) --packed_held_;
  const bool decoder_ends = decoder_.done() && !halted_;
  changed = changed || packed || decoder_.busy();
  decoder_.step(good && packed);

  if (beat_.valid && beat_.last) {
    if (good) place_burst(burst_beats_);
    burst_beats_ = 0;
    in_flight_.pop();
    changed = true;
  }
  completion_ = writing_;
  writing_.valid = command_ends || decoder_ends;
  if (decoder_ends) {
    writing_.index = placements_.front().index;
    writing_.signal_tokens = placements_.front().signal_tokens;
    finish_packed();
  } else if (command_ends) {
    const Placement& placement = placements_.front();
    writing_.index = placement.index;
    writing_.signal_tokens = placement.signal_tokens;
    count_bytes(placement, beats_ - 1, counters);
    late_bytes_ = placement.block.bytes_of_first(beats_, beat_bytes_) -
                  placement.block.bytes_of_first(beats_ - 1, beat_bytes_);
    late_target_ = placement.target;
    if (!placement.to_local()) late_bytes_ = 0;
  }
  wrote_ = good && !packed;

  if (cut.now) {
    bursts_.take_burst(cut.beats);
    in_flight_.push({cut.address, cut_index_, cut_packed_});
    if (cut_packed_) packed_held_ += cut.beats;
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
    decoder_.clear();
    packed_held_ = packed_waiting_ = 0;
    packed_data_.clear();
  } else {
    changed |= rows_.step(generator_free, bursts_);
  }
  if (command_ends || decoder_ends || halted_) {
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

// The command's data have come, and its lines are written by the next cycle.
void LoadUnit::finish_packed() {
  const PackedBlock& block = placements_.front().packed;
  --packed_waiting_;
  if (!values_) return;
  block.to_local(local_.scratchpad, packed_data_.data(), tables_);
  const std::uint64_t bytes = block.panels() * block.panel_bytes();
  packed_data_.erase(packed_data_.begin(),
                     packed_data_.begin() + static_cast<std::ptrdiff_t>(bytes));
}

void LoadUnit::take_packed(const interface::LoadQuantizedCommand& command, Placement& placement) {
  placement.target = kToDecoder;
  placement.packed.command = command;
  placements_.push(placement);
  ++packed_waiting_;
  bursts_.take_block(std::uint64_t{command.address_hi} << 32 | command.address_lo,
                     placement.packed.panel_bytes(), placement.packed.panels(),
                     command.panel_stride);
}

void LoadUnit::take(const QueuedCommand& command) {
  if (command.opcode() == interface::LoadQuantizedCommand::kOpcode) {
    Placement placement;
    placement.index = cut_index_ = command.index;
    placement.signal_tokens = command.signal_tokens();
    cut_packed_ = true;
    return take_packed(interface::decode_load_quantized(command.words), placement);
  }
  cut_packed_ = false;
  // A gather has the fields of a load, and more.
  const interface::GatherCommand load = interface::decode_gather(command.words);
  const bool gather = command.opcode() == interface::GatherCommand::kOpcode;
  Placement placement;
  placement.index = cut_index_ = command.index;
  placement.signal_tokens = command.signal_tokens();
  placement.target = load.target;
  if (command.opcode() == interface::LoadScalesCommand::kOpcode) {
    const auto scales = interface::decode_load_scales(command.words);
    placement.target = scales.to_map != 0 ? kToMap : kToNested;
  }
  placement.block = {gather,    placement.target == interface::kTargetAccumulator,
                     load.rows, load.columns,
                     load.line, load.line_stride};
  if (!placement.to_local()) placement.block.columns = 1;  // one panel
  placement.beats = placement.block.beats(beat_bytes_);
  placement.first_beyond = placement.beats;
  if (placement.to_local()) {
    const std::uint32_t lines = placement.target == interface::kTargetAccumulator
                                    ? local_.accumulator.lines()
                                    : local_.scratchpad.lines();
    placement.first_beyond =
        placement.block.first_beyond(lines, beat_bytes_, local_.scratchpad.lanes());
  }
  placements_.push(placement);
  if (gather) return rows_.take(load, placement.block.panels());
  bursts_.take_block(std::uint64_t{load.address_hi} << 32 | load.address_lo,
                     std::uint64_t{load.rows} * kPanelRowBytes, placement.block.panels(),
                     load.panel_stride);
}

// The data of the burst whose last beat is here: the last `beats` of the beats that have come.
void LoadUnit::place_burst(std::uint64_t beats) {
  const Placement& placement = placements_.front();
  const std::uint8_t* data = beat_.transaction->bytes.data();
  if (in_flight_.front().packed) {
    if (values_) packed_data_.insert(packed_data_.end(), data, data + beats * beat_bytes_);
    return;
  }
  const std::uint64_t first = beats_ - beats;
  // Those of instructions and indices lie one after the other, whatever the rows.
  if (placement.target == interface::kTargetProgram) {
    program_.write(placement.block.line + first * beat_bytes_ / sizeof(std::uint64_t), data, beats,
                   beat_bytes_);
  } else if (placement.target == interface::kTargetIndices) {
    indices_.write(placement.block.line + first * beat_bytes_ / sizeof(std::uint32_t), data, beats,
                   beat_bytes_);
  } else if (placement.target == kToMap || placement.target == kToNested) {
    tables_.write(placement.target == kToMap,
                  placement.block.line + first * beat_bytes_ / sizeof(std::uint32_t), data,
                  beats * beat_bytes_ / sizeof(std::uint32_t));
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
