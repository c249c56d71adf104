#include "tests/bench/analytic_speed.h"

#include <fmt/format.h>

#include <string>

#include "host/analytic/analytic.h"
#include "host/analytic/closed_form.h"
#include "host/config/config.h"
#include "host/run/simulate.h"
#include "tests/bench/clocks.h"

namespace corank::bench {
namespace {

Config layer_config() {
  return load_config(
      "configs/quickstart.yaml",
      {"values=off", "workload={shapes: {tokens: 64, layers: [{in: 256, out: 256, rank: 8}]}}"});
}

// Every combination of some sizes of a machine.
double closed_forms_a_second(const Config& config) {
  const ClosedForm form = closed_form_of(config);
  const EnergyPrices prices(config.energy);
  const SiliconForm silicon(45);
  MachineShape shape = config.machine;
  std::int64_t designs = 0;
  double sum = 0;  // so that nothing is left out
  const double start = cpu_seconds();
  for (shape.array_rows = 1; shape.array_rows <= 32; ++shape.array_rows)
    for (shape.array_columns = 1; shape.array_columns <= 32; ++shape.array_columns)
      for (shape.scratchpad_kib = 16; shape.scratchpad_kib <= 2048; shape.scratchpad_kib *= 2)
        for (shape.accumulator_kib = 16; shape.accumulator_kib <= 256; shape.accumulator_kib *= 2) {
          sum += bound(form, shape, config.limits, config.memory, config.link, prices, silicon)
                     .energy_pj;
          ++designs;
        }
  const double seconds = cpu_seconds() - start;
  return sum > 0 ? static_cast<double>(designs) / seconds : 0;
}

// Compiled commands of so many times a second, the compiler included.
double compiled_a_second(Config config, bool rehearse, int times) {
  config.compiler.rehearse = rehearse;
  double sum = 0;
  const double start = cpu_seconds();
  for (int i = 0; i < times; ++i) sum += analyse(config, prepare_step(config)).bound_ns;
  return sum > 0 ? times / (cpu_seconds() - start) : 0;
}

double analyses_a_second(const Config& config, int times) {
  const PreparedStep prepared = prepare_step(config);
  double sum = 0;
  const double start = cpu_seconds();
  for (int i = 0; i < times; ++i) sum += analyse(config, prepared).bound_ns;
  return sum > 0 ? times / (cpu_seconds() - start) : 0;
}

}  // namespace

std::vector<Result> analytic_speed() {
  const Config config = layer_config();
  const std::string unit = "designs/s";
  return {{"closed form of a layer's step", closed_forms_a_second(config), unit,
           Result::Bar::AtLeast, 1e5, "time, energy, area; a core's CPU time"},
          {"analysis of compiled commands", analyses_a_second(config, 500), unit,
           Result::Bar::AtLeast, 100, "bound and estimate; 64 tokens, 256 x 256, r = 8"},
          {"the same with the compiler", compiled_a_second(config, false, 500), unit,
           Result::Bar::AtLeast, 100, "blocks by the cost rule"},
          {"the same with rehearsed blocks", compiled_a_second(config, true, 5), unit,
           Result::Bar::None, 0, "as a run has them"}};
}

}  // namespace corank::bench
