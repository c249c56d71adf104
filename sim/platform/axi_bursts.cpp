#include "sim/platform/axi_bursts.h"

#include <algorithm>

namespace corank {

namespace {

// xRESP (Arm IHI 0022, table A3-4).
constexpr std::uint8_t kOkay = 0, kSlaveError = 2, kDecodeError = 3;

std::uint8_t axi_response(tlm::tlm_response_status status) {
  if (status == tlm::TLM_OK_RESPONSE) return kOkay;
  return status == tlm::TLM_ADDRESS_ERROR_RESPONSE ? kDecodeError : kSlaveError;
}

}  // namespace

std::size_t AxiBursts::next_answer(Femtoseconds edge) const {
  std::size_t best = kNone;
  unsigned blocked = 0;  // IDs with an older burst
  for (std::size_t i = 0; i < bursts_.size(); ++i) {
    const AxiBurst& burst = bursts_[i];
    const unsigned id = 1u << burst.id;
    const bool first = (blocked & id) == 0;
    blocked |= id;
    if (!first || !burst.answered || burst.when >= edge) continue;
    if (best == kNone || burst.when < bursts_[best].when) best = i;
  }
  return best;
}

void AxiBursts::answer(Transaction& transaction, Femtoseconds when, std::int64_t& injected) {
  const auto burst = std::find_if(bursts_.begin(), bursts_.end(), [&](const AxiBurst& candidate) {
    return candidate.transaction == &transaction;
  });
  burst->answered = true;
  burst->when = when;
  burst->response = axi_response(transaction.get_response_status());
  if (burst->fails) {
    burst->response = kSlaveError;
    ++injected;
  }
  if (burst->response != kOkay && transaction.is_read()) {
    std::fill(transaction.bytes.begin(), transaction.bytes.end(), std::uint8_t{0});
  }
}

void AxiBursts::finish(std::size_t index) {
  bursts_[index].transaction->release();
  bursts_.erase(bursts_.begin() + static_cast<std::ptrdiff_t>(index));
}

}  // namespace corank
