// What every memory of the platform has in common: TLM-2.0 sockets, the order of what comes and
// goes, and the contents.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <systemc>
#include <tlm>
#include <vector>

#include "sim/platform/duration.h"
#include "sim/platform/sparse_store.h"
#include "sim/platform/statistics.h"
#include "tlm_utils/simple_target_socket.h"

namespace corank {

/// Requests are served in the order of arrival, at equal times the lower socket first, one
/// femtosecond after they came; a kind of memory says when each is answered. Answers of a socket go
/// in the order of their times, at equal times in the order of serving.
class MemoryModule : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket_tagged<MemoryModule>& socket(int index) {
    return *ports_[static_cast<std::size_t>(index)]->socket;
  }
  const MemoryPortStatistics& statistics(int index) const {
    return ports_[static_cast<std::size_t>(index)]->statistics;
  }
  /// Whether there are requests without answer.
  bool at_work() const { return open_ > 0; }
  /// Requests that it has answered.
  std::uint64_t answers() const { return answers_; }
  /// Of the data bus (the mean of several).
  virtual double busy_ns() const = 0;
  /// Simulates what lies between the last event and now. Answers do not depend on it.
  virtual void catch_up() {}

 protected:
  struct Request {
    Femtoseconds arrival;
    int port;
    tlm::tlm_generic_payload* transaction;
    std::uint64_t number = 0;  // in the order of serving
  };

  MemoryModule(const sc_core::sc_module_name& name, int sockets);

  /// Serves what arrived before now.
  void serve();
  /// Sets the response status, moves the data and, now or later, gives the answer.
  virtual void serve_one(const Request& request) = 0;
  /// Reads or writes the contents; counts the transaction.
  void move_data(const Request& request);
  /// The response of a request, at a time after now.
  void answer(const Request& request, Femtoseconds time);

 private:
  struct Answer {
    Femtoseconds time;
    std::uint64_t number;
    tlm::tlm_generic_payload* transaction;
  };
  struct Port {
    std::unique_ptr<tlm_utils::simple_target_socket_tagged<MemoryModule>> socket;
    std::deque<Answer> answers;  // by time, then number
    bool response_open = false;  // BEGIN_RESP sent, END_RESP not seen
    MemoryPortStatistics statistics;
  };

  tlm::tlm_sync_enum forward(int port, tlm::tlm_generic_payload& transaction, tlm::tlm_phase& phase,
                             sc_core::sc_time& delay);
  void respond();

  SparseStore store_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::deque<Request> requests_;  // by arrival, then port
  std::uint64_t next_number_ = 0;
  std::int64_t open_ = 0;  // requests that have come and are not answered
  std::uint64_t answers_ = 0;
  sc_core::sc_event requested_;
  sc_core::sc_event answered_;
};

}  // namespace corank
