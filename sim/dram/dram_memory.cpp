#include "sim/dram/dram_memory.h"

#include <algorithm>

namespace corank {

DramMemory::DramMemory(const sc_core::sc_module_name& name, const DramConfig& config, int sockets)
    : MemoryModule(name, sockets),
      period_(from_ns(config.device.timing.tCK_ns)),
      clock_ns_(config.device.timing.tCK_ns),
      access_bytes_(static_cast<std::uint64_t>(config.device.organisation.access_bytes)),
      map_(config.address_map, config.device.organisation, config.channels) {
  for (int i = 0; i < config.channels; ++i)
    channels_.emplace_back(config.device, config.controller);
  lookahead_ = channels_.front().lookahead();
  SC_HAS_PROCESS(DramMemory);
  SC_METHOD(advance);
  dont_initialize();
  sensitive << advanced_;
}

void DramMemory::serve_one(const Request& request) {
  tlm::tlm_generic_payload& transaction = *request.transaction;
  const std::uint64_t address = transaction.get_address();
  const std::uint64_t size = transaction.get_data_length();
  const DramClock edge = clock_of(request.arrival) + 1;
  Burst burst{request, 0, edge + lookahead_};
  const bool outside = address > map_.bytes() || size > map_.bytes() - address;
  if (outside || size == 0) {
    transaction.set_response_status(outside ? tlm::TLM_ADDRESS_ERROR_RESPONSE
                                            : tlm::TLM_OK_RESPONSE);
    answer(request, time_of(burst.last));
    return;
  }
  move_data(request);
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
  const bool write = transaction.is_write();
  map_.walk(first, last, [&](const DramPlace& place, int count, int step) {
    channels_[static_cast<std::size_t>(place.channel)].push(
        {edge, write, place.bank, place.row, place.column, tag}, count, step);
  });
  // Nothing is answered before edge + lookahead, so that is early enough to look. An event that
  // stands for an earlier time stays.
  advanced_.notify(to_sc_time(time_of(edge - 1 + lookahead_) - now()));
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
  const DramClock end = clock_of(now()) + 1;
  for (DramChannel& channel : channels_) {
    if (channel.quiet_until(end)) continue;
    channel.run(end);
    for (const DramAnswer& access : channel.answers()) {
      Burst& burst = bursts_[access.tag];
      burst.last = std::max(burst.last, access.clock);
      burst.open -= access.accesses;
      if (burst.open > 0) continue;
      answer(burst.request, time_of(burst.last));
      free_bursts_.push_back(access.tag);
    }
    channel.answers().clear();
  }
}

void DramMemory::catch_up() {
  serve();
  run_channels();
}

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
