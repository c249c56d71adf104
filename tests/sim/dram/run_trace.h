// Runs a trace on one channel, with the timing checker listening.
#pragma once

#include <string>
#include <vector>

#include "sim/dram/configuration.h"
#include "sim/dram/statistics.h"
#include "tests/sim/dram/traces.h"

namespace corank::test {

struct TraceRun {
  DramStatistics statistics;  // up to the last data
  double percent_of_peak = 0;
  double latency_ns = 0;  // mean of the reads
  std::int64_t commands = 0;
  std::int64_t violations = 0;
  std::string first_violation;
};

/// A device of configs/dram, by the name of its file.
DramDevice device(const std::string& name);
/// "rbc" or "bgi" as address map.
std::string map_named(const std::string& name);
TraceRun run_trace(const std::vector<TraceAccess>& trace, const DramDevice& device,
                   const std::string& address_map, const DramControllerConfig& controller = {});

}  // namespace corank::test
