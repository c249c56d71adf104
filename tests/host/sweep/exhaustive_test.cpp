// A sweep of real runs: what the pruned one finds is what running everything finds.
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "host/run/run.h"
#include "host/run/simulate.h"
#include "host/sweep/objectives.h"
#include "host/sweep/search.h"
#include "tests/host/temporary_folder.h"

using namespace corank;

namespace {

const std::string kSmallSweep = std::string(R"(
configuration: )") + CORANK_CONFIGS +
                                R"(/cycle.yaml
workloads:
  - {name: small, set: {workload.shapes: {tokens: 32, layers: [{in: 64, out: 64, rank: 4}]}}}
axes:
  accelerator.array.rows: [4, 8, 16]
  accelerator.scratchpad.kib: {from: 16, to: 64, times: 2}
  accelerator.axi.data_bits: [64, 256]
  memory: [)" + CORANK_CONFIGS + "/memory/lpddr5-6400.yaml, " +
                                CORANK_CONFIGS + R"(/memory/hbm2.yaml]
derived:
  accelerator.array.columns: accelerator.array.rows
  accelerator.accumulator.kib: accelerator.scratchpad.kib
  accelerator.vector.lanes: min(accelerator.array.rows, 8)
constraints:
  - accelerator.scratchpad.kib * accelerator.array.rows <= 512
)";

/// Every design is compiled and run once, whoever asks.
class Runs {
 public:
  explicit Runs(const SweepFile& sweep) : sweep_(sweep) {}

  BoundDesigns bound() {
    return [this](const std::vector<std::size_t>& designs) {
      std::vector<std::vector<Bounded>> all;
      for (const std::size_t design : designs) all.push_back({of(design).first});
      return all;
    };
  }
  std::vector<Outcome> outcome(std::size_t design) { return {of(design).second}; }

 private:
  const std::pair<Bounded, Outcome>& of(std::size_t design) {
    const auto found = known_.find(design);
    if (found != known_.end()) return found->second;
    auto& [bounded, outcome] = known_[design];
    const Config config = measured_config(config_of(sweep_, design, 0));
    try {
      const PreparedStep prepared = prepare_step(config);
      bounded.step = analyse(config, prepared);
      bounded.tokens = 32;
      outcome.figures = measure_prepared(config, prepared);
    } catch (const InputError& error) {
      bounded.infeasible = error.reason();
    }
    return known_.at(design);
  }

  const SweepFile& sweep_;
  std::map<std::size_t, std::pair<Bounded, Outcome>> known_;
};

SweepTable carried_out(const SweepFile& sweep, Runs& runs) {
  Search search(sweep, runs.bound());
  for (;;) {
    const std::vector<std::size_t> designs = search.next_round();
    if (designs.empty()) return search.table();
    std::vector<std::vector<Outcome>> outcomes;
    for (const std::size_t design : designs) outcomes.push_back(runs.outcome(design));
    const auto violation = search.tell(outcomes);
    INFO(violation.value_or(""));
    REQUIRE_FALSE(violation);
  }
}

}  // namespace

TEST_CASE("a pruned sweep on the cycle model has the whole front of one that runs everything") {
  const TemporaryFolder folder;
  const SweepFile designs =
      load_sweep(folder.write("s.yaml", kSmallSweep + "objectives: [time]\n"));
  Runs runs(designs);
  for (const std::string objectives :
       {"[time, energy, area]", "[j_per_token, device_memory, time]"}) {
    const auto sweep_by = [&](const std::string& method) {
      return load_sweep(folder.write("s.yaml", kSmallSweep + "objectives: " + objectives +
                                                   "\nsearch: {round: 4, method: " + method +
                                                   "}\n"));
    };
    const SweepFile by_bound = sweep_by("bound"), all = sweep_by("all");
    const SweepTable pruned = carried_out(by_bound, runs), exhaustive = carried_out(all, runs);
    CHECK(pruned.proved);
    std::size_t ran = 0, ran_of_all = 0, front = 0;
    REQUIRE(pruned.rows.size() == exhaustive.rows.size());
    for (std::size_t i = 0; i < pruned.rows.size(); ++i) {
      CHECK(pruned.rows[i].on_front == exhaustive.rows[i].on_front);
      ran += pruned.rows[i].status == DesignStatus::kDone ? 1 : 0;
      ran_of_all += exhaustive.rows[i].status == DesignStatus::kDone ? 1 : 0;
      front += exhaustive.rows[i].on_front ? 1 : 0;
    }
    UNSCOPED_INFO(objectives << ": " << ran << " of " << ran_of_all << " for a front of " << front);
    CHECK(ran < ran_of_all);
    CHECK(pruned.infeasible.size() == 2);  // the constraint, and blocks that do not fit
    CHECK(front > 0);
  }
}

TEST_CASE("a design's price is that of corank run") {
  const TemporaryFolder folder;
  for (const std::string energy : {"synthesis", "7nm.yaml"}) {
    const std::string table =
        energy == "synthesis" ? energy : std::string(CORANK_CONFIGS) + "/energy/" + energy;
    const SweepFile sweep = load_sweep(
        folder.write("s.yaml", kSmallSweep + "objectives: [time, energy]\n"), {"energy=" + table});
    for (const std::size_t design : {std::size_t{4}, std::size_t{18}}) {
      const Config config = config_of(sweep, design, 0);
      RunOptions options;
      options.fidelity = Fidelity::kCycle;
      const RunReport report = run(config, options);
      const RunFigures figures = run_figures_of(to_json(measure_design(config)));
      CHECK(figures.total_ns == report.total_ns);
      CHECK(figures.cycles == report.cycles);
      const MachineSilicon silicon = machine_silicon(config.machine, config.energy.node);
      CHECK(energy_pj_of(config, silicon, figures) == report.energy_pj);
      CHECK(report.energy_pj > 0);
    }
  }
}

TEST_CASE("objectives worked out by hand") {
  const FpgaFigures fpga = {70, 60, 5, 4, 0.25};
  const StepFigures one{2e9, 3.6e18, 50, 1000, 10, fpga}, other{1e9, 1.8e18, 50, 4000, 20, fpga};
  const Prices prices{0.5, 0.1, 1};
  const std::vector<StepFigures> steps = {one, other};
  const std::vector<double> weights = {1, 2};
  CHECK(value_of(Objective::kTime, steps, weights, prices) == 4e9);
  CHECK(value_of(Objective::kEnergy, steps, weights, prices) == 7.2e18);
  CHECK(value_of(Objective::kArea, steps, weights, prices) == 50);
  CHECK(value_of(Objective::kDeviceMemory, steps, weights, prices) == 4000);
  CHECK(value_of(Objective::kLuts, steps, weights, prices) == 70);
  CHECK(value_of(Objective::kMultipliers, steps, weights, prices) == 4);
  CHECK(value_of(Objective::kFpgaShare, steps, weights, prices) == 0.25);
  // 7.2e6 J for 10 + 2 x 20 tokens.
  CHECK(value_of(Objective::kJoulesPerToken, steps, weights, prices) == Approx(7.2e6 / 50));
  // 2 kWh at 0.5 USD; 4 s of the hour that 50 mm2 at 0.1 USD live.
  CHECK(value_of(Objective::kCostOfAStep, steps, weights, prices) ==
        Approx(2 * 0.5 + 4.0 / 3600 * 50 * 0.1));
}
