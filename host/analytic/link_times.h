// What a step takes on the link and on the host's side of it: the transfers before and after it,
// the doorbell, the interrupt, and the tiles of streamed weights (sim/platform/README.md;
// host/driver/driver.cpp).
#pragma once

#include <cstdint>
#include <memory>

#include "host/analytic/step_walk.h"
#include "host/config/config.h"
#include "host/run/simulate.h"

namespace corank {

/// Of a prepared program's first step, everything that it needs before it included.
struct LinkTimes {
  double upload_ns = 0, download_ns = 0;
  double doorbell_ns = 0;   // until the register has the first doorbell
  double interrupt_ns = 0;  // from the interrupt line's rise until the host has cleared it
  std::uint64_t upload_wire_bytes = 0, step_wire_bytes = 0, download_wire_bytes = 0;
  std::uint64_t bytes_in_step = 0;  // that the host writes to device memory during the step
  std::uint64_t upload_bytes = 0;   // before it
};

/// The least that they can be. `asked`: the results that are read back after the step.
LinkTimes least_link_times(const Config& config, const PreparedProgram& prepared,
                           const std::vector<ValueId>& asked);

/// The first tile_ring_places tiles are there before the step; each of the others follows the one
/// before it by its packets and by the driver's looks at the rings (two registers are read), and
/// the release of the tile in whose place it lies by a look and a packet: a latency each.
std::unique_ptr<HostTimes> least_host_times(const Config& config, const CompiledStep& step);

/// The driver's loop as it is: it looks at the rings again after each tile, and after
/// kRefillPollCycles where there is no room. Commands do not run out.
std::unique_ptr<HostTimes> expected_host_times(const Config& config, const CompiledStep& step);

}  // namespace corank
