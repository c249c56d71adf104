// What a DRAM does during a step, without looking at one command of it: for its energy.
#pragma once

#include "host/analytic/link_times.h"
#include "host/analytic/step_walk.h"
#include "host/analytic/touched_rows.h"
#include "sim/dram/statistics.h"
#include "sim/platform/configuration.h"

namespace corank {

/// At least so much, in a step of so many ns.
///   Reads: those whose data the controller cannot have, because nobody writes there in the step.
///   Activates: a row of a bank is opened once for what lies there, if it was not open before.
///   Refreshes: one every tREFI and channel. Clocks with a row open: those of the refreshes, and of
///   each access its burst.
/// What a step has written may still be queued at its end, unless the host's look at the device
/// takes longer than the slowest writing of whole queues.
DramStatistics least_dram(const MemoryConfig& memory, const WalkTimes& walk, const LinkTimes& link,
                          const TouchedRows& touched, double step_ns);

}  // namespace corank
