#include "host/run/finetune.h"

#include <filesystem>
#include <set>
#include <utility>

#include "host/formats/input_file.h"
#include "host/formats/safetensors.h"
#include "host/huggingface/adapter_files.h"
#include "host/huggingface/model_config.h"
#include "host/huggingface/model_weights.h"
#include "host/huggingface/weight_files.h"
#include "host/report/write_json.h"
#include "host/train/batches.h"
#include "host/train/training.h"
#include "models/base/error.h"
#include "models/program/transformer_program.h"
#include "models/reference/reference_executor.h"
#include "models/transformer/transformer.h"
#include "sim/system/interruption.h"

namespace corank {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAdapterFolder = "adapter";
constexpr const char* kGradientsFile = "gradients.safetensors";
constexpr const char* kLogitsFile = "logits.safetensors";

void require_folder(const Config& config, const std::string& key, const std::string& folder) {
  if (folder.empty()) throw InputError(place_of(config, key), key + " is missing");
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored))
    throw InputError(place_of(config, key), key + ": expected a folder, found '" + folder +
                                                "', which is " +
                                                (is_there(folder) ? "none" : "not there"));
}

/// What the files say and the run does not do.
std::vector<std::string> notes_of(const AdapterConfig& adapter, const ModelConfig& model,
                                  const WeightFiles& weights, const Transformer& transformer) {
  std::vector<std::string> notes = model.notes;
  notes.insert(notes.end(), adapter.notes.begin(), adapter.notes.end());
  for (std::string& note : unused_weights(model, weights, transformer))
    notes.push_back(std::move(note));
  return notes;
}

/// What the models' own checks find wrong is wrong in this file, which they do not know.
template <class Work>
auto blame(const std::string& file, const Work& work) {
  try {
    return work();
  } catch (const InputError& error) {
    throw InputError(file + ": " + error.what());
  }
}

// What belongs to steps of layers on the accelerator.
void check_reference(const Config& config) {
  const auto refuse = [&](const std::string& key, const std::string& found) {
    throw InputError(place_of(config, key),
                     key + ": " + found + " needs --fidelity cycle; found --fidelity reference");
  };
  if (!config.values) refuse("values", "off");
  if (config.layers == Layers::kRepeated) refuse("workload.layers", "repeated");
  if (config.steps != 1)
    throw InputError(place_of(config, "workload.steps"),
                     "workload.steps: token batches have as many steps as they have; expected 1, "
                     "found " +
                         std::to_string(config.steps));
}

/// What the run was asked to do.
void describe_run(const Config& config, const Batches& batches, const OptimizerSettings& settings,
                  FinetuneReport& report) {
  report.name = config.name;
  report.config_file = config.file;
  report.numerics = name_of(config.numerics);
  report.model = config.model;
  report.adapter = config.adapter;
  report.batches = config.batches;
  report.batch = batches.batch;
  report.sequence = batches.sequence;
  report.accumulate = settings.accumulate;
  report.steps_asked = batches.count / settings.accumulate;
  report.optimizer = name_of(settings.kind);
  report.schedule = name_of(settings.schedule.kind);
}

/// What came of it.
void take_figures(TrainingResult& trained, FinetuneReport& report) {
  report.incomplete = trained.stopped;
  report.losses = std::move(trained.losses);
  report.learning_rates = std::move(trained.learning_rates);
  report.gradient_norms = std::move(trained.gradient_norms);
  report.seconds = trained.seconds;
}

}  // namespace

FinetuneResult finetune(const Config& config,
                        const std::function<void(std::int64_t, double)>& progress,
                        const std::function<bool()>& stop) {
  require_folder(config, "workload.model", config.model);
  require_folder(config, "workload.adapter", config.adapter);
  if (config.batches.empty())
    throw InputError(place_of(config, "workload.batches"), "workload.batches is missing");
  check_reference(config);

  FinetuneResult result;
  result.adapter_config = read_adapter_config(config.adapter);
  ModelConfig model = read_model_config(config.model, result.adapter_config.task_type);
  const WeightFiles weights(config.model);
  untie_other_head(model, weights);
  const Batches batches =
      read_batches(config.batches, {model.vocabulary(), model.max_positions(), model.classes(),
                                    model.token_types(), config.optimizer.accumulate});

  Transformer transformer =
      blame(model.file, [&] { return build(model, batches.batch, batches.sequence); });
  result.report.notes = notes_of(result.adapter_config, model, weights, transformer);
  const PeftMethod& method = *result.adapter_config.method;
  result.plan =
      method.plan(result.adapter_config, modules_of(transformer), model.facts(), config.seed);
  blame(result.adapter_config.file, [&] { apply_adapter(transformer, result.plan); });
  OptimizerSettings settings = config.optimizer;
  if (settings.schedule.total == 0) settings.schedule.total = batches.count / settings.accumulate;
  const TransformerProgram built = transformer_program(transformer, settings);
  const TrainingProgram& program = built.program;

  const Numerics numerics = config.numerics;
  AdapterTensors adapter = read_adapter(config.adapter, result.plan, transformer);
  TensorMap values = load_frozen(transformer.graph, model, weights, adapter.frozen, numerics);
  for (const auto& entry : adapter.trained) values.insert(entry);

  for (auto& entry : initial_moments(program)) values.insert(std::move(entry));
  ReferenceExecutor executor(program, numerics, stop);
  executor.load(values);

  const OrderlyEnd orderly;
  TrainingResult trained = train(executor, built, transformer.pad_token_id, batches, progress);
  if (trained.losses.empty() && trained.stopped) throw Interrupted();

  std::set<std::string> names;
  for (const auto& entry : adapter.trained) names.insert(entry.first);
  result.adapter = executor.read(names);
  result.frozen = std::move(adapter.frozen);
  result.gradients = std::move(trained.first_gradients);
  result.logits = std::move(trained.first_logits);
  if (batches.causal)  // the graph has a row for each token
    result.logits.shape = {batches.batch, batches.sequence, model.vocabulary()};

  describe_run(config, batches, settings, result.report);
  result.report.model_type = model.facts().model_type;
  result.report.method = method.title;
  result.report.adapted_modules = static_cast<std::int64_t>(result.plan.adapted.size());
  take_figures(trained, result.report);
  result.report.account = built.account;
  result.report.measured_peak_bytes = executor.peak_bytes();
  return result;
}

RunFiles open_finetune_files(const Config& config, const std::string& directory) {
  std::vector<std::string> names = {kReportFile};
  for (const char* file : {"adapter_model.safetensors", "adapter_config.json"})
    names.push_back((fs::path(kAdapterFolder) / file).string());
  if (config.write_gradients) names.emplace_back(kGradientsFile);
  if (config.write_logits) names.emplace_back(kLogitsFile);
  return RunFiles(config, {directory, names, "", ""});
}

void write_finetune(const std::string& directory, const FinetuneResult& result,
                    const FinetuneOutput& output) {
  const fs::path root(directory);
  const OutputFolder made(directory, "--out " + directory);
  write_adapter((root / kAdapterFolder).string(), result.adapter_config, result.plan,
                result.adapter, result.frozen);
  if (output.gradients) {
    write_safetensors((root / kGradientsFile).string(),
                      {adapter_tensors(result.plan, result.gradients), {}});
  }
  if (output.logits) {
    SafetensorsFile file;
    file.tensors["logits"] = result.logits;
    write_safetensors((root / kLogitsFile).string(), file);
  }
  write_json((root / kReportFile).string(), to_json(result.report));
}

}  // namespace corank
