// Exact runs of random designs against their bounds and estimates. CORANK_CASES of them (left out:
// 60) from CORANK_SEED on; a design that fails is drawn again by its number.
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>

#include "host/analytic/analytic.h"
#include "host/analytic/analytic_report.h"
#include "host/analytic/closed_form.h"
#include "host/energy/machine_silicon.h"
#include "host/run/step_costs.h"
#include "models/base/error.h"
#include "tests/host/analytic/drawn_design.h"

using namespace corank;
using corank::test::draw_design;
using corank::test::DrawnDesign;

namespace {

std::uint64_t number_of(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// What an exact run measured, and what was said before.
struct Compared {
  AnalyticStep analytic;
  ClosedBound closed;
  double step_ns = 0, total_ns = 0, energy_pj = 0;
  std::uint64_t cycles = 0;
  DeviceCounters counters{};
};

std::optional<PreparedStep> prepared_of(const Config& config) {
  try {
    return prepare_step(config);
  } catch (const InputError&) {  // it does not fit
    return std::nullopt;
  } catch (const MachineError&) {  // a rehearsal that never ends
    return std::nullopt;
  }
}

Compared compare(const Config& config, const PreparedStep& prepared) {
  static const SiliconForm silicon(45);
  Compared all;
  all.analytic = analyse(config, prepared);
  all.closed = bound(closed_form_of(config), config.machine, config.limits, config.memory,
                     config.link, EnergyPrices(config.energy), silicon);
  RunOptions options;
  options.fidelity = Fidelity::kCycle;
  const StepSums sums = sums_of_step(simulate(config, options, prepared, ""), 0);
  all.step_ns = sums.step_ns;
  all.total_ns = sums.upload_ns + sums.step_ns + sums.download_ns;
  const MachineSilicon macros = machine_silicon(config.machine, config.energy.node);
  all.energy_pj = sum_of(energy_of(config, macros, sums)).pj;
  all.counters = sums.counters;
  all.cycles = at(sums.counters, interface::Counter::kCycles);
  return all;
}

void check_bounds(const Compared& all) {
  CHECK(violated_bound(all.analytic, all.step_ns, all.total_ns, all.energy_pj) == std::nullopt);
  CHECK(at(all.analytic.counters, interface::Counter::kCycles) <= all.cycles);
  CHECK(all.closed.step_ns <= all.step_ns);
  CHECK(all.closed.total_ns <= all.total_ns);
  CHECK(all.closed.energy_pj <= all.energy_pj);
  using interface::Unit;
  for (const Unit unit : {Unit::kArray, Unit::kVector, Unit::kStore}) {
    const std::size_t busy = static_cast<std::size_t>(unit) * interface::kActivityNames.size() +
                             static_cast<std::size_t>(interface::Activity::kBusy);
    CHECK(all.analytic.counters[busy] == all.counters[busy]);
  }
}

/// Errors without their signs, and the sum with them.
struct Errors {
  std::vector<double> sizes;
  double sum = 0;

  void add(double estimate, double exact) {
    sizes.push_back(std::abs(estimate / exact - 1));
    sum += estimate / exact - 1;
  }
  double at(double share) {
    std::sort(sizes.begin(), sizes.end());
    return sizes.at(std::min(sizes.size() - 1,
                             static_cast<std::size_t>(share * static_cast<double>(sizes.size()))));
  }
  std::string text() {
    return fmt::format(
        "{:5} designs: median {:6.3f} %, 95 of 100 {:6.3f} %, most {:6.3f} %, mean "
        "with signs {:+.3f} %",
        sizes.size(), 100 * at(0.5), 100 * at(0.95), 100 * at(1),
        100 * sum / static_cast<double>(sizes.size()));
  }
};

struct ErrorsOf {
  Errors time, energy, bound, energy_bound, closed, closed_energy;
};

}  // namespace

TEST_CASE("no exact run of a random design is below its bounds, and estimates are near it",
          "[analytic]") {
  const std::uint64_t first = number_of("CORANK_SEED", 1), cases = number_of("CORANK_CASES", 60);
  std::map<std::string, ErrorsOf> errors;  // by what bounds the step
  for (std::uint64_t number = first; number < first + cases; ++number) {
    const DrawnDesign design = draw_design(number);
    const std::optional<Config> config = design.config();
    if (!config) continue;
    const std::optional<PreparedStep> prepared = prepared_of(*config);
    if (!prepared) continue;
    INFO(design.text());
    const Compared all = compare(*config, *prepared);
    check_bounds(all);
    if (design.stall_percent > 0) continue;  // which estimates know nothing of
    for (const std::string& of : {std::string("all"), all.analytic.bound_by}) {
      ErrorsOf& sum = errors[of];
      sum.time.add(all.analytic.estimate_ns, all.step_ns);
      sum.energy.add(all.analytic.estimate_energy_pj, all.energy_pj);
      sum.bound.add(all.analytic.bound_ns, all.step_ns);
      sum.energy_bound.add(all.analytic.bound_energy_pj, all.energy_pj);
      sum.closed.add(all.closed.step_ns, all.step_ns);
      sum.closed_energy.add(all.closed.energy_pj, all.energy_pj);
    }
  }
  for (auto& [of, sum] : errors) {
    fmt::print(
        "{}\n  time     {}\n  energy   {}\n  bound    {}\n  of energy {}\n  closed   {}\n"
        "  of energy {}\n",
        of, sum.time.text(), sum.energy.text(), sum.bound.text(), sum.energy_bound.text(),
        sum.closed.text(), sum.closed_energy.text());
  }
  ErrorsOf& all = errors.at("all");
  CHECK(all.time.sizes.size() >= cases / 3);
  CHECK(all.time.at(0.5) <= 0.03);
  CHECK(all.time.at(0.95) <= 0.10);
  CHECK(all.energy.at(0.5) <= 0.01);
  // What is told with every result.
  if (cases < 500) return;
  CHECK(all.time.at(0.5) <= kAnalyticError.time.median);
  CHECK(all.time.at(0.95) <= kAnalyticError.time.percentile95);
  CHECK(all.energy.at(0.5) <= kAnalyticError.energy.median);
  CHECK(all.energy.at(0.95) <= kAnalyticError.energy.percentile95);
}

TEST_CASE("a run that is faster than its bound is told", "[analytic]") {
  AnalyticStep step;
  step.bound_ns = 1000;
  step.bound_total_ns = 3000;
  step.bound_energy_pj = 500;
  CHECK(violated_bound(step, 1000, 3000, 500) == std::nullopt);
  CHECK(violated_bound(step, 1000, 3000, 0) == std::nullopt);  // no table
  CHECK(violated_bound(step, 999, 3000, 500)->find("a step of 999 ns is below") == 0);
  CHECK(violated_bound(step, 1000, 2999, 500)->find("a step with its transfers") == 0);
  CHECK(violated_bound(step, 1000, 3000, 499)->find("energy of 499 pJ is below") == 0);
}
