#include "sim/cycle/axi_port.h"

namespace corank::cycle_model {

AxiPort::AxiPort(TransactionSink& memory, int beat_bytes, const StallConfig& stalls,
                 const FaultConfig& faults)
    : memory_(memory), beat_bytes_(beat_bytes), stalls_(stalls), faults_(faults) {}

void AxiPort::look(Cycle cycle, Femtoseconds edge) {
  const bool read_room = reads_.size() < AxiBursts::kMost,
             write_room = writes_.size() < AxiBursts::kMost;
  const bool data_due = filled_ < writes_.size();
  ar_held_ = read_room && held(Channel::ar, cycle);
  aw_held_ = write_room && held(Channel::aw, cycle);
  w_held_ = data_due && held(Channel::w, cycle);
  ar_ready_ = read_room && !ar_held_;
  aw_ready_ = write_room && !aw_held_;
  w_ready_ = data_due && !w_held_;

  fresh_ = false;
  if (read_at_hand_ == kNone && !reads_.empty()) {
    read_at_hand_ = reads_.next_answer(edge);
    read_beats_ = 0;
    fresh_ = read_at_hand_ != kNone;
  }
  beat_.valid = read_at_hand_ != kNone;
  if (beat_.valid && held(Channel::r, cycle)) {
    beat_.valid = false;
    count_held(Channel::r);
  }
  if (beat_.valid) {
    const AxiBurst& burst = reads_[read_at_hand_];
    beat_.last = read_beats_ + 1 == burst.beats;
    beat_.id = burst.id;
    beat_.response = burst.response;
    beat_.transaction = burst.transaction;
  }

  response_ = writes_.empty() ? kNone : writes_.next_answer(edge);
  if (response_ != kNone && held(Channel::b, cycle)) {
    response_ = kNone;
    count_held(Channel::b);
  }
}

bool AxiPort::step(const AxiAddress& ar, const AxiAddress& aw, bool w_valid, bool w_last) {
  bool changed = fresh_;
  if (ar_held_ && ar.valid) count_held(Channel::ar);
  if (aw_held_ && aw.valid) count_held(Channel::aw);
  if (w_held_ && w_valid) count_held(Channel::w);

  if (beat_.valid) {
    ++read_beats_;
    ++statistics_.read.beats;
    if (beat_.last) {
      reads_.finish(read_at_hand_);
      read_at_hand_ = kNone;
      changed = true;
    }
  }
  if (ar.valid && ar_ready_) {
    request_read(ar);
    changed = true;
  }
  if (response_ != kNone) {
    writes_.finish(response_);
    --filled_;
    changed = true;
  }
  w_taken_ = w_valid && w_ready_;
  if (w_taken_) {
    ++statistics_.write.beats;
    if (w_last) {
      memory_.send(*writes_[filled_++].transaction);
      changed = true;
    }
  }
  if (aw.valid && aw_ready_) {
    AxiBurst burst;
    burst.id = aw.id;
    burst.beats = aw.beats;
    burst.fails = ++statistics_.write.bursts == faults_.write_error;
    burst.transaction = &pool_.allocate(tlm::TLM_WRITE_COMMAND, aw.address,
                                        aw.beats * static_cast<std::uint64_t>(beat_bytes_));
    writes_.push(burst);
    changed = true;
  }
  return changed;
}

void AxiPort::request_read(const AxiAddress& ar) {
  const std::int64_t number = ++statistics_.read.bursts;
  AxiBurst burst;
  burst.id = ar.id;
  burst.beats = ar.beats;
  burst.fails = number == faults_.read_error;
  burst.transaction = &pool_.allocate(tlm::TLM_READ_COMMAND, ar.address,
                                      ar.beats * static_cast<std::uint64_t>(beat_bytes_));
  reads_.push(burst);
  if (number == faults_.silent_read) {
    ++injections_.silent_reads;  // the memory never hears of it
  } else {
    memory_.send(*burst.transaction);
  }
}

void AxiPort::skip(Cycle cycles) {
  if (beat_.valid) {
    read_beats_ += static_cast<std::uint64_t>(cycles);
    statistics_.read.beats += cycles;
  }
  if (w_taken_) statistics_.write.beats += cycles;
}

Cycle AxiPort::next(Cycle cycle) const {
  if (read_at_hand_ == kNone) return kNever;
  return cycle + static_cast<Cycle>(reads_[read_at_hand_].beats - read_beats_);
}

bool AxiPort::complete(Transaction& transaction, Femtoseconds when) {
  if (transaction.is_read()) {
    reads_.answer(transaction, when, injections_.read_errors);
    return read_at_hand_ == kNone;
  }
  writes_.answer(transaction, when, injections_.write_errors);
  return true;
}

AxiStatistics AxiPort::statistics(Cycle cycles) const {
  AxiStatistics all = statistics_;
  if (read_at_hand_ != kNone && read_beats_ != 0) all.read.beats += cycles;
  if (w_taken_) all.write.beats += cycles;
  all.read.bytes = all.read.beats * beat_bytes_;
  all.write.bytes = all.write.beats * beat_bytes_;
  return all;
}

}  // namespace corank::cycle_model
