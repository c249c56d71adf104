// A memory with one latency and one data bus.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <systemc>
#include <tlm>
#include <vector>

#include "sim/platform/configuration.h"
#include "sim/platform/duration.h"
#include "sim/platform/sparse_store.h"
#include "sim/platform/statistics.h"
#include "tlm_utils/simple_target_socket.h"

namespace corank {

/// A request that arrives at t is complete at max(t + latency, bus free) + bytes / bandwidth, and
/// the bus is free then. Requests are served in the order of arrival, at equal times the lower
/// socket first; data is read and written in that order. A request beyond the size gets an address
/// error after the latency, without using the bus.
class FixedLatencyMemory : public sc_core::sc_module {
 public:
  FixedLatencyMemory(const sc_core::sc_module_name& name, const MemoryConfig& config, int sockets);

  tlm_utils::simple_target_socket_tagged<FixedLatencyMemory>& socket(int index) {
    return *ports_[static_cast<std::size_t>(index)]->socket;
  }
  const MemoryPortStatistics& statistics(int index) const {
    return ports_[static_cast<std::size_t>(index)]->statistics;
  }
  /// Of the data bus, up to the last request served.
  double busy_ns() const { return static_cast<double>(busy_) * 1e-6; }

 private:
  struct Answer {
    Femtoseconds time;
    tlm::tlm_generic_payload* transaction;
  };
  struct Port {
    std::unique_ptr<tlm_utils::simple_target_socket_tagged<FixedLatencyMemory>> socket;
    std::deque<Answer> answers;
    bool response_open = false;  // BEGIN_RESP sent, END_RESP not seen
    MemoryPortStatistics statistics;
  };
  struct Request {
    Femtoseconds arrival;
    int port;
    tlm::tlm_generic_payload* transaction;
  };

  tlm::tlm_sync_enum forward(int port, tlm::tlm_generic_payload& transaction, tlm::tlm_phase& phase,
                             sc_core::sc_time& delay);
  void serve();
  void serve_one(const Request& request);
  void respond();

  std::uint64_t size_;
  Femtoseconds latency_;
  double bandwidth_;
  SparseStore store_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::deque<Request> requests_;  // by arrival, then port
  Femtoseconds bus_free_ = 0;
  Femtoseconds busy_ = 0;
  sc_core::sc_event requested_;
  sc_core::sc_event answered_;
};

}  // namespace corank
