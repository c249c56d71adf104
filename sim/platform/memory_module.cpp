#include "sim/platform/memory_module.h"

#include <algorithm>
#include <string>
#include <tuple>

namespace corank {

MemoryModule::MemoryModule(const sc_core::sc_module_name& name, int sockets) : sc_module(name) {
  for (int i = 0; i < sockets; ++i) {
    auto port = std::make_unique<Port>();
    port->socket = std::make_unique<tlm_utils::simple_target_socket_tagged<MemoryModule>>(
        ("socket" + std::to_string(i)).c_str());
    port->socket->register_nb_transport_fw(this, &MemoryModule::forward, i);
    ports_.push_back(std::move(port));
  }
  SC_HAS_PROCESS(MemoryModule);
  SC_METHOD(serve);
  dont_initialize();
  sensitive << requested_;
  SC_METHOD(respond);
  dont_initialize();
  sensitive << answered_;
}

tlm::tlm_sync_enum MemoryModule::forward(int port, tlm::tlm_generic_payload& transaction,
                                         tlm::tlm_phase& phase, sc_core::sc_time& delay) {
  if (phase == tlm::END_RESP) {
    ports_[static_cast<std::size_t>(port)]->response_open = false;
    answered_.notify(sc_core::SC_ZERO_TIME);
    return tlm::TLM_COMPLETED;
  }
  transaction.acquire();
  ++open_;
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

void MemoryModule::serve() {
  while (!requests_.empty() && requests_.front().arrival < now()) {
    Request request = requests_.front();
    requests_.pop_front();
    request.number = next_number_++;
    serve_one(request);
  }
  if (!requests_.empty()) requested_.notify(to_sc_time(requests_.front().arrival + 1 - now()));
}

void MemoryModule::move_data(const Request& request) {
  const tlm::tlm_generic_payload& transaction = *request.transaction;
  MemoryPortStatistics& statistics = ports_[static_cast<std::size_t>(request.port)]->statistics;
  const std::uint64_t address = transaction.get_address();
  const std::uint64_t size = transaction.get_data_length();
  const auto bytes = static_cast<std::int64_t>(size);
  if (transaction.is_read()) {
    store_.read(address, transaction.get_data_ptr(), size);
    ++statistics.reads;
    statistics.read_bytes += bytes;
    return;
  }
  // Enables that are shorter than the data repeat (TLM-2.0, 14.10): one disabled byte writes
  // nothing.
  const unsigned char* enables = transaction.get_byte_enable_ptr();
  const bool nothing = enables != nullptr && transaction.get_byte_enable_length() == 1 &&
                       enables[0] == TLM_BYTE_DISABLED;
  if (!nothing) store_.write(address, transaction.get_data_ptr(), enables, size);
  ++statistics.writes;
  statistics.written_bytes += bytes;
}

void MemoryModule::answer(const Request& request, Femtoseconds time) {
  const Answer answer{time, request.number, request.transaction};
  std::deque<Answer>& answers = ports_[static_cast<std::size_t>(request.port)]->answers;
  const auto later = [](const Answer& a, const Answer& b) {
    return std::tie(a.time, a.number) < std::tie(b.time, b.number);
  };
  answers.insert(std::upper_bound(answers.begin(), answers.end(), answer, later), answer);
  answered_.notify(to_sc_time(time - now()));
}

void MemoryModule::respond() {
  for (const std::unique_ptr<Port>& port : ports_) {
    while (!port->answers.empty() && port->answers.front().time <= now() && !port->response_open) {
      tlm::tlm_generic_payload& transaction = *port->answers.front().transaction;
      port->answers.pop_front();
      --open_;
      ++answers_;
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
