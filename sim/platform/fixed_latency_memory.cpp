#include "sim/platform/fixed_latency_memory.h"

#include <algorithm>

namespace corank {

FixedLatencyMemory::FixedLatencyMemory(const sc_core::sc_module_name& name,
                                       const MemoryConfig& config, int sockets)
    : MemoryModule(name, sockets),
      size_(size_bytes(config)),
      latency_(from_ns(config.latency_ns)),
      bandwidth_(config.bandwidth_gb_per_s) {}

void FixedLatencyMemory::serve_one(const Request& request) {
  tlm::tlm_generic_payload& transaction = *request.transaction;
  const std::uint64_t address = transaction.get_address();
  const std::uint64_t size = transaction.get_data_length();
  const Femtoseconds ready = std::max(request.arrival + latency_, bus_free_);
  // A request of nothing, or an infinite bandwidth, still ends after this moment.
  Femtoseconds end = std::max(ready, now() + 1);
  if (address > size_ || size > size_ - address) {
    transaction.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
  } else {
    const Femtoseconds duration = transfer_time(static_cast<std::int64_t>(size), bandwidth_);
    end = std::max(ready + duration, end);
    bus_free_ = end;
    busy_ += duration;
    move_data(request);
    transaction.set_response_status(tlm::TLM_OK_RESPONSE);
  }
  answer(request, end);
}

}  // namespace corank
