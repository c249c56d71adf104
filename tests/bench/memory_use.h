// How much of what a memory allows a training step makes use of: its time against the bound of
// host/report/step_bound.h, on every DRAM of configs/memory and narrower ones.
#pragma once

#include <string>
#include <vector>

#include "host/config/config.h"
#include "host/report/step_bound.h"
#include "sim/dram/statistics.h"
#include "tests/bench/result.h"

namespace corank::bench {

/// GB/s that the accelerator gets, by the same DRAM, address map and AXI port, of a sequential
/// stream: nothing but loads of `bytes`, or with `write_share` of the bytes stored meanwhile,
/// elsewhere.
double stream_gb_per_s(const Config& config, std::int64_t bytes, double write_share = 0);

struct MemoryUse {
  StepBound bound;
  double stream_gb_per_s = 0;  // of reads; the bound's
  double mixed_gb_per_s = 0;   // with the step's own share of writes
  double cycles = 0;
  double bytes = 0;     // that the step moved
  DramStatistics dram;  // of the step alone

  double share() const { return bound.cycles() / cycles; }
};

/// With the cycle model. The configuration's memory must be a DRAM.
MemoryUse memory_use(const Config& config);

/// The bar is 95 %.
std::vector<Result> memory_use_of_all();

}  // namespace corank::bench
