#include "sim/platform/axi_memory_side.h"

#include <algorithm>
#include <cstring>

namespace corank {

namespace {

// xRESP (Arm IHI 0022, table A3-4).
constexpr std::uint8_t kOkay = 0;
constexpr std::uint8_t kSlaveError = 2;
constexpr std::uint8_t kDecodeError = 3;

std::uint8_t axi_response(tlm::tlm_response_status status) {
  if (status == tlm::TLM_OK_RESPONSE) return kOkay;
  return status == tlm::TLM_ADDRESS_ERROR_RESPONSE ? kDecodeError : kSlaveError;
}

std::int64_t& count(InjectionStatistics& injections, Channel channel) {
  return injections.held_cycles[static_cast<std::size_t>(channel)];
}

}  // namespace

// The earliest answer (the oldest burst of equal ones) that no older burst of the same ID stands in
// front of.
std::size_t AxiMemorySide::next_answer(const std::vector<Burst>& bursts, Femtoseconds edge) {
  std::size_t best = kNone;
  for (std::size_t i = 0; i < bursts.size(); ++i) {
    const Burst& burst = bursts[i];
    if (!burst.answered || burst.when >= edge) continue;
    const auto same_id = [&](const Burst& older) { return older.id == burst.id; };
    const auto end = bursts.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::any_of(bursts.begin(), end, same_id)) continue;
    if (best == kNone || burst.when < bursts[best].when) best = i;
  }
  return best;
}

// For the channels on which the platform drives valid, when it has something to offer.
bool AxiMemorySide::held(Channel channel, std::int64_t cycle) {
  if (!stalls_.held(channel, cycle)) return false;
  ++count(injections_, channel);
  return true;
}

void AxiMemorySide::drive(MachinePins& pins, std::int64_t cycle, Femtoseconds edge) {
  const bool stalling = stalls_.active();
  held_ar_ = stalling && stalls_.held(Channel::ar, cycle) && reads_.size() < kInFlight;
  held_aw_ = stalling && stalls_.held(Channel::aw, cycle) && writes_.size() < kInFlight;
  held_w_ = stalling && stalls_.held(Channel::w, cycle) && filled_ < writes_.size();
  pins.m_axi_arready = reads_.size() < kInFlight && !held_ar_;
  pins.m_axi_awready = writes_.size() < kInFlight && !held_aw_;
  pins.m_axi_wready = filled_ < writes_.size() && !held_w_;

  if (read_at_hand_ == kNone && !reads_.empty()) {
    read_at_hand_ = next_answer(reads_, edge);
    read_beats_ = 0;
  }
  if (!read_offered_) {
    read_offered_ = read_at_hand_ != kNone && !held(Channel::r, cycle);
    if (read_offered_) {
      const Burst& burst = reads_[read_at_hand_];
      pins.m_axi_rid = burst.id;
      pins.m_axi_rresp = burst.response;
      pins.m_axi_rdata = burst.transaction->bytes.data() + read_beats_ * beat_bytes_;
      pins.m_axi_rlast = (read_beats_ + 1) * beat_bytes_ == burst.transaction->bytes.size();
    }
    pins.m_axi_rvalid = read_offered_;
  }

  if (response_at_hand_ == kNone) {
    const std::size_t next = writes_.empty() ? kNone : next_answer(writes_, edge);
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
      finish(reads_, read_at_hand_);
      read_at_hand_ = kNone;
    }
  }
  if (pins.m_axi_arvalid && pins.m_axi_arready) {
    const std::int64_t number = ++statistics_.read.bursts;
    const std::size_t beats = pins.m_axi_arlen + std::size_t{1};
    Burst burst;
    burst.id = pins.m_axi_arid;
    burst.fails = number == faults_.read_error;
    burst.transaction =
        &pool_.allocate(tlm::TLM_READ_COMMAND, pins.m_axi_araddr, beats * beat_bytes_);
    reads_.push_back(burst);
    if (number == faults_.silent_read) {
      ++injections_.silent_reads;  // the memory never hears of it
    } else {
      port_.send(*burst.transaction);
    }
  }
}

void AxiMemorySide::sample_writes(const MachinePins& pins) {
  if (response_at_hand_ != kNone && pins.m_axi_bready) {
    finish(writes_, response_at_hand_);
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
    const std::size_t beats = pins.m_axi_awlen + std::size_t{1};
    Burst burst;
    burst.id = pins.m_axi_awid;
    burst.fails = number == faults_.write_error;
    burst.transaction =
        &pool_.allocate(tlm::TLM_WRITE_COMMAND, pins.m_axi_awaddr, beats * beat_bytes_);
    writes_.push_back(burst);
  }
}

void AxiMemorySide::complete(Transaction& transaction, Femtoseconds when) {
  std::vector<Burst>& bursts = transaction.is_read() ? reads_ : writes_;
  const auto burst = std::find_if(bursts.begin(), bursts.end(), [&](const Burst& candidate) {
    return candidate.transaction == &transaction;
  });
  burst->answered = true;
  burst->when = when;
  burst->response = axi_response(transaction.get_response_status());
  if (burst->fails) {
    burst->response = kSlaveError;
    ++(transaction.is_read() ? injections_.read_errors : injections_.write_errors);
  }
  if (burst->response != kOkay && transaction.is_read()) {
    std::fill(transaction.bytes.begin(), transaction.bytes.end(), std::uint8_t{0});
  }
}

void AxiMemorySide::finish(std::vector<Burst>& bursts, std::size_t index) {
  bursts[index].transaction->release();
  bursts.erase(bursts.begin() + static_cast<std::ptrdiff_t>(index));
}

}  // namespace corank
