#include "host/analytic/dram_counts.h"

#include <algorithm>

namespace corank {
namespace {

// Accesses that may wait to be written when the host has seen the end of the step.
std::int64_t unwritten(const DramConfig& dram, double interrupt_ns) {
  const DramTiming& t = dram.device.timing;
  const DramClock write = std::max(t.tRC, t.tRCD_WR + t.CWL + t.burst + t.tWR + t.tRP);
  const DramClock longest = dram.controller.write_queue * write + 2 * t.tRFC + t.tRC + t.tRP_AB;
  if (interrupt_ns >= static_cast<double>(longest) * t.tCK_ns) return 0;
  return std::int64_t{dram.controller.write_queue} * dram.channels;
}

}  // namespace

DramStatistics least_dram(const DramConfig& dram, const DramWork& work) {
  const DramTiming& t = dram.device.timing;
  const DramOrganisation& organisation = dram.device.organisation;
  const std::int64_t channels = dram.channels;
  const auto at_least = [](std::int64_t count) { return std::max<std::int64_t>(0, count); };
  const std::int64_t left = unwritten(dram, work.interrupt_ns);
  const std::int64_t queued = std::int64_t{dram.controller.write_queue} * channels;
  const std::int64_t open = organisation.all_banks() * channels;
  const auto clocks = static_cast<std::int64_t>(work.step_ns / t.tCK_ns);

  DramStatistics least;
  // What is queued from before the step may be forwarded.
  least.reads = at_least(work.reads - queued);
  least.writes = at_least(work.writes - left);
  least.activates = at_least(work.touched_bytes / organisation.row_bytes - open - left);
  least.precharges = at_least(least.activates - open);
  least.clocks = channels * at_least(clocks - (t.CL + t.burst) - 1);
  least.refreshes = channels * (clocks / t.tREFI);
  least.active = std::min(least.clocks, least.refreshes * t.tRFC + (least.reads + least.writes) *
                                                                       std::min(t.burst, t.tRTP));
  return least;
}

}  // namespace corank
