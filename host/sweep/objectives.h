// What a sweep makes small.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "host/analytic/analytic.h"
#include "host/config/config.h"
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

/// Of one workload, exactly.
double value_of(Objective objective, const Config& config, const RunFigures& figures,
                const Prices& prices);
/// Its lower bound.
double bound_of(Objective objective, const Config& config, const AnalyticStep& step, double tokens,
                const Prices& prices);

}  // namespace corank
