#include "host/report/silicon_report.h"

#include <catch2/catch.hpp>

#include "host/cost/cost.h"

namespace corank {
namespace {

using Catch::Matchers::Contains;

// 64 tokens and a million multiply-accumulates in 1 us, 2 us with transfers, for 5 uJ.
StepWork work() {
  StepWork step;
  step.tokens = 64;
  step.macs = 1e6;
  step.step_ns = 1000;
  step.total_ns = 2000;
  step.energy_pj = 5e6;
  step.energy_node = "45 nm";
  return step;
}

}  // namespace

TEST_CASE("Power, J/token and MACs per joule and mm2 are those of the step") {
  const SiliconReport report = silicon_report({}, 1000, work());
  CHECK(report.node_nm == 45);
  CHECK(report.power_mw.value() == Approx(2500));  // 5 uJ in 2 us
  CHECK(report.j_per_token.value() == Approx(5e-6 / 64));
  CHECK(report.macs_per_joule.value() == Approx(2e11));
  CHECK(report.macs_per_s_per_mm2 ==
        Approx(1e12 / (report.logic_mm2 + report.memory_mm2)));  // 10^6 in 1 us
  CHECK(to_json(report).at("power_mw").get<double>() == Approx(2500));
  CHECK_THAT(silicon_lines(report),
             Contains("2.5 W by the energy above; 78.12 nJ per token; 200 G MACs per joule\n"));
}

TEST_CASE("Area and clock of a run are those of the closed form at the energy table's node") {
  const CostReport cost = composed_cost({}, 45);
  const SiliconReport report = silicon_report({}, 1000, work());
  CHECK(report.logic_mm2 == Approx(cost.logic_um2 / 1e6));
  CHECK(report.memory_mm2 == Approx(cost.ram_um2 / 1e6));
  CHECK(report.fmax_mhz == Approx(cost.fmax_mhz()));
  StepWork unknown = work();
  unknown.energy_node = "a chip of ours";
  CHECK(silicon_report({}, 1000, unknown).node_nm == 180);
}

TEST_CASE("A clock that is not reached is a warning") {
  const double fmax = composed_cost({}, 45).fmax_mhz();
  const SiliconReport slow = silicon_report({}, fmax - 1, work());
  CHECK(slow.clock_reached());
  CHECK_THAT(silicon_lines(slow), !Contains("not reached"));
  const SiliconReport fast = silicon_report({}, fmax + 1, work());
  CHECK_FALSE(fast.clock_reached());
  CHECK_THAT(silicon_lines(fast), Contains("not reached") && Contains("45 nm"));
  CHECK(to_json(fast).at("clock_reached") == false);
}

TEST_CASE("What is not known is not told") {
  StepWork stopped = work();
  stopped.tokens = 0;
  CHECK_FALSE(silicon_report({}, 1000, stopped).j_per_token.has_value());
  StepWork free = work();
  free.energy_pj = 0;
  const SiliconReport report = silicon_report({}, 1000, free);
  CHECK(to_json(report).at("power_mw").is_null());
  CHECK_THAT(silicon_lines(report), !Contains("power"));
}

}  // namespace corank
