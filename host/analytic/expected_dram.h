// What a DRAM is expected to take for the bursts of a step: a controller that serves the accesses
// of a channel in the order of their arrival (sim/dram/channel.h takes them out of order).
//
// Of an access: the row of its bank is opened ahead, while the data of those before it are still on
// the bus, if it is not open (tRP, tRCD, tRRD, tFAW); columns follow each other by tCCD, and by the
// turns between reads and writes. Writes are answered at once and done in groups, when more than
// drain_high wait, or while nothing is read. Refreshes come every tREFI, take tRFC and close the
// rows. Nothing is fitted.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "host/analytic/memory_times.h"
#include "sim/dram/address_map.h"
#include "sim/dram/statistics.h"

namespace corank {

class ExpectedDram : public MemoryTimes {
 public:
  /// In the middle of a clock when the step begins, on average.
  explicit ExpectedDram(const DramConfig& config);

  Femtoseconds answer(const MemoryBurst& burst) override;
  /// Up to the end of a step of so long.
  DramStatistics statistics(Femtoseconds end);

 private:
  struct Access {
    int bank = 0, row = 0;
  };
  struct Bank {
    int row = -1, group = 0;
    std::uint64_t burst = 0;              // the last one that used the row
    DramClock activate = 0;               // the last one
    DramClock column = 0, precharge = 0;  // from when on they may come
    DramClock may_activate = 0;           // of a bank without a row
  };
  struct Channel {
    std::vector<Bank> banks;
    std::vector<DramClock> group_column;   // the last one, by group
    std::array<DramClock, 4> activates{};  // the last four
    std::size_t oldest = 0;
    DramClock column = 0, data_end = 0;  // of the last access
    int last_group = 0;
    bool writing = false;     // the last access was a write
    DramClock admitted = -1;  // the last one
    DramClock refresh_due = 0;
    DramClock open_since = -1;         // -1: no row is open
    std::deque<Access> writes;         // that wait
    std::vector<DramClock> read_ends;  // of the reads that may be in flight, in turn
    std::size_t next_read = 0;
    DramStatistics statistics;
  };

  DramClock admit(Channel& channel, DramClock edge);
  DramClock serve(Channel& channel, const Access& access, bool write, DramClock from);
  void open(Channel& channel, Bank& bank, int row, DramClock from);
  void refresh(Channel& channel, DramClock until);
  void drain(Channel& channel, std::size_t left, DramClock from);
  void drain_idle(Channel& channel, DramClock until);

  const DramConfig config_;
  const DramTiming t_;
  const Femtoseconds clock_;
  const std::uint64_t access_bytes_;
  const DramAddressMap map_;
  std::vector<Channel> channels_;
  std::uint64_t bursts_ = 0;
};

}  // namespace corank
