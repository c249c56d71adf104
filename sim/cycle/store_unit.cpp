#include "sim/cycle/store_unit.h"

#include <algorithm>

namespace corank::cycle_model {

namespace {

using interface::Activity;
using interface::Counter;
using interface::Fault;

}  // namespace

StoreUnit::StoreUnit(int beat_bytes, bool values, LocalMemories& local, const IndexMemory& indices)
    : beat_bytes_(static_cast<std::uint64_t>(beat_bytes)),
      values_(values),
      local_(local),
      rows_(indices),
      bursts_(beat_bytes),
      in_flight_(kMostInFlight) {
  aw_.id = kStoreId;
}

void StoreUnit::reset() {
  rows_.clear();
  bursts_.clear();
  placements_.clear();
  held_.reset();
  aw_.valid = false;
  in_flight_.reset();
  sending_.clear();
  read_beats_ = counted_beats_ = sent_ = sent_without_ = 0;
  reading_ = {};
  beyond_ = false;
  ready_beats_ = 0;
  completion_ = Completion{};
  faulted_ = false;
  fault_ = UnitFault{};
}

void StoreUnit::look(bool stop, const AxiPort& port) {
  stop_ = stop;
  halted_ = stop || faulted_;
  w_valid_ = !sending_.empty() && (ready_beats_ != 0 || halted_);
  w_take_ = w_valid_ && port.w_ready();
  read_ = !placements_.empty() && !halted_ &&
          ready_beats_ + std::count(reading_.begin(), reading_.end(), true) < kReadAhead;
  aw_ready_ = port.aw_ready();
  response_ = port.response_valid();
  response_okay_ = response_ && port.response() == 0;
}

Completion StoreUnit::completion() const {
  Completion completion = completion_;
  completion.valid = completion_.valid && !stop_;
  return completion;
}

bool StoreUnit::idle() const {
  return held_.empty() && !completion_.valid && !bursts_.busy() && !rows_.busy() &&
         in_flight_.empty() && ready_beats_ == 0;
}

Activity StoreUnit::activity() const {
  if (w_take_) return Activity::kBusy;
  if (aw_.valid || w_valid_ || (!in_flight_.empty() && sending_.empty())) {
    return Activity::kWaitMemory;
  }
  return idle() ? Activity::kIdle : Activity::kLatency;
}

std::uint32_t StoreUnit::current_index() const {
  if (completion_.valid) return completion_.index;
  return held_.front().index;
}

void StoreUnit::fill(Transaction& transaction) const {
  if (!values_) {  // one disabled byte stands for all of them (TLM-2.0, 14.10)
    transaction.enables.assign(1, TLM_BYTE_DISABLED);
    transaction.set_byte_enable_ptr(transaction.enables.data());
    transaction.set_byte_enable_length(1);
    return;
  }
  const Sending& burst = sending_.front();
  const std::uint64_t with_data = burst.beats - sent_without_ - (ready_beats_ == 0 ? 1 : 0);
  // Bytes without a strobe are not written.
  std::uint64_t written = 0;
  transaction.enables.assign(transaction.bytes.size(), 0);
  for (std::uint64_t beat = 0; beat < with_data; ++beat) {
    const std::uint64_t bytes =
        burst.block.beat(burst.first + beat, beat_bytes_, local_.scratchpad.lanes()).count *
        burst.block.element_bytes();
    std::fill_n(transaction.enables.begin() + static_cast<std::ptrdiff_t>(beat * beat_bytes_),
                bytes, std::uint8_t{0xff});
    written += bytes;
  }
  burst.block.from_local(local_, transaction.bytes.data(), burst.first, with_data, beat_bytes_);
  if (written == transaction.bytes.size()) return;
  transaction.set_byte_enable_ptr(transaction.enables.data());
  transaction.set_byte_enable_length(static_cast<unsigned>(transaction.enables.size()));
}

bool StoreUnit::step(const QueuedCommand* command, const DmaLimits& limits, Counters& counters) {
  bool changed = completion_.valid || fault_.valid();

  const bool generator_free = !bursts_.busy();
  const Cut cut =
      halted_ ? Cut{} : bursts_.look(!aw_.valid || aw_ready_, in_flight_.size(), limits);

  // The response.
  const bool done = response_okay_ && in_flight_.front().last && !halted_;
  UnitFault fault;
  if (response_ && !response_okay_ && !halted_) {
    fault = {Fault::kWriteError, in_flight_.front().address};
  } else if (cut.beyond_memory) {
    fault = {Fault::kMemoryRange, cut.address};
  } else if (rows_.bad() && generator_free && !halted_) {
    fault = {Fault::kIndexRange, rows_.bad_index()};
  }
  fault_index_ = fault.cause == Fault::kWriteError ? held_.front().index : cut_index_;
  completion_.valid = false;
  if (done) completion_ = held_.front();
  if (response_) {
    in_flight_.pop();
    changed = true;
  }
  if (!held_.empty() && (done || halted_)) {
    held_.pop();
    changed = true;
  }

  // W.
  const bool sending = !sending_.empty();
  const bool beat_leaves = ready_beats_ != 0 && (w_take_ || (halted_ && !sending));
  if (w_take_) {
    ++counters[Counter::kStoreBeats];
    if (ready_beats_ == 0) ++sent_without_;
    if (++sent_ == sending_.front().beats) {
      sending_.pop_front();
      sent_ = sent_without_ = 0;
      changed = true;
    }
  }

  // Local reads and the beats that they bring.
  const std::uint32_t before = ready_beats_;
  ready_beats_ += (reading_.back() && !halted_ ? 1u : 0u);
  ready_beats_ -= beat_leaves ? 1u : 0u;
  const auto reading_before = reading_;
  std::copy_backward(reading_.begin(), reading_.end() - 1, reading_.end());
  reading_.front() = read_;
  if (halted_) reading_.fill(false);
  const bool beyond = read_ && read_beats_ == placements_.front().first_beyond;
  if (beyond) note_beyond();
  changed = changed || before != ready_beats_ || reading_before != reading_ ||
            (halted_ && w_take_) || beyond || beyond_;
  beyond_ = beyond;
  if (read_) ++read_beats_;
  if (!placements_.empty() && (halted_ || (read_ && read_beats_ == placements_.front().beats))) {
    count_bytes(read_beats_, counters);
    placements_.pop_front();
    read_beats_ = counted_beats_ = 0;
    changed = true;
  }

  // AW.
  if (aw_.valid && aw_ready_) {
    ++counters[Counter::kStoreBursts];
    aw_.valid = false;
    changed = true;
  }
  if (cut.now) {
    announce(cut);
    changed = true;
  }
  if (halted_) {
    changed = changed || bursts_.busy() || rows_.busy();
    bursts_.clear();
    rows_.clear();
  } else {
    changed |= rows_.step(generator_free, bursts_);
  }
  fault_ = fault;
  faulted_ = faulted_ || fault.valid();
  changed = changed || fault.valid();

  if (command == nullptr) return changed;
  take(*command);
  return true;
}

void StoreUnit::note_beyond() {
  const Placement& placement = placements_.front();
  read_index_ = placement.index;
  beyond_line_ = placement.block.beat(read_beats_, beat_bytes_, local_.scratchpad.lanes()).line;
}

void StoreUnit::announce(const Cut& cut) {
  in_flight_.push({cut.address, bursts_.ends_block(cut.beats) && !rows_.busy()});
  sending_.push_back({cutting_, cut_beats_, cut.beats});
  cut_beats_ += cut.beats;
  bursts_.take_burst(cut.beats);
  aw_.valid = true;
  aw_.address = cut.address;
  aw_.beats = cut.beats;
}

void StoreUnit::take(const QueuedCommand& command) {
  // A scatter has the fields of a store, and more; they are those of a gather.
  const interface::GatherCommand store = interface::decode_gather(command.words);
  const bool scatter = command.opcode() == interface::ScatterCommand::kOpcode;
  Placement placement;
  placement.index = cut_index_ = command.index;
  placement.block = {scatter,    store.target == interface::kTargetAccumulator,
                     store.rows, store.columns,
                     store.line, store.line_stride};
  placement.beats = placement.block.beats(beat_bytes_);
  placement.first_beyond = placement.block.first_beyond(
      store.target == interface::kTargetAccumulator ? local_.accumulator.lines()
                                                    : local_.scratchpad.lines(),
      beat_bytes_, local_.scratchpad.lanes());
  placements_.push_back(placement);
  held_.push({true, command.index, command.signal_tokens()});
  cutting_ = placement.block;
  cut_beats_ = 0;
  if (scatter) return rows_.take(store, placement.block.panels());
  bursts_.take_block(std::uint64_t{store.address_hi} << 32 | store.address_lo,
                     std::uint64_t{store.rows} * kPanelRowBytes, placement.block.panels(),
                     store.panel_stride);
}

void StoreUnit::count_bytes(std::uint64_t beats, Counters& counters) {
  const Block& block = placements_.front().block;
  counters[block.wide ? Counter::kAccumulatorReadBytes : Counter::kScratchpadReadBytes] +=
      block.bytes_of_first(beats, beat_bytes_) - block.bytes_of_first(counted_beats_, beat_bytes_);
  counted_beats_ = beats;
}

void StoreUnit::synchronise(Counters& counters) {
  if (!placements_.empty()) count_bytes(read_beats_, counters);
}

void StoreUnit::skip(Cycle cycles, Counters& counters) {
  const auto beats = static_cast<std::uint64_t>(cycles);
  if (read_) read_beats_ += beats;
  if (w_take_) {
    sent_ += beats;
    counters[Counter::kStoreBeats] += beats;
  }
}

Cycle StoreUnit::next(Cycle cycle) const {
  Cycle next = kNever;
  if (read_ && !placements_.empty()) {
    const Placement& placement = placements_.front();
    next = cycle + static_cast<Cycle>(placement.beats - read_beats_);
    // The read of beat `first_beyond` comes when so many have been read.
    if (placement.first_beyond >= read_beats_) {
      next = std::min(next, cycle + 1 + static_cast<Cycle>(placement.first_beyond - read_beats_));
    }
  }
  if (w_take_ && !sending_.empty()) {
    next = std::min(next, cycle + static_cast<Cycle>(sending_.front().beats - sent_));
  }
  return next;
}

}  // namespace corank::cycle_model
