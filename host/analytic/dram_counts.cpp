#include "host/analytic/dram_counts.h"

#include <algorithm>

#include "rtl/interface/interface.h"

namespace corank {
namespace {

// Accesses that may wait to be written when the host has seen the end of the step.
std::int64_t unwritten(const DramConfig& dram, const LinkTimes& link) {
  const DramTiming& t = dram.device.timing;
  const DramClock write = std::max(t.tRC, t.tRCD_WR + t.CWL + t.burst + t.tWR + t.tRP);
  const DramClock longest = dram.controller.write_queue * write + 2 * t.tRFC + t.tRC + t.tRP_AB;
  if (link.interrupt_ns >= static_cast<double>(longest) * t.tCK_ns) return 0;
  return std::int64_t{dram.controller.write_queue} * dram.channels;
}

}  // namespace

DramStatistics least_dram(const MemoryConfig& memory, const WalkTimes& walk, const LinkTimes& link,
                          const TouchedRows& touched, double step_ns) {
  const DramConfig& dram = memory.dram;
  const DramTiming& t = dram.device.timing;
  const DramOrganisation& organisation = dram.device.organisation;
  const std::int64_t channels = dram.channels;
  const auto at_least = [](std::int64_t count) { return std::max<std::int64_t>(0, count); };
  const std::int64_t left = unwritten(dram, link);
  const std::int64_t queued = std::int64_t{dram.controller.write_queue} * channels;
  const std::int64_t open = organisation.all_banks() * channels;
  const auto rows = static_cast<std::int64_t>(touched.count() * interface::kPanelRowBytes /
                                              static_cast<std::uint64_t>(organisation.row_bytes));
  const auto clocks = static_cast<std::int64_t>(step_ns / t.tCK_ns);

  DramStatistics least;
  // What is queued from before the step may be forwarded.
  least.reads = at_least(static_cast<std::int64_t>(walk.reads) - queued);
  least.writes = at_least(
      static_cast<std::int64_t>(walk.writes + link.bytes_in_step / static_cast<std::uint64_t>(
                                                                       organisation.access_bytes)) -
      left);
  least.activates = at_least(rows - open - left);
  least.precharges = at_least(least.activates - open);
  least.clocks = channels * at_least(clocks - (t.CL + t.burst) - 1);
  least.refreshes = channels * (clocks / t.tREFI);
  least.active = std::min(least.clocks, least.refreshes * t.tRFC + (least.reads + least.writes) *
                                                                       std::min(t.burst, t.tRTP));
  return least;
}

}  // namespace corank
