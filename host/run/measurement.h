// What the simulated steps came to, before it is put into words: sums that a report is worked out
// from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/config/config.h"
#include "host/driver/driver.h"
#include "host/report/phases.h"
#include "host/report/report.h"
#include "host/run/simulate.h"
#include "sim/dram/statistics.h"
#include "sim/platform/statistics.h"

namespace corank {

/// Simulations count in signed numbers, reports in unsigned ones.
inline std::uint64_t unsigned_of(std::int64_t count) { return static_cast<std::uint64_t>(count); }

/// What is known of every step.
struct StepSums {
  DeviceCounters counters{};
  std::optional<DramStatistics> dram;  // from the first doorbell to the end, as the host sees it
  LinkStatistics upload, in_step, download;  // over the link, in each of the three times
  MemoryPortStatistics link_in_step;         // what the link did at the memory during the step
  double upload_ns = 0, step_ns = 0, download_ns = 0;  // as the host sees them
};

/// Of step `step` (from 0) of a simulation. Of one that was given up: what it had come to.
StepSums sums_of_step(const Simulated& simulated, std::size_t step);

/// What is known of the first step alone, whose events are kept, beside its sums.
struct StepMeasurement : StepSums {
  ArrayTimes times;
  std::vector<TensorReport> tensors;
  std::vector<std::pair<std::string, BlockSize>> blocks;  // by the value that the op writes
  std::vector<GemmKind> gemm_kinds;                       // by the device's kinds of gemm
  std::uint64_t commands = 0, commands_completed = 0;
  std::uint64_t streamed_bytes = 0;  // of upload and step: frozen weights
};

StepMeasurement measure(const Config& config, const PreparedProgram& prepared,
                        const Simulated& simulated);

/// Every counter that does not count cycles, and every byte at memory, pins and link, against what
/// the commands must cost: what differs.
std::vector<CounterMismatch> check_costs(const Config& config, const PreparedProgram& prepared,
                                         const Simulated& simulated);

}  // namespace corank
