#include "sim/platform/fixed_latency_memory.h"

#include <algorithm>
#include <string>
#include <tuple>

namespace corank {

FixedLatencyMemory::FixedLatencyMemory(const sc_core::sc_module_name& name,
                                       const MemoryConfig& config, int sockets)
    : sc_module(name),
      size_(static_cast<std::uint64_t>(config.size_mib) << 20),
      latency_(from_ns(config.latency_ns)),
      bandwidth_(config.bandwidth_gb_per_s) {
  for (int i = 0; i < sockets; ++i) {
    auto port = std::make_unique<Port>();
    port->socket = std::make_unique<tlm_utils::simple_target_socket_tagged<FixedLatencyMemory>>(
        ("socket" + std::to_string(i)).c_str());
    port->socket->register_nb_transport_fw(this, &FixedLatencyMemory::forward, i);
    ports_.push_back(std::move(port));
  }
  SC_HAS_PROCESS(FixedLatencyMemory);
  SC_METHOD(serve);
  dont_initialize();
  sensitive << requested_;
  SC_METHOD(respond);
  dont_initialize();
  sensitive << answered_;
}

tlm::tlm_sync_enum FixedLatencyMemory::forward(int port, tlm::tlm_generic_payload& transaction,
                                               tlm::tlm_phase& phase, sc_core::sc_time& delay) {
  if (phase == tlm::END_RESP) {
    ports_[static_cast<std::size_t>(port)]->response_open = false;
    answered_.notify(sc_core::SC_ZERO_TIME);
    return tlm::TLM_COMPLETED;
  }
  transaction.acquire();
  const Request request{now() + delay.value(), port, &transaction};
  const auto later = [](const Request& a, const Request& b) {
    return std::tie(a.arrival, a.port) < std::tie(b.arrival, b.port);
  };
  requests_.insert(std::upper_bound(requests_.begin(), requests_.end(), request, later), request);
  // One femtosecond later every request of this instant is here, in whatever order the kernel ran
  // their senders.
  requested_.notify(to_sc_time(requests_.front().arrival + 1 - now()));
  phase = tlm::END_REQ;
  return tlm::TLM_UPDATED;
}

void FixedLatencyMemory::serve() {
  while (!requests_.empty() && requests_.front().arrival < now()) {
    const Request request = requests_.front();
    requests_.pop_front();
    serve_one(request);
  }
  if (!requests_.empty()) {
    requested_.notify(to_sc_time(requests_.front().arrival + 1 - now()));
  }
}

void FixedLatencyMemory::serve_one(const Request& request) {
  tlm::tlm_generic_payload& transaction = *request.transaction;
  Port& port = *ports_[static_cast<std::size_t>(request.port)];
  const std::uint64_t address = transaction.get_address();
  const std::uint64_t size = transaction.get_data_length();
  const Femtoseconds ready = std::max(request.arrival + latency_, bus_free_);
  // A request of nothing, or an infinite bandwidth, still ends after this moment.
  Femtoseconds end = std::max(ready, now() + 1);
  if (address > size_ || size > size_ - address) {
    transaction.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
  } else {
    const auto bytes = static_cast<std::int64_t>(size);
    const Femtoseconds duration = transfer_time(bytes, bandwidth_);
    end = std::max(ready + duration, end);
    bus_free_ = end;
    busy_ += duration;
    if (transaction.is_read()) {
      store_.read(address, transaction.get_data_ptr(), size);
      ++port.statistics.reads;
      port.statistics.read_bytes += bytes;
    } else {
      // Enables that are shorter than the data repeat (TLM-2.0, 14.10): one disabled byte writes
      // nothing.
      const unsigned char* enables = transaction.get_byte_enable_ptr();
      const bool nothing = enables != nullptr && transaction.get_byte_enable_length() == 1 &&
                           enables[0] == TLM_BYTE_DISABLED;
      if (!nothing) store_.write(address, transaction.get_data_ptr(), enables, size);
      ++port.statistics.writes;
      port.statistics.written_bytes += bytes;
    }
    transaction.set_response_status(tlm::TLM_OK_RESPONSE);
  }
  port.answers.push_back({end, &transaction});
  answered_.notify(to_sc_time(end - now()));
}

void FixedLatencyMemory::respond() {
  for (const std::unique_ptr<Port>& port : ports_) {
    while (!port->answers.empty() && port->answers.front().time <= now() && !port->response_open) {
      tlm::tlm_generic_payload& transaction = *port->answers.front().transaction;
      port->answers.pop_front();
      tlm::tlm_phase phase = tlm::BEGIN_RESP;
      sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
      port->response_open = true;
      if ((*port->socket)->nb_transport_bw(transaction, phase, delay) == tlm::TLM_COMPLETED) {
        port->response_open = false;
      }
      transaction.release();
    }
  }
  for (const std::unique_ptr<Port>& port : ports_) {
    if (port->answers.empty() || port->response_open) continue;
    answered_.notify(to_sc_time(port->answers.front().time - now()));
  }
}

}  // namespace corank
