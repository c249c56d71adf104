// What a DRAM does during a step, without looking at one command of it: for its energy.
#pragma once

#include <cstdint>

#include "sim/dram/statistics.h"
#include "sim/platform/configuration.h"

namespace corank {

struct DramWork {
  // Accesses; of reads those whose data the controller cannot have, because nobody writes there in
  // the step.
  std::int64_t reads = 0, writes = 0;
  std::int64_t touched_bytes = 0;  // that are read or written at least once
  double step_ns = 0;
  double interrupt_ns = 0;  // of these, those between the device's end and the step's
};

/// At least so much.
///   Activates: a row of a bank is opened once for what lies there, if it was not open before.
///   Refreshes: one every tREFI and channel. Clocks with a row open: those of the refreshes, and of
///   each access its burst.
/// What a step has written may still be queued at its end, unless the host's look at the device
/// takes longer than the slowest writing of whole queues.
DramStatistics least_dram(const DramConfig& dram, const DramWork& work);

}  // namespace corank
