// What `corank run --fidelity analytic` found out: plain data, written as JSON
// (host/report/analytic_report.schema.json) and as a short table. It is no report of a run: what
// only a simulation can tell is not in it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "host/analytic/analytic.h"
#include "models/energy/energy.h"

namespace corank {

inline constexpr int kAnalyticReportVersion = 1;

/// By how much estimates differed from the cycle model, as shares, signs left out.
struct MeasuredError {
  double median = 0, percentile95 = 0;
};

/// Of the estimates of time and energy over so many configurations that nothing was fitted to:
/// random machines, limits, memories of both kinds, links and layers, as tests/host/analytic draws
/// them, whose blocks the cost rule chose. Rounded up; the test holds what it measures to them.
struct AnalyticError {
  MeasuredError time, energy;
  int cases = 0;
};
inline constexpr AnalyticError kAnalyticError = {{0.001, 0.04}, {0.003, 0.035}, 2516};

struct AnalyticReport {
  std::string name, config_file, workload;
  MachineShape machine;
  MachineLimits limits;
  std::string memory, energy_table;
  std::uint64_t commands = 0;
  AnalyticStep step;
};

nlohmann::ordered_json to_json(const AnalyticReport& report);
/// The short table for a terminal.
std::string to_table(const AnalyticReport& report);

}  // namespace corank
