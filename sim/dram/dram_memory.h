// The DRAM on the platform: TLM-2.0 sockets in front of DRAM channels.
#pragma once

#include <cstdint>
#include <systemc>
#include <vector>

#include "sim/dram/address_map.h"
#include "sim/dram/channel.h"
#include "sim/dram/configuration.h"
#include "sim/platform/memory_module.h"

namespace corank {

/// A transaction that arrives at t is seen at the first DRAM clock edge strictly after t (edge n is
/// at n periods). There it is split into the device's accesses, which go to their channels in the
/// order of arrival, at equal times the lower socket first; data is read and written in that order.
/// It is answered when its last access is. A transaction beyond the size gets an address error as
/// late as the fastest access is answered.
class DramMemory : public MemoryModule {
 public:
  DramMemory(const sc_core::sc_module_name& name, const DramConfig& config, int sockets);

  void catch_up() override;
  /// Of all channels together.
  DramStatistics dram_statistics() const;
  double busy_ns() const override;

 private:
  struct Burst {
    Request request;
    std::int64_t open = 0;  // accesses without answer
    DramClock last = 0;
  };

  void serve_one(const Request& request) override;
  void advance();
  void run_channels();
  DramClock clock_of(Femtoseconds time) const { return static_cast<DramClock>(time / period_); }
  Femtoseconds time_of(DramClock clock) const { return static_cast<Femtoseconds>(clock) * period_; }

  Femtoseconds period_;
  double clock_ns_;
  std::uint64_t access_bytes_;
  DramAddressMap map_;
  std::vector<DramChannel> channels_;
  DramClock lookahead_;
  std::vector<Burst> bursts_;  // by the tag of their accesses
  std::vector<std::size_t> free_bursts_;
  sc_core::sc_event advanced_;
};

}  // namespace corank
