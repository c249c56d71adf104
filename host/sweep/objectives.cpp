#include "host/sweep/objectives.h"

#include <algorithm>

#include "host/run/step_costs.h"

namespace corank {
namespace {

constexpr double kPicojoulesPerKwh = 3.6e6 * 1e12;
constexpr double kNsPerHour = 3600 * 1e9;

EnergyMeasurement measurement_of(const Config& config, const MachineSilicon& silicon,
                                 const RunFigures& figures) {
  EnergyMeasurement measurement;
  measurement.silicon = silicon;
  measurement.ns = figures.total_ns;
  measurement.cycles = measurement.ns * config.limits.clock_mhz / 1e3;
  measurement.counters = figures.counters;
  measurement.memory_bytes = figures.memory_bytes;
  measurement.link_bytes = figures.link_bytes;
  measurement.dram = figures.dram;
  return measurement;
}

double cost_usd(double ns, double energy_pj, double area_mm2, const Prices& prices) {
  return energy_pj / kPicojoulesPerKwh * prices.usd_per_kwh +
         ns / (prices.lifetime_hours * kNsPerHour) * area_mm2 * prices.usd_per_mm2;
}

}  // namespace

double energy_pj_of(const Config& config, const MachineSilicon& silicon,
                    const RunFigures& figures) {
  return sum_of(energy_of(config, measurement_of(config, silicon, figures))).pj;
}

StepFigures exact_figures(const Config& config, const MachineSilicon& silicon, double area_mm2,
                          const RunFigures& figures) {
  return {figures.step_ns, energy_pj_of(config, silicon, figures), area_mm2,
          static_cast<double>(figures.device_bytes), figures.tokens};
}

StepFigures bound_figures(const AnalyticStep& step, double area_mm2, double tokens) {
  return {step.bound_ns, step.bound_energy_pj, area_mm2, static_cast<double>(step.device_bytes),
          tokens};
}

double value_of(Objective objective, const std::vector<StepFigures>& steps,
                const std::vector<double>& weights, const Prices& prices) {
  double ns = 0, energy_pj = 0, tokens = 0, most_bytes = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    ns += weights[i] * steps[i].ns;
    energy_pj += weights[i] * steps[i].energy_pj;
    tokens += weights[i] * steps[i].tokens;
    most_bytes = std::max(most_bytes, steps[i].device_bytes);
  }
  const double area_mm2 = steps.front().area_mm2;
  switch (objective) {
    case Objective::kTime:
      return ns;
    case Objective::kEnergy:
      return energy_pj;
    case Objective::kArea:
      return area_mm2;
    case Objective::kDeviceMemory:
      return most_bytes;
    case Objective::kJoulesPerToken:
      return tokens > 0 ? energy_pj * 1e-12 / tokens : 0;
    case Objective::kCostOfAStep:
      return cost_usd(ns, energy_pj, area_mm2, prices);
    case Objective::kLuts:
    case Objective::kFlipFlops:
    case Objective::kBlockRams:
    case Objective::kMultipliers:
    case Objective::kFpgaShare:
      return steps.front().fpga[static_cast<std::size_t>(objective) - kFirstOfFpga];
  }
  return 0;  // not reached: every objective stands above
}

}  // namespace corank
