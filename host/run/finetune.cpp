#include "host/run/finetune.h"

#include <filesystem>
#include <functional>
#include <utility>

#include "host/analytic/analytic.h"
#include "host/driver/device_executor.h"
#include "host/formats/safetensors.h"
#include "host/pages/write_report.h"
#include "host/report/trace_json.h"
#include "host/run/compare.h"
#include "host/run/device_figures.h"
#include "host/run/measurement.h"
#include "host/run/repeated_model.h"
#include "host/run/step_costs.h"
#include "host/run/training_state.h"
#include "models/base/error.h"
#include "models/reference/reference_executor.h"
#include "sim/system/interruption.h"

namespace corank {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAdapterFolder = "adapter";
constexpr const char* kStateFile = "state.safetensors";
constexpr const char* kGradientsFile = "gradients.safetensors";
constexpr const char* kLogitsFile = "logits.safetensors";

// What belongs to steps of layers on the accelerator.
void check_reference(const Config& config) {
  const auto refuse = [&](const std::string& key, const std::string& found) {
    throw InputError(place_of(config, key),
                     key + ": " + found + " needs --fidelity cycle; found --fidelity reference");
  };
  if (!config.values) refuse("values", "off");
  if (config.layers == Layers::kRepeated) refuse("workload.layers", "repeated");
}

/// What came of it.
FinetuneResult result_of(PreparedFinetune prepared, TrainingResult trained, TensorMap states) {
  FinetuneResult result;
  const bool values = prepared.report.values;
  if (values && !prepared.forward)
    result.state = state_file(prepared, states, prepared.first_step + trained.steps);
  result.report = std::move(prepared.report);
  if (prepared.forward)
    result.report.evaluation =
        evaluation_of(prepared.batches, trained.losses, trained.correct_labels);
  result.report.incomplete = trained.stopped;
  result.report.steps = trained.steps;
  result.report.losses = std::move(trained.losses);
  result.report.learning_rates = std::move(trained.learning_rates);
  result.report.gradient_norms = std::move(trained.gradient_norms);
  result.report.seconds = trained.seconds;
  result.adapter_config = std::move(prepared.adapter_config);
  result.plan = std::move(prepared.plan);
  if (values)
    for (const std::string& name : prepared.trained) result.adapter[name] = states.at(name);
  result.states = std::move(states);
  result.frozen = std::move(prepared.frozen);
  result.gradients = std::move(trained.first_gradients);
  result.logits = std::move(trained.first_logits);
  if (values && prepared.batches.causal)  // the graph has a row for each token
    result.logits.shape = {prepared.batches.batch, prepared.batches.sequence, prepared.vocabulary};
  return result;
}

// Both or, as far as a signal goes, none of them.
void write_progress(const std::string& directory, const AdapterConfig& config,
                    const AdapterPlan& plan, const TensorMap& adapter, const FrozenTensors& frozen,
                    const SafetensorsFile& state) {
  const fs::path root(directory);
  const SignalsHeld held;
  write_adapter((root / kAdapterFolder).string(), config, plan, adapter, frozen);
  write_safetensors((root / kStateFile).string(), state);
}

/// After each step: tells of it, and writes what is due.
std::function<void(std::int64_t, double)> after_step(
    const Config& config, const PreparedFinetune& prepared, Executor& executor,
    const std::string& directory, const std::function<void(std::int64_t, double)>& progress) {
  return [&, directory, progress](std::int64_t done, double loss) {
    if (progress) progress(done, loss);
    const bool last = done == prepared.first_step + prepared.steps;
    if (last || config.checkpoint == 0 || done % config.checkpoint != 0) return;
    const OutputFolder made(directory, "--out " + directory);
    const TensorMap states = states_of(executor, prepared);
    TensorMap adapter;
    for (const std::string& name : prepared.trained) adapter[name] = states.at(name);
    write_progress(directory, prepared.adapter_config, prepared.plan, adapter, prepared.frozen,
                   state_file(prepared, states, done));
  };
}

void check_checkpoint(const Config& config, const std::string& directory) {
  if (config.checkpoint > 0 && directory.empty())
    throw InputError(place_of(config, "workload.checkpoint"),
                     "workload.checkpoint: is written below --out DIR; found no --out");
}

// ---- the accelerator against the reference ----

/// Many tensors as one line of the report.
ComparisonReport compare_all(const std::string& what, const TensorMap& device,
                             const TensorMap& reference) {
  ComparisonReport all;
  all.tensor = what;
  for (const auto& [name, expected] : reference) {
    const ComparisonReport one = compare_tensor(name, device.at(name), expected);
    all.elements += one.elements;
    if (all.mismatches == 0 && one.mismatches > 0) {
      all.tensor += ", " + name;
      all.first_mismatch = one.first_mismatch;
    }
    all.mismatches += one.mismatches;
  }
  return all;
}

/// By the reference, from the same values.
std::vector<ComparisonReport> compare_with_reference(const PreparedFinetune& prepared,
                                                     const TrainingResult& trained,
                                                     const TensorMap& states,
                                                     const std::function<bool()>& stop) {
  ReferenceExecutor reference(prepared.program, Numerics::kBf16, stop);
  TrainingResult expected;
  try {
    expected = train(reference, prepared);
  } catch (const Interrupted&) {
    return {};
  }
  if (expected.stopped) return {};
  const ComparisonReport logits = compare_all(
      "logits of step 1", {{"logits", trained.first_logits}}, {{"logits", expected.first_logits}});
  if (prepared.forward)
    return {compare_all("losses", numbers_of(trained), numbers_of(expected)), logits};
  const TensorMap expected_states = states_of(reference, prepared);
  TensorMap adapter, moments;
  for (const auto& [name, tensor] : expected_states)
    (prepared.trained.count(name) > 0 ? adapter : moments)[name] = tensor;
  std::vector<ComparisonReport> comparisons = {
      compare_all("losses, norms", numbers_of(trained), numbers_of(expected)),
      compare_all("gradients of step 1", trained.first_gradients, expected.first_gradients), logits,
      compare_all("adapter", states, adapter)};
  if (!moments.empty()) comparisons.push_back(compare_all("moments", states, moments));
  return comparisons;
}

}  // namespace

FinetuneResult finetune(const Config& config,
                        const std::function<void(std::int64_t, double)>& progress,
                        const std::function<bool()>& stop, const std::string& out_directory) {
  check_reference(config);
  check_checkpoint(config, out_directory);
  PreparedFinetune prepared = prepare_finetune(config, config.numerics);
  prepared.report.fidelity = "reference";
  ReferenceExecutor executor(prepared.program, config.numerics, stop);
  const OrderlyEnd orderly;
  TrainingResult trained =
      train(executor, prepared, after_step(config, prepared, executor, out_directory, progress));
  prepared.report.measured_peak_bytes = executor.peak_bytes();
  TensorMap states = states_of(executor, prepared);
  return result_of(std::move(prepared), std::move(trained), std::move(states));
}

FinetuneResult finetune_on_device(const Config& config, const RunOptions& options,
                                  RunFiles& files) {
  check_energy_table(config);
  check_waves(options);
  check_checkpoint(config, options.out_directory);
  if (!config.values && options.fidelity == Fidelity::kRtl)
    throw InputError(place_of(config, "values"),
                     "values: off needs --fidelity cycle; found --fidelity rtl");
  if (config.layers == Layers::kRepeated) {
    FinetuneResult result;
    result.report = run_repeated_model(config, options).report;
    return result;
  }
  PreparedFinetune prepared = prepare_for_device(config);
  prepared.report.fidelity = name_of(options.fidelity);
  const std::string machine = build_machine(config, options);
  const OrderlyEnd orderly;
  RunOptions whole_steps = options;
  whole_steps.stop = nullptr;
  if (files.waves) whole_steps.waves = files.waves->temporary();
  TrainingResult trained;
  const Simulated simulated =
      simulate(config, whole_steps, prepared, machine, [&](Executor& device) {
        trained =
            train_on_device(device, prepared, options.stop,
                            after_step(config, prepared, device, options.out_directory, nullptr));
        return states_of(device, prepared);
      });
  const StepMeasurement first = measure(config, prepared, simulated);
  DeviceReport device = device_report(config, figures_of(config, prepared, simulated, first));
  if (!config.batches.empty() && !prepared.forward)
    device.epoch = epoch_of(device.steps, prepared.report.steps_asked);
  device.simulation = simulation_cost(simulated.platform, options.fidelity);
  if (!trained.stopped) {
    device.counter_mismatches = check_costs(config, prepared, simulated);
    for (CounterMismatch& below :
         below_bound(config, prepared,
                     values_named(prepared.program.graph, prepared.asked.of_step(0)), simulated))
      device.counter_mismatches.push_back(std::move(below));
    if (config.values) {
      device.comparisons =
          compare_with_reference(prepared, trained, simulated.results, options.stop);
      trained.stopped = device.comparisons.empty();
    }
  }
  prepared.report.device = std::move(device);
  if (files.waves) files.waves->finish();
  const StepTrace trace = {config.limits.clock_mhz, simulated.platform.trace,
                           simulated.platform.transactions, first.times.stalls};
  if (files.trace) write_trace(*files.trace, prepared.step, prepared.program.graph, trace);
  std::optional<Timeline> timeline;
  if (!options.out_directory.empty())
    timeline = timeline_of(prepared.step, prepared.program.graph, trace);
  FinetuneResult result = result_of(std::move(prepared), std::move(trained), simulated.results);
  result.timeline = std::move(timeline);
  return result;
}

RunFiles open_finetune_files(const Config& config, const RunOptions& options) {
  std::vector<std::string> names = {kReportFile, kReportPage};
  const bool writes_adapter = config.values && config.pass == RunPass::kTraining;
  if (writes_adapter) {
    for (const char* file : {"adapter_model.safetensors", "adapter_config.json"})
      names.push_back((fs::path(kAdapterFolder) / file).string());
    names.emplace_back(kStateFile);
  }
  if (config.write_gradients) names.emplace_back(kGradientsFile);
  if (config.write_logits) names.emplace_back(kLogitsFile);
  return RunFiles(config, {options.out_directory, names, options.trace.value_or(""),
                           options.waves.value_or("")});
}

void write_finetune(const std::string& directory, const FinetuneResult& result,
                    const FinetuneOutput& output) {
  const fs::path root(directory);
  const OutputFolder made(directory, "--out " + directory);
  if (!result.report.values)
    return write_report(directory, to_json(result.report), result.timeline);
  if (!result.report.evaluation)
    write_progress(directory, result.adapter_config, result.plan, result.adapter, result.frozen,
                   result.state);
  if (output.gradients) {
    write_safetensors((root / kGradientsFile).string(),
                      {adapter_tensors(result.plan, result.gradients), {}});
  }
  if (output.logits) {
    SafetensorsFile file;
    file.tensors["logits"] = result.logits;
    write_safetensors((root / kLogitsFile).string(), file);
  }
  write_report(directory, to_json(result.report), result.timeline);
}

}  // namespace corank
