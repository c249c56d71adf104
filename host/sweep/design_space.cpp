#include "host/sweep/design_space.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "models/base/error.h"

namespace corank {
namespace {

const std::string kConstraint = "constraint: ";

SweepRules::Figures figures_of(const std::array<double, kSweepFigureNames.size()>& machine,
                               const FpgaFigures& fpga) {
  SweepRules::Figures figures{};
  const auto behind = std::copy(machine.begin(), machine.end(), figures.begin());
  std::copy(fpga.begin(), fpga.end(), behind);
  return figures;
}

}  // namespace

DesignSpace::DesignSpace(const SweepFile& sweep) : sweep_(sweep), configs_(sweep) {}

DesignSpace::MachineKey DesignSpace::key_of(const Config& config) {
  MachineKey key{};
  for (std::size_t i = 0; i < kMachineParameters.size(); ++i)
    key[i] = config.machine.*kMachineParameters[i].value;
  key.back() = known_node(config.energy.node);
  return key;
}

const MachineSilicon& DesignSpace::silicon_of(const Config& config) {
  const MachineKey key = key_of(config);
  if (silicon_key_ == key) return silicon_;
  silicon_ = machine_silicon(config.machine, config.energy.node);
  silicon_key_ = key;
  return silicon_;
}

std::string DesignSpace::reason_of(std::size_t constraint) const {
  return kConstraint + sweep_.constraints[constraint].text;
}

FpgaFigures DesignSpace::fpga_of(const Config& config) const {
  FpgaFigures figures{};
  const SweepFpga& fpga = sweep_.fpga;
  if (fpga.part == nullptr) return figures;
  const FpgaCounts counts = fpga_counts(*fpga.fit, config.machine);
  std::copy(counts.begin(), counts.end(), figures.begin());
  figures.back() = share_of(*fpga.part, counts);
  return figures;
}

std::string DesignSpace::unfit_reason(const Config& config, const FpgaFigures& fpga) const {
  if (fpga.back() <= 1) return "";
  const FpgaPart& part = *sweep_.fpga.part;
  const FpgaCounts counts = fpga_counts(*sweep_.fpga.fit, config.machine);
  return fmt::format("fpga: {} has too little: {}", part.name, lacking_of(part, counts));
}

DesignSpace::Examined DesignSpace::examine(std::size_t design) {
  using RuleStage = SweepRules::Stage;
  const SweepRules& rules = *sweep_.rules;
  const std::vector<std::size_t> places = sweep_.places_of(design);
  Examined examined;
  try {
    const std::vector<double> derived = rules.derived(places);
    if (const auto broken = rules.broken(RuleStage::kKeys, places, derived, {}))
      return {reason_of(*broken), {}};
    std::vector<StepFigures> steps;
    for (std::size_t workload = 0; workload < sweep_.workloads.size(); ++workload) {
      const auto [config, closed] = configs_.of(places, derived, workload);
      const FpgaFigures fpga = fpga_of(config);
      if (const std::string unfit = unfit_reason(config, fpga); !unfit.empty()) return {unfit, {}};
      const ClosedBound least = bound(closed.form, config.machine, config.limits, config.memory,
                                      config.link, closed.prices, closed.silicon);
      const SweepRules::Figures figures =
          figures_of({least.area_mm2, least.fmax_mhz, config.limits.clock_mhz, 0}, fpga);
      if (const auto broken = rules.broken(RuleStage::kMachine, places, derived, figures))
        return {reason_of(*broken), {}};
      steps.push_back(
          {least.step_ns, least.energy_pj, least.area_mm2, 0, closed.form.tokens, fpga});
    }
    examined.bounds = bounds_of(sweep_, steps, weights());
  } catch (const InputError& error) {
    examined.illegal = error.reason();
  }
  return examined;
}

DesignConfigs::Design DesignSpace::design_of(std::size_t design, std::size_t workload) {
  const std::vector<std::size_t> places = sweep_.places_of(design);
  return configs_.of(places, sweep_.rules->derived(places), workload);
}

std::string DesignSpace::broken_when_compiled(std::size_t design, double device_bytes) {
  const std::vector<std::size_t> places = sweep_.places_of(design);
  const auto [config, closed] = design_of(design, 0);
  const SiliconFigures silicon = closed.silicon.of(config.machine);
  const auto broken = sweep_.rules->broken(
      SweepRules::Stage::kCompiled, places, sweep_.rules->derived(places),
      figures_of({silicon.area_mm2, silicon.fmax_mhz, config.limits.clock_mhz, device_bytes},
                 fpga_of(config)));
  return broken ? reason_of(*broken) : "";
}

std::vector<double> DesignSpace::weights() const {
  std::vector<double> weights;
  for (const SweepWorkload& workload : sweep_.workloads) weights.push_back(workload.weight);
  return weights;
}

std::string kind_of_reason(const std::string& reason) {
  if (reason.compare(0, kConstraint.size(), kConstraint) == 0) return reason;
  std::string text;
  for (std::size_t i = 0; i < reason.size();) {
    const auto is_digit = [&](std::size_t at) {
      return at < reason.size() && std::isdigit(static_cast<unsigned char>(reason[at])) != 0;
    };
    const bool in_word = i > 0 && (std::isalnum(static_cast<unsigned char>(reason[i - 1])) != 0 ||
                                   reason[i - 1] == '_');
    if (!is_digit(i) || in_word) {
      text += reason[i++];
      continue;
    }
    while (is_digit(i) || (reason[i] == '.' && is_digit(i + 1))) ++i;
    text += "N";
  }
  return text;
}

std::vector<double> bounds_of(const SweepFile& sweep, const std::vector<StepFigures>& steps,
                              const std::vector<double>& weights) {
  std::vector<double> bounds;
  for (const Objective objective : sweep.objectives) {
    const double value = value_of(objective, steps, weights, sweep.prices);
    // These are known before a run as exactly as after it.
    const bool settled = objective == Objective::kArea || objective == Objective::kDeviceMemory ||
                         is_of_fpga(objective);
    bounds.push_back(settled ? value : value * (1 - kBoundRounding));
  }
  return bounds;
}

}  // namespace corank
