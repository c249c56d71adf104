// The step as Chrome trace events, for ui.perfetto.dev or chrome://tracing ("Trace Event Format",
// Google, 2016).
#pragma once

#include <vector>

#include "host/compiler/compiler.h"
#include "host/report/phases.h"
#include "sim/platform/memory_transaction.h"
#include "sim/platform/statistics.h"
#include "sim/system/output_file.h"

namespace corank {

struct StepTrace {
  double clock_mhz = 1000;
  std::vector<TraceEvent> events;
  std::vector<MemoryTransaction> transactions;
  std::vector<Stall> stalls;
};

/// Writes a track a unit with its commands (from start to end; issue and ring index as arguments),
/// a track of what the array waited for, and memory bandwidth, read and written, over windows of
/// kBandwidthWindow cycles. The same step gives the same file at either fidelity.
void write_trace(OutputFile& file, const CompiledStep& step, const Graph& graph,
                 const StepTrace& trace);

inline constexpr std::int64_t kBandwidthWindow = 1024;  // cycles

}  // namespace corank
