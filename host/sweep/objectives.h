// What a sweep makes small.
#pragma once

#include <array>
#include <vector>

#include "host/analytic/analytic.h"
#include "host/config/config.h"
#include "host/cost/fpga_cost.h"
#include "host/energy/machine_silicon.h"
#include "host/sweep/run_figures.h"

namespace corank {

enum class Objective {
  kTime,
  kEnergy,
  kArea,
  kDeviceMemory,
  kJoulesPerToken,
  kCostOfAStep,
  // Of the sweep's FPGA, in the order of kFpgaKinds; the largest of its parts of what there is.
  kLuts,
  kFlipFlops,
  kBlockRams,
  kMultipliers,
  kFpgaShare
};
inline constexpr std::array<const char*, 11> kObjectiveNames = {
    "time",        "energy",      "area",        "device_memory", "j_per_token", "cost_of_a_step",
    kFpgaKinds[0], kFpgaKinds[1], kFpgaKinds[2], kFpgaKinds[3],   "fpga_share"};
inline constexpr std::array<const char*, kObjectiveNames.size()> kObjectiveUnits = {
    "ns",
    "pJ",
    "mm2",
    "bytes",
    "J/token",
    "usd",
    kFpgaKindTitles[0],
    kFpgaKindTitles[1],
    kFpgaKindTitles[2],
    kFpgaKindTitles[3],
    "of the FPGA"};

inline constexpr auto kFirstOfFpga = static_cast<std::size_t>(Objective::kLuts);
inline constexpr bool is_of_fpga(Objective objective) { return objective >= Objective::kLuts; }
/// Whether its name is its unit, too.
inline constexpr bool is_named_by_unit(Objective objective) {
  return objective == Objective::kJoulesPerToken || is_of_fpga(objective);
}

/// What a machine takes of an FPGA, in the order of the objectives from kLuts on.
using FpgaFigures = std::array<double, kObjectiveNames.size() - kFirstOfFpga>;

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
  FpgaFigures fpga{};  // 0 where the sweep has no FPGA
};
StepFigures exact_figures(const Config& config, const MachineSilicon& silicon, double area_mm2,
                          const RunFigures& figures);
StepFigures bound_figures(const AnalyticStep& step, double area_mm2, double tokens);

/// Of several workloads, by their weights: sums of time, energy and cost, the sum of energy over
/// that of tokens, the most of the device's memory; what the machine takes of silicon or an FPGA is
/// that of any.
double value_of(Objective objective, const std::vector<StepFigures>& steps,
                const std::vector<double>& weights, const Prices& prices);

}  // namespace corank
