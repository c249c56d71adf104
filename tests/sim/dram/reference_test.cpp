// The model against the simulators of reference.h, trace by trace.
#include "tests/sim/dram/reference.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include "tests/sim/dram/run_trace.h"

using namespace corank;
using namespace corank::test;

namespace {

// Percent that bandwidth and latency may differ; 0: not compared. They are the spread of the
// simulators with each other: pure timing is alike in all, what depends on policy is not.
struct Bound {
  double bandwidth, latency;
};

Bound bound_of(const std::string& trace) {
  switch (trace[0]) {
    case 'a':
    case 'd':
      return {trace[1] == '1' ? 3.5 : 1.5, 0};
    case 'b':
      return {1.5, 0};
    case 'c':
      return {3, 0};
    case 'e':
      return {3.5, 0};
    case 'f':
      return {2.5, 0};
    case 'h':
      return {trace == "h_gemm" ? 7.0 : 3.0, 0};
    case 'i':
      return {0, 6};
    default:
      return {0, 0};  // g: in clocks
  }
}

double percent_off(double value, double reference) { return 100 * std::abs(value / reference - 1); }

}  // namespace

TEST_CASE("bandwidth and latency lie among those of other simulators, trace by trace") {
  const std::uint64_t seed = 14;
  for (const DramReference& reference : kDramReferences) {
    const DramDevice dram = device(reference.device);
    DramControllerConfig controller;
    controller.reads_in_flight = reference.reads_in_flight;
    const std::vector<TraceAccess> trace = make_trace(reference.trace, dram.organisation, seed);
    const TraceRun run = run_trace(trace, dram, map_named(reference.map), controller);
    INFO(reference.device << " " << reference.map << " " << reference.trace << ", "
                          << reference.reads_in_flight << " reads in flight, seed " << seed);
    INFO(run.percent_of_peak << " % of the peak for " << reference.percent_of_peak << " %, "
                             << run.latency_ns << " ns for " << reference.latency_ns << " ns");
    const Bound bound = bound_of(reference.trace);
    if (bound.bandwidth > 0)
      CHECK(percent_off(run.percent_of_peak, reference.percent_of_peak) <= bound.bandwidth);
    if (bound.latency > 0)
      CHECK(percent_off(run.latency_ns, reference.latency_ns) <= bound.latency);
    if (reference.trace[0] == 'g')
      CHECK(std::abs(run.latency_ns - reference.latency_ns) <= 2 * dram.timing.tCK_ns);

    const DramStatistics& s = run.statistics;
    CHECK(s.reads + s.writes == static_cast<std::int64_t>(trace.size()));
    CHECK(std::abs(s.refreshes - s.clocks / dram.timing.tREFI) <= 1);
    CHECK(s.row_hits + s.row_misses + s.row_conflicts == s.reads + s.writes);
    CHECK(s.data + s.idle + s.refresh + s.turnaround + s.bank_group + s.row == s.clocks);
    // Where hardly any access finds its row open, there is an activate for each.
    const bool no_hits = std::string("eg").find(reference.trace[0]) != std::string::npos ||
                         std::string(reference.trace) == "d2_stride_bank";
    if (no_hits)
      CHECK(percent_off(static_cast<double>(s.activates), static_cast<double>(trace.size())) <= 1);
    INFO(run.first_violation);
    CHECK(run.violations == 0);
  }
}
