#include "host/sweep/design_space.h"

#include <cctype>

#include "host/cost/cost.h"
#include "models/base/error.h"

namespace corank {
namespace {

const std::string kConstraint = "constraint: ";

}  // namespace

DesignSpace::DesignSpace(const SweepFile& sweep) : sweep_(sweep), configs_(sweep) {}

DesignSpace::MachineKey DesignSpace::key_of(const Config& config) {
  MachineKey key{};
  for (std::size_t i = 0; i < kMachineParameters.size(); ++i)
    key[i] = config.machine.*kMachineParameters[i].value;
  key.back() = known_node(config.energy.node);
  return key;
}

std::pair<double, double> DesignSpace::area_and_fmax(const Config& config) {
  const MachineKey key = key_of(config);
  const auto found = machines_.find(key);
  if (found != machines_.end()) return found->second;
  const CostReport cost = composed_cost(config.machine, key.back());
  return machines_[key] = {area_mm2_of(cost), cost.fmax_mhz()};
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

SweepRules::Figures DesignSpace::figures_of(const Config& config) {
  const auto [area_mm2, fmax_mhz] = area_and_fmax(config);
  return {area_mm2, fmax_mhz, config.limits.clock_mhz, 0};
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
      const Config& config = configs_.of(places, derived, workload);
      if (workload == 0)
        if (const auto broken =
                rules.broken(RuleStage::kMachine, places, derived, figures_of(config)))
          return {reason_of(*broken), {}};
      StepFigures step;
      step.area_mm2 = area_and_fmax(config).first;
      steps.push_back(step);
    }
    for (const Objective objective : sweep_.objectives)
      examined.bounds.push_back(value_of(objective, steps, weights(), sweep_.prices));
  } catch (const InputError& error) {
    examined.illegal = error.reason();
  }
  return examined;
}

const Config& DesignSpace::config_of(std::size_t design, std::size_t workload) {
  const std::vector<std::size_t> places = sweep_.places_of(design);
  return configs_.of(places, sweep_.rules->derived(places), workload);
}

std::string DesignSpace::broken_when_compiled(std::size_t design, double device_bytes) {
  const std::vector<std::size_t> places = sweep_.places_of(design);
  SweepRules::Figures figures = figures_of(config_of(design, 0));
  figures.back() = device_bytes;
  const auto broken = sweep_.rules->broken(SweepRules::Stage::kCompiled, places,
                                           sweep_.rules->derived(places), figures);
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

}  // namespace corank
