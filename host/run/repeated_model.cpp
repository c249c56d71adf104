#include "host/run/repeated_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "host/compiler/compiler.h"
#include "host/run/device_figures.h"
#include "host/run/device_memory.h"
#include "host/run/finetune_source.h"
#include "host/run/measurement.h"
#include "host/run/prepare_finetune.h"
#include "host/run/step_costs.h"
#include "models/base/error.h"
#include "sim/system/interruption.h"

namespace corank {
namespace {

// The only layer of the first model is the first and the last one; those that follow have two more
// each, until what a layer adds is what one in the middle takes: up to so much of the whole step,
// or of the largest of them so much.
constexpr int kLeastLayers = 1, kMoreLayers = 2, kMostSimulatedLayers = 7;
constexpr double kAlike = 0.001, kMostShare = 0.01;

struct OneModel {
  DeviceFigures figures;
  SimulationCost cost;
  std::vector<CounterMismatch> mismatches;
};

OneModel run_model(const Config& config, const RunOptions& options, const FinetuneSource& source,
                   int layers) {
  const PreparedFinetune prepared = prepare_for_device(config, with_layers(source, layers));
  RunOptions whole_steps = options;
  whole_steps.stop = nullptr;
  bool stopped = false;
  const Simulated simulated = simulate(config, whole_steps, prepared, "", [&](Executor& device) {
    stopped = train_on_device(device, prepared, options.stop).stopped;
    return states_of(device, prepared);
  });
  if (stopped) throw Interrupted();
  const StepMeasurement first = measure(config, prepared, simulated);
  return {figures_of(config, prepared, simulated, first),
          simulation_cost(simulated.platform, options.fidelity),
          check_costs(config, prepared, simulated)};
}

void check_repeated(const Config& config, const RunOptions& options, std::int64_t layers) {
  const SourceLocation where = place_of(config, "workload.layers");
  if (options.fidelity != Fidelity::kCycle || config.values)
    throw InputError(where,
                     "workload.layers: repeated gives times alone; expected --fidelity cycle and "
                     "values: off");
  if (options.trace)
    throw InputError(
        "--trace: of repeated layers a few are simulated; expected workload.layers: "
        "whole");
  if (layers <= kLeastLayers + kMoreLayers)
    throw InputError(
        where, fmt::format("workload.layers: repeated: expected a model of at least {} layers, "
                           "found {}",
                           kLeastLayers + kMoreLayers + 1, layers));
}

// The values are those of all layers; the rings, which come before the gaps, do not depend on how
// many there are.
std::vector<RoleBytes> with_rings(const Config& config, std::vector<RoleBytes> memory,
                                  const std::vector<RoleBytes>& of_more) {
  const auto values = static_cast<std::ptrdiff_t>(memory.size()) - 1;
  memory.insert(memory.end() - 1, of_more.begin() + values, of_more.end() - 1);
  const std::uint64_t bytes = sum_of(memory);
  const std::uint64_t size = driver_options_of(config).memory_size_bytes;
  if (bytes > size)
    throw InputError(location_of(config, kMemoryKeys),
                     fmt::format("the step needs {} bytes of device memory ({}); {} gives {} bytes",
                                 bytes, to_text(memory), kMemoryKeys.front(), size));
  return memory;
}

void check_alike(const Config& config, const ModelRepeated& repeated) {
  if (repeated.error > kMostShare)
    throw InputError(place_of(config, "workload.layers"),
                     fmt::format("workload.layers: repeated: what a layer adds and what one in the "
                                 "middle takes differ by {:.1f} % of the whole step, where at most "
                                 "{:.0f} % is taken; expected workload.layers: whole",
                                 100 * repeated.error, 100 * kMostShare));
}

SimulationCost sum_of_costs(const SimulationCost& a, const SimulationCost& b) {
  SimulationCost sum = b;  // whose peak is that of the process
  sum.cpu_s += a.cpu_s;
  sum.cycles += a.cycles;
  sum.evaluated_cycles += a.evaluated_cycles;
  sum.cycles_per_cpu_s = static_cast<double>(sum.cycles) / sum.cpu_s;
  return sum;
}

}  // namespace

RepeatedModel run_repeated_model(const Config& config, const RunOptions& options) {
  const FinetuneSource source = finetune_source(config);
  const auto layers = static_cast<int>(layers_of(source));
  check_repeated(config, options, layers);
  PreparedFinetune whole_model = prepare_finetune(config, Numerics::kBf16, source);
  const Plan plan =
      plan_memory_for(config, whole_model.program);  // refused at once, if it does not fit
  const std::vector<RoleBytes> values = values_by_role(plan, whole_model.program.graph);
  const std::string packed = packed_bytes_text(plan, whole_model.program.graph);
  OneModel fewer = run_model(config, options, source, kLeastLayers);
  FinetuneReport report = std::move(whole_model.report);
  if (!packed.empty()) report.notes.push_back(packed);
  report.fidelity = name_of(options.fidelity);
  for (int more_layers = kLeastLayers + kMoreLayers;; more_layers += kMoreLayers) {
    const int fewer_layers = more_layers - kMoreLayers;
    OneModel more = run_model(config, options, source, more_layers);
    more.cost = sum_of_costs(fewer.cost, more.cost);
    more.mismatches.insert(more.mismatches.end(), fewer.mismatches.begin(), fewer.mismatches.end());
    DeviceFigures whole = extrapolated(fewer.figures, fewer_layers, more.figures, more_layers,
                                       layers, config.machine);
    const ModelRepeated repeated =
        repetition_of(fewer.figures, fewer_layers, more.figures, more_layers, whole, layers);
    const bool is_last = more_layers + kMoreLayers > std::min(kMostSimulatedLayers, layers);
    if (repeated.error > kAlike && !is_last) {
      fewer = std::move(more);
      continue;
    }
    check_alike(config, repeated);
    whole.memory = with_rings(config, values, more.figures.memory);
    report.steps = static_cast<std::int64_t>(whole.steps.size());
    report.device = device_report(config, whole);
    report.device->repeated = repeated;
    report.device->simulation = more.cost;
    report.device->counter_mismatches = std::move(more.mismatches);
    return {std::move(report), std::move(whole)};
  }
}

}  // namespace corank
