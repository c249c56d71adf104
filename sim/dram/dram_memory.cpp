#include "sim/dram/dram_memory.h"

#include <algorithm>
#include <string>
#include <tuple>

namespace corank {

DramMemory::DramMemory(const sc_core::sc_module_name& name, const DramConfig& config, int sockets)
    : sc_module(name),
      period_(from_ns(config.device.timing.tCK_ns)),
      clock_ns_(config.device.timing.tCK_ns),
      access_bytes_(static_cast<std::uint64_t>(config.device.organisation.access_bytes)),
      map_(config.address_map, config.device.organisation, config.channels) {
  for (int i = 0; i < config.channels; ++i)
    channels_.emplace_back(config.device, config.controller);
  lookahead_ = channels_.front().lookahead();
  for (int i = 0; i < sockets; ++i) {
    auto port = std::make_unique<Port>();
    port->socket = std::make_unique<tlm_utils::simple_target_socket_tagged<DramMemory>>(
        ("socket" + std::to_string(i)).c_str());
    port->socket->register_nb_transport_fw(this, &DramMemory::forward, i);
    ports_.push_back(std::move(port));
  }
  SC_HAS_PROCESS(DramMemory);
  SC_METHOD(serve);
  dont_initialize();
  sensitive << requested_;
  SC_METHOD(advance);
  dont_initialize();
  sensitive << advanced_;
  SC_METHOD(respond);
  dont_initialize();
  sensitive << answered_;
}

tlm::tlm_sync_enum DramMemory::forward(int port, tlm::tlm_generic_payload& transaction,
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

void DramMemory::serve() {
  while (!requests_.empty() && requests_.front().arrival < now()) {
    const Request request = requests_.front();
    requests_.pop_front();
    serve_one(request);
  }
  if (!requests_.empty()) requested_.notify(to_sc_time(requests_.front().arrival + 1 - now()));
}

void DramMemory::serve_one(const Request& request) {
  tlm::tlm_generic_payload& transaction = *request.transaction;
  const std::uint64_t address = transaction.get_address();
  const std::uint64_t size = transaction.get_data_length();
  const DramClock edge = clock_of(request.arrival) + 1;
  Burst burst{request.port, &transaction, next_number_++, 0, edge + lookahead_};
  const bool outside = address > map_.bytes() || size > map_.bytes() - address;
  if (outside || size == 0) {
    transaction.set_response_status(outside ? tlm::TLM_ADDRESS_ERROR_RESPONSE
                                            : tlm::TLM_OK_RESPONSE);
    answer(burst);
    return;
  }
  move_data(transaction, ports_[static_cast<std::size_t>(request.port)]->statistics);
  transaction.set_response_status(tlm::TLM_OK_RESPONSE);

  const std::uint64_t first = address / access_bytes_;
  const std::uint64_t last = (address + size - 1) / access_bytes_;
  burst.open = static_cast<std::int64_t>(last - first + 1);
  if (free_bursts_.empty()) {
    free_bursts_.push_back(bursts_.size());
    bursts_.emplace_back();
  }
  const std::size_t tag = free_bursts_.back();
  free_bursts_.pop_back();
  bursts_[tag] = burst;
  for (std::uint64_t access = first; access <= last; ++access) {
    const DramPlace place = map_.place(access * access_bytes_);
    channels_[static_cast<std::size_t>(place.channel)].push(
        {edge, transaction.is_write(), place.bank, place.row, place.column, tag});
  }
  // Nothing is answered before edge + lookahead, so that is early enough to look. An event that
  // stands for an earlier time stays.
  advanced_.notify(to_sc_time(time_of(edge - 1 + lookahead_) - now()));
}

void DramMemory::move_data(tlm::tlm_generic_payload& transaction,
                           MemoryPortStatistics& statistics) {
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

void DramMemory::advance() {
  serve();  // what arrived just before, whichever of the two processes the kernel runs first
  run_channels();
  const bool rests = std::all_of(channels_.begin(), channels_.end(),
                                 [](const DramChannel& channel) { return channel.at_rest(); });
  // All answers up to `lookahead_` clocks from now are known.
  if (!rests) advanced_.notify(to_sc_time(time_of(clock_of(now()) + lookahead_) - now()));
}

// All requests that arrived before now are here, so all edges up to now can be decided.
void DramMemory::run_channels() {
  for (DramChannel& channel : channels_) {
    channel.run(clock_of(now()) + 1);
    for (const DramAnswer& access : channel.answers()) {
      Burst& burst = bursts_[access.tag];
      burst.last = std::max(burst.last, access.clock);
      if (--burst.open > 0) continue;
      answer(burst);
      free_bursts_.push_back(access.tag);
    }
    channel.answers().clear();
  }
}

void DramMemory::answer(const Burst& burst) {
  const Answer answer{time_of(burst.last), burst.number, burst.transaction};
  std::deque<Answer>& answers = ports_[static_cast<std::size_t>(burst.port)]->answers;
  const auto later = [](const Answer& a, const Answer& b) {
    return std::tie(a.time, a.number) < std::tie(b.time, b.number);
  };
  answers.insert(std::upper_bound(answers.begin(), answers.end(), answer, later), answer);
  answered_.notify(to_sc_time(answer.time - now()));
}

void DramMemory::respond() {
  for (const std::unique_ptr<Port>& port : ports_) {
    while (!port->answers.empty() && port->answers.front().time <= now() && !port->response_open) {
      tlm::tlm_generic_payload& transaction = *port->answers.front().transaction;
      port->answers.pop_front();
      tlm::tlm_phase phase = tlm::BEGIN_RESP;
      sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
      port->response_open = true;
      if ((*port->socket)->nb_transport_bw(transaction, phase, delay) == tlm::TLM_COMPLETED)
        port->response_open = false;
      transaction.release();
    }
  }
  for (const std::unique_ptr<Port>& port : ports_) {
    if (port->answers.empty() || port->response_open) continue;
    answered_.notify(to_sc_time(port->answers.front().time - now()));
  }
}

void DramMemory::finish() { run_channels(); }

DramStatistics DramMemory::dram_statistics() const {
  DramStatistics sum;
  for (const DramChannel& channel : channels_) sum += channel.statistics(clock_of(now()));
  return sum;
}

double DramMemory::busy_ns() const {
  return static_cast<double>(dram_statistics().data) * clock_ns_ /
         static_cast<double>(channels_.size());
}

}  // namespace corank
