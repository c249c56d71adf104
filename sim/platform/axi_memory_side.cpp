#include "sim/platform/axi_memory_side.h"

#include <cstring>

namespace corank {

namespace {

std::int64_t& count(InjectionStatistics& injections, Channel channel) {
  return injections.held_cycles[static_cast<std::size_t>(channel)];
}

}  // namespace

// For the channels on which the platform drives valid, when it has something to offer.
bool AxiMemorySide::held(Channel channel, std::int64_t cycle) {
  if (!stalls_.held(channel, cycle)) return false;
  ++count(injections_, channel);
  return true;
}

void AxiMemorySide::drive(MachinePins& pins, std::int64_t cycle, Femtoseconds edge) {
  const bool stalling = stalls_.active();
  held_ar_ = stalling && stalls_.held(Channel::ar, cycle) && reads_.size() < AxiBursts::kMost;
  held_aw_ = stalling && stalls_.held(Channel::aw, cycle) && writes_.size() < AxiBursts::kMost;
  held_w_ = stalling && stalls_.held(Channel::w, cycle) && filled_ < writes_.size();
  pins.m_axi_arready = reads_.size() < AxiBursts::kMost && !held_ar_;
  pins.m_axi_awready = writes_.size() < AxiBursts::kMost && !held_aw_;
  pins.m_axi_wready = filled_ < writes_.size() && !held_w_;

  if (read_at_hand_ == kNone && !reads_.empty()) {
    read_at_hand_ = reads_.next_answer(edge);
    read_beats_ = 0;
  }
  if (!read_offered_) {
    read_offered_ = read_at_hand_ != kNone && !held(Channel::r, cycle);
    if (read_offered_) {
      const AxiBurst& burst = reads_[read_at_hand_];
      pins.m_axi_rid = burst.id;
      pins.m_axi_rresp = burst.response;
      pins.m_axi_rdata = burst.transaction->bytes.data() + read_beats_ * beat_bytes_;
      pins.m_axi_rlast = read_beats_ + 1 == burst.beats;
    }
    pins.m_axi_rvalid = read_offered_;
  }

  if (response_at_hand_ == kNone) {
    const std::size_t next = writes_.empty() ? kNone : writes_.next_answer(edge);
    if (next != kNone && !held(Channel::b, cycle)) {
      response_at_hand_ = next;
      pins.m_axi_bid = writes_[next].id;
      pins.m_axi_bresp = writes_[next].response;
    }
    pins.m_axi_bvalid = response_at_hand_ != kNone;
  }
}

void AxiMemorySide::sample(const MachinePins& pins) {
  if (held_ar_ && pins.m_axi_arvalid) ++count(injections_, Channel::ar);
  if (held_aw_ && pins.m_axi_awvalid) ++count(injections_, Channel::aw);
  if (held_w_ && pins.m_axi_wvalid) ++count(injections_, Channel::w);
  sample_reads(pins);
  sample_writes(pins);
}

void AxiMemorySide::sample_reads(const MachinePins& pins) {
  if (read_offered_ && pins.m_axi_rready) {
    read_offered_ = false;
    ++read_beats_;
    ++statistics_.read.beats;
    statistics_.read.bytes += static_cast<std::int64_t>(beat_bytes_);
    if (pins.m_axi_rlast) {
      reads_.finish(read_at_hand_);
      read_at_hand_ = kNone;
    }
  }
  if (pins.m_axi_arvalid && pins.m_axi_arready) {
    const std::int64_t number = ++statistics_.read.bursts;
    AxiBurst burst;
    burst.beats = pins.m_axi_arlen + std::uint64_t{1};
    burst.id = pins.m_axi_arid;
    burst.fails = number == faults_.read_error;
    burst.transaction =
        &pool_.allocate(tlm::TLM_READ_COMMAND, pins.m_axi_araddr, burst.beats * beat_bytes_);
    reads_.push(burst);
    if (number == faults_.silent_read) {
      ++injections_.silent_reads;  // the memory never hears of it
    } else {
      port_.send(*burst.transaction);
    }
  }
}

void AxiMemorySide::sample_writes(const MachinePins& pins) {
  if (response_at_hand_ != kNone && pins.m_axi_bready) {
    writes_.finish(response_at_hand_);
    --filled_;
    response_at_hand_ = kNone;
  }
  if (pins.m_axi_wvalid && pins.m_axi_wready) {
    Transaction& transaction = *writes_[filled_].transaction;
    const std::size_t at = fill_beats_ * beat_bytes_;
    std::memcpy(transaction.bytes.data() + at, pins.m_axi_wdata, beat_bytes_);
    if (fill_beats_ == 0) {
      transaction.enables.assign(transaction.bytes.size(), 0xff);
      fill_partly_ = false;
    }
    const std::uint64_t all = ~std::uint64_t{0} >> (64 - beat_bytes_);
    for (std::size_t i = 0; pins.m_axi_wstrb != all && i < beat_bytes_; ++i) {
      if ((pins.m_axi_wstrb >> i & 1) == 0) {
        transaction.enables[at + i] = 0;
        fill_partly_ = true;
      }
    }
    ++fill_beats_;
    ++statistics_.write.beats;
    statistics_.write.bytes += static_cast<std::int64_t>(beat_bytes_);
    if (pins.m_axi_wlast) {
      if (fill_partly_) {
        transaction.set_byte_enable_ptr(transaction.enables.data());
        transaction.set_byte_enable_length(static_cast<unsigned>(transaction.enables.size()));
      }
      fill_beats_ = 0;
      ++filled_;
      port_.send(transaction);
    }
  }
  if (pins.m_axi_awvalid && pins.m_axi_awready) {
    const std::int64_t number = ++statistics_.write.bursts;
    AxiBurst burst;
    burst.beats = pins.m_axi_awlen + std::uint64_t{1};
    burst.id = pins.m_axi_awid;
    burst.fails = number == faults_.write_error;
    burst.transaction =
        &pool_.allocate(tlm::TLM_WRITE_COMMAND, pins.m_axi_awaddr, burst.beats * beat_bytes_);
    writes_.push(burst);
  }
}

void AxiMemorySide::complete(Transaction& transaction, Femtoseconds when) {
  if (transaction.is_read()) {
    reads_.answer(transaction, when, injections_.read_errors);
  } else {
    writes_.answer(transaction, when, injections_.write_errors);
  }
}

}  // namespace corank
