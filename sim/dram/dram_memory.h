// The DRAM on the platform: TLM-2.0 sockets in front of DRAM channels.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <systemc>
#include <tlm>
#include <vector>

#include "sim/dram/address_map.h"
#include "sim/dram/channel.h"
#include "sim/dram/configuration.h"
#include "sim/platform/duration.h"
#include "sim/platform/sparse_store.h"
#include "sim/platform/statistics.h"
#include "tlm_utils/simple_target_socket.h"

namespace corank {

/// A transaction that arrives at t is seen at the first DRAM clock edge strictly after t (edge n is
/// at n periods). There it is split into the device's accesses, which go to their channels in the
/// order of arrival, at equal times the lower socket first; data is read and written in that order.
/// It is answered when its last access is. A transaction beyond the size gets an address error as
/// late as the fastest access is answered.
class DramMemory : public sc_core::sc_module {
 public:
  DramMemory(const sc_core::sc_module_name& name, const DramConfig& config, int sockets);

  tlm_utils::simple_target_socket_tagged<DramMemory>& socket(int index) {
    return *ports_[static_cast<std::size_t>(index)]->socket;
  }
  const MemoryPortStatistics& statistics(int index) const {
    return ports_[static_cast<std::size_t>(index)]->statistics;
  }
  /// Simulates what lies between the last event and now.
  void finish();
  /// Of all channels together.
  DramStatistics dram_statistics() const;
  /// Mean over the channels' data buses.
  double busy_ns() const;

 private:
  struct Request {
    Femtoseconds arrival;
    int port;
    tlm::tlm_generic_payload* transaction;
  };
  struct Burst {
    int port;
    tlm::tlm_generic_payload* transaction;
    std::uint64_t number;  // in the order of arrival
    std::int64_t open;     // accesses without answer
    DramClock last;
  };
  struct Answer {
    Femtoseconds time;
    std::uint64_t number;
    tlm::tlm_generic_payload* transaction;
  };
  struct Port {
    std::unique_ptr<tlm_utils::simple_target_socket_tagged<DramMemory>> socket;
    std::deque<Answer> answers;  // by time, then number
    bool response_open = false;  // BEGIN_RESP sent, END_RESP not seen
    MemoryPortStatistics statistics;
  };

  tlm::tlm_sync_enum forward(int port, tlm::tlm_generic_payload& transaction, tlm::tlm_phase& phase,
                             sc_core::sc_time& delay);
  void serve();
  void serve_one(const Request& request);
  void move_data(tlm::tlm_generic_payload& transaction, MemoryPortStatistics& statistics);
  void advance();
  void run_channels();
  void answer(const Burst& burst);
  void respond();
  DramClock clock_of(Femtoseconds time) const { return static_cast<DramClock>(time / period_); }
  Femtoseconds time_of(DramClock clock) const { return static_cast<Femtoseconds>(clock) * period_; }

  Femtoseconds period_;
  double clock_ns_;
  std::uint64_t access_bytes_;
  DramAddressMap map_;
  std::vector<DramChannel> channels_;
  DramClock lookahead_;
  SparseStore store_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::deque<Request> requests_;  // by arrival, then port
  std::vector<Burst> bursts_;     // by the tag of their accesses
  std::vector<std::size_t> free_bursts_;
  std::uint64_t next_number_ = 0;
  sc_core::sc_event requested_;
  sc_core::sc_event advanced_;
  sc_core::sc_event answered_;
};

}  // namespace corank
