#include "host/sweep/run_figures.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <tuple>
#include <utility>
#include <vector>

#include "host/driver/device_executor.h"
#include "host/report/device_report.h"
#include "host/run/measurement.h"
#include "host/run/prepare_finetune.h"
#include "host/run/repeated_layers.h"
#include "host/run/repeated_model.h"
#include "host/run/simulate.h"
#include "host/run/step_costs.h"
#include "models/base/error.h"
#include "rtl/interface/interface.h"
#include "sim/system/interruption.h"

namespace corank {
namespace {

using interface::Counter;

std::uint64_t wire_bytes(const LinkStatistics& link) {
  return unsigned_of(link.to_device.wire_bytes) + unsigned_of(link.to_host.wire_bytes);
}

RunFigures figures_of(const Config& config, const StepSums& sums) {
  RunFigures figures;
  figures.counters = sums.counters;
  figures.cycles = at(sums.counters, Counter::kCycles);
  figures.step_ns = sums.step_ns;
  figures.total_ns = sums.upload_ns + sums.step_ns + sums.download_ns;
  const StepTraffic traffic = traffic_of(sums, config.machine);
  figures.memory_bytes = traffic.memory_read + traffic.memory_written;
  for (const LinkStatistics* link : {&sums.upload, &sums.in_step, &sums.download})
    figures.link_bytes += wire_bytes(*link);
  if (sums.dram) figures.dram = *sums.dram;
  for (std::size_t kind = 0; kind < interface::kGemmKinds; ++kind)
    figures.macs +=
        static_cast<double>(sums.counters[static_cast<std::size_t>(Counter::kGemmMacs0) + kind]);
  figures.bound_by = bound_of(config, sums);
  return figures;
}

// A run whose counters are not what its commands must cost measured something else.
void require_costs(const std::vector<CounterMismatch>& mismatches) {
  if (mismatches.empty()) return;
  const CounterMismatch& first = mismatches.front();
  throw MachineError(
      fmt::format("{} of what was counted is not what the commands must cost: {} is "
                  "{}, expected {}",
                  mismatches.size(), first.counter, first.device, first.expected));
}

// Nothing is kept of the commands' events.
SimulationObserver ignored() {
  SimulationObserver observer;
  observer.event = [](const TraceEvent&) {};
  return observer;
}

double tokens_of(const Config& config, const Workload& workload) {
  return static_cast<double>(layers_of(workload).front().tokens * config.optimizer.accumulate);
}

RunFigures measure_repeated_layers(const Config& config, const RunOptions& options) {
  check_repeated(config);
  const Workload workload = read_workload(config);
  const auto [step, simulated] = simulate_repeated(config, options, workload);
  if (simulated.stopped()) throw Interrupted();
  require_costs(check_costs(config, step.prepared, simulated));
  const StepMeasurement whole = extrapolate(config, step, measure(config, step.prepared, simulated),
                                            simulated.platform.snapshots);
  RunFigures figures = figures_of(config, whole);
  figures.device_bytes = step.memory_bytes;
  figures.tokens = tokens_of(config, workload);
  return figures;
}

RunFigures measure_layers(const Config& config, const RunOptions& options,
                          const PreparedStep& prepared) {
  const Simulated simulated = simulate(config, options, prepared, "", ignored());
  if (simulated.stopped()) throw Interrupted();
  require_costs(check_costs(config, prepared, simulated));
  RunFigures figures = figures_of(config, sums_of_step(simulated, 0));
  figures.device_bytes = prepared.step.memory_bytes;
  figures.tokens = tokens_of(config, prepared.workload);
  return figures;
}

RunFigures measure_layers(const Config& config, const RunOptions& options) {
  if (config.layers == Layers::kRepeated) return measure_repeated_layers(config, options);
  return measure_layers(config, options, prepare_step(config));
}

RunFigures measure_repeated_model(const Config& config, const RunOptions& options) {
  const RepeatedModel model = run_repeated_model(config, options);
  require_costs(model.report.device->counter_mismatches);
  RunFigures figures = figures_of(config, model.figures.steps.front());
  figures.device_bytes = sum_of(model.figures.memory);
  figures.tokens = static_cast<double>(model.figures.tokens);
  return figures;
}

RunFigures measure_model(const Config& config, const RunOptions& options) {
  if (config.layers == Layers::kRepeated) return measure_repeated_model(config, options);
  const PreparedFinetune prepared = prepare_for_device(config);
  RunOptions whole_steps = options;
  whole_steps.stop = nullptr;
  bool first_done = false;
  const auto stop = [&] { return first_done || (options.stop && options.stop()); };
  const Simulated simulated = simulate(
      config, whole_steps, prepared, "",
      [&](Executor& device) {
        train_on_device(device, prepared, stop, [&](std::int64_t, double) { first_done = true; });
        return states_of(device, prepared);
      },
      ignored());
  if (prepared.steps == 1) require_costs(check_costs(config, prepared, simulated));
  RunFigures figures = figures_of(config, sums_of_step(simulated, 0));
  figures.device_bytes = prepared.step.memory_bytes;
  figures.tokens = static_cast<double>(tokens_of(prepared, 1));
  return figures;
}

// ---- JSON ----

struct CountField {
  const char* name;
  std::uint64_t RunFigures::*field;
};
constexpr std::array<CountField, 4> kCountFields = {{{"cycles", &RunFigures::cycles},
                                                     {"memory_bytes", &RunFigures::memory_bytes},
                                                     {"link_bytes", &RunFigures::link_bytes},
                                                     {"device_bytes", &RunFigures::device_bytes}}};
struct NumberField {
  const char* name;
  double RunFigures::*field;
};
constexpr std::array<NumberField, 4> kNumberFields = {{{"step_ns", &RunFigures::step_ns},
                                                       {"total_ns", &RunFigures::total_ns},
                                                       {"tokens", &RunFigures::tokens},
                                                       {"macs", &RunFigures::macs}}};

bool is_empty(const DramStatistics& dram) {
  for (const auto sum : kDramSums)
    if (dram.*sum != 0) return false;
  return true;
}

[[noreturn]] void refuse_figure(const std::string& name, const std::string& expected) {
  throw InputError(fmt::format("figures: {}: expected {}", name, expected));
}

const nlohmann::json& part_of(const nlohmann::json& json, const char* name) {
  const auto part = json.find(name);
  if (part == json.end()) throw InputError(fmt::format("figures: {}: is missing", name));
  return *part;
}

template <class Int>
void read_count(const nlohmann::json& json, const std::string& name, Int& count) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<Int>::max());
  const bool unsigned_one = json.is_number_unsigned();
  if (!json.is_number_integer() || (!unsigned_one && json.get<std::int64_t>() < 0) ||
      json.get<std::uint64_t>() > kMost)
    refuse_figure(name, "a count");
  count = json.get<Int>();
}

/// `count(i)` is where the i-th one goes.
template <class Count>
void read_list(const nlohmann::json& json, const char* name, std::size_t size, const Count& count) {
  if (!json.is_array() || json.size() != size)
    refuse_figure(name, fmt::format("a list of {} counts", size));
  for (std::size_t i = 0; i < size; ++i)
    read_count(json[i], fmt::format("{}[{}]", name, i), count(i));
}

}  // namespace

nlohmann::ordered_json to_json(const RunFigures& figures) {
  nlohmann::ordered_json json;
  for (const CountField& f : kCountFields) json[f.name] = figures.*f.field;
  for (const NumberField& f : kNumberFields) json[f.name] = figures.*f.field;
  json["bound_by"] = figures.bound_by;
  json["counters"] = figures.counters;
  if (is_empty(figures.dram)) return json;
  nlohmann::ordered_json dram = nlohmann::ordered_json::array();
  for (const auto sum : kDramSums) dram.push_back(figures.dram.*sum);
  dram.push_back(figures.dram.longest_read);
  json["dram"] = std::move(dram);
  return json;
}

RunFigures run_figures_of(const nlohmann::json& json) {
  RunFigures figures;
  for (const CountField& f : kCountFields)
    read_count(part_of(json, f.name), f.name, figures.*f.field);
  for (const NumberField& f : kNumberFields) {
    const nlohmann::json& number = part_of(json, f.name);
    if (!number.is_number() || number < 0) refuse_figure(f.name, "a number of at least 0");
    figures.*f.field = number.get<double>();
  }
  const nlohmann::json& bound_by = part_of(json, "bound_by");
  if (!bound_by.is_string()) refuse_figure("bound_by", "a text");
  figures.bound_by = bound_by.get<std::string>();
  read_list(
      part_of(json, "counters"), "counters",
      figures.counters.size(), [&](std::size_t i) -> auto& { return figures.counters[i]; });
  if (json.count("dram") == 0) return figures;
  read_list(
      json["dram"], "dram", kDramSums.size() + 1, [&](std::size_t i) -> auto& {
        return i < kDramSums.size() ? figures.dram.*kDramSums[i] : figures.dram.longest_read;
      });
  return figures;
}

Config measured_config(const Config& config) {
  Config measured = config;
  measured.steps = 1;
  measured.write_gradients = measured.write_logits = false;
  measured.checkpoint = 0;
  // Only what is trained from files, and what is not trained at all, needs its values.
  const bool needs_values = !config.model.empty() || config.pass == RunPass::kForward;
  measured.values = needs_values && config.values;
  return measured;
}

RunFigures measure_prepared(const Config& measured, const PreparedStep& prepared) {
  RunOptions options;
  options.fidelity = Fidelity::kCycle;
  return measure_layers(measured, options, prepared);
}

RunFigures measure_design(const Config& config, const std::function<bool()>& stop) {
  const Config measured = measured_config(config);
  RunOptions options;
  options.fidelity = Fidelity::kCycle;
  options.stop = stop;
  return names_finetuning(measured) ? measure_model(measured, options)
                                    : measure_layers(measured, options);
}

}  // namespace corank
