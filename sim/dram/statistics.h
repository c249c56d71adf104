// What a DRAM counts. Nothing here is rounded or estimated.
#pragma once

#include <array>
#include <cstdint>

#include "sim/dram/device.h"

namespace corank {

/// Of one channel, or of several together.
struct DramStatistics {
  std::int64_t reads = 0;  // commands; each moves the access's bytes
  std::int64_t writes = 0;
  std::int64_t activates = 0;
  std::int64_t precharges = 0;  // of banks, those of a precharge of all banks included
  std::int64_t refreshes = 0;
  std::int64_t forwarded_reads = 0;  // answered from the write queue, no command

  // Reads and writes whose row was open; had to be opened; took the place of another row.
  std::int64_t row_hits = 0;
  std::int64_t row_misses = 0;
  std::int64_t row_conflicts = 0;

  // The data bus's clocks: they add up to `clocks`. Those without data are attributed to what kept
  // the next command back: nothing was asked for, refresh, change between read and write, a second
  // access to one bank group, opening rows (their timing and the command bus).
  DramClock clocks = 0;
  DramClock data = 0;
  DramClock idle = 0;
  DramClock refresh = 0;
  DramClock turnaround = 0;
  DramClock bank_group = 0;
  DramClock row = 0;

  DramClock active = 0;        // a row open in any bank, or a refresh under way
  DramClock read_latency = 0;  // sum over the reads: admission to last data
  DramClock longest_read = 0;

  DramStatistics& operator+=(const DramStatistics& other);
  /// What came after an earlier look at the same channels; but longest_read stays that of all.
  DramStatistics since(const DramStatistics& earlier) const;
};

/// Everything that is a sum.
inline constexpr std::array<std::int64_t DramStatistics::*, 18> kDramSums = {
    &DramStatistics::reads,      &DramStatistics::writes,     &DramStatistics::activates,
    &DramStatistics::precharges, &DramStatistics::refreshes,  &DramStatistics::forwarded_reads,
    &DramStatistics::row_hits,   &DramStatistics::row_misses, &DramStatistics::row_conflicts,
    &DramStatistics::clocks,     &DramStatistics::data,       &DramStatistics::idle,
    &DramStatistics::refresh,    &DramStatistics::turnaround, &DramStatistics::bank_group,
    &DramStatistics::row,        &DramStatistics::active,     &DramStatistics::read_latency};

inline DramStatistics& DramStatistics::operator+=(const DramStatistics& other) {
  for (const auto sum : kDramSums) this->*sum += other.*sum;
  longest_read = longest_read > other.longest_read ? longest_read : other.longest_read;
  return *this;
}

inline DramStatistics DramStatistics::since(const DramStatistics& earlier) const {
  DramStatistics difference = *this;
  for (const auto sum : kDramSums) difference.*sum -= earlier.*sum;
  return difference;
}

}  // namespace corank
