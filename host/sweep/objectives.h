// What a sweep makes small.
#pragma once

#include <array>
#include <vector>

#include "host/analytic/analytic.h"
#include "host/config/config.h"
#include "host/energy/machine_silicon.h"
#include "host/sweep/run_figures.h"

namespace corank {

enum class Objective { kTime, kEnergy, kArea, kDeviceMemory, kJoulesPerToken, kCostOfAStep };
inline constexpr std::array<const char*, 6> kObjectiveNames = {
    "time", "energy", "area", "device_memory", "j_per_token", "cost_of_a_step"};
inline constexpr std::array<const char*, 6> kObjectiveUnits = {"ns",    "pJ",      "mm2",
                                                               "bytes", "J/token", "usd"};

/// What electricity and silicon cost, for cost_of_a_step: a step pays its energy, and the share of
/// the machine's price that its time is of the machine's life.
struct Prices {
  double usd_per_kwh = 0, usd_per_mm2 = 0, lifetime_hours = 0;
};

/// The energy of a step as the report of `corank run` has it.
double energy_pj_of(const Config& config, const MachineSilicon& silicon, const RunFigures& figures);

/// Of a step under one workload, that from which every objective is worked out: exact, or lower
/// bounds of it.
struct StepFigures {
  double ns = 0, energy_pj = 0, area_mm2 = 0, device_bytes = 0, tokens = 0;
};
StepFigures exact_figures(const Config& config, const MachineSilicon& silicon, double area_mm2,
                          const RunFigures& figures);
StepFigures bound_figures(const AnalyticStep& step, double area_mm2, double tokens);

/// Of several workloads, by their weights: sums of time, energy and cost, the sum of energy over
/// that of tokens, the most of the device's memory; the area is that of any.
double value_of(Objective objective, const std::vector<StepFigures>& steps,
                const std::vector<double>& weights, const Prices& prices);

}  // namespace corank
