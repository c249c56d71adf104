#include "host/run/finetune.h"

#include <filesystem>
#include <map>
#include <utility>

#include "host/formats/safetensors.h"
#include "host/huggingface/adapter_files.h"
#include "host/huggingface/model_config.h"
#include "host/huggingface/module_selection.h"
#include "host/huggingface/weight_files.h"
#include "host/report/write_json.h"
#include "host/train/batches.h"
#include "host/train/training.h"
#include "models/base/error.h"
#include "models/graph/differentiate.h"
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
    throw InputError(place_of(config, key),
                     key + ": expected a folder, found '" + folder + "', which is " +
                         (fs::exists(folder, ignored) ? "none" : "not there"));
}

/// Every parameter of the graph that the adapter does not train.
void load_frozen(const Graph& graph, const ModelConfig& model, const WeightFiles& files,
                 Numerics numerics, TensorMap& values) {
  for (const Value& value : graph.values) {
    if (value.role != Role::kFrozen) continue;
    // A tied head that the adapter unties starts from the embedding.
    const auto* llama = std::get_if<LlamaShape>(&model.shape);
    const bool tied = value.name == "lm_head.weight" && llama != nullptr && llama->tied_embeddings;
    const std::string name = tied ? "model.embed_tokens.weight" : value.name;
    const TensorView& view = files.require(name, model.prefix(), value.shape);
    const std::string what = files.where() + ": tensor '" + name + "'";
    const bool rounded = numerics == Numerics::kBf16 && value.dtype == DType::BF16;
    values.emplace(value.name, rounded ? to_bf16(view, what) : to_f32(view, what));
    release(view);  // so that a model is in memory once
  }
}

std::map<std::string, Shape> trainables_of(const Graph& graph) {
  std::map<std::string, Shape> trainables;
  for (const Value& value : graph.values)
    if (value.role == Role::kTrainable) trainables[value.name] = value.shape;
  return trainables;
}

/// Appends the backward pass of the loss.
TrainingGraph differentiate_loss(const Transformer& transformer) {
  TrainingGraph training{transformer.graph, {}, transformer.pad_token_id};
  DifferentiateRequest request;
  request.loss = transformer.loss;
  const std::map<ValueId, ValueId> gradients = differentiate(training.graph, request);
  for (std::size_t id = 0; id < transformer.graph.values.size(); ++id) {
    const Value& value = transformer.graph.values[id];
    if (value.role != Role::kTrainable) continue;
    const auto gradient = gradients.find(static_cast<ValueId>(id));
    // A trained value that the loss does not depend on (a bias of a layer above a single token,
    // say) has no gradient, and torch's optimizers leave it alone.
    if (gradient != gradients.end())
      training.gradients[value.name] = training.graph.value(gradient->second).name;
  }
  return training;
}

}  // namespace

FinetuneResult finetune(const Config& config,
                        const std::function<void(std::int64_t, double)>& progress,
                        const std::function<bool()>& stop) {
  require_folder(config, "workload.model", config.model);
  require_folder(config, "workload.adapter", config.adapter);
  if (config.batches.empty())
    throw InputError(place_of(config, "workload.batches"), "workload.batches is missing");
  // What belongs to a step on the accelerator.
  if (config.values == "off")
    throw InputError(place_of(config, "values"),
                     "values: off needs --fidelity cycle; found --fidelity reference");
  if (config.layers == "repeated")
    throw InputError(
        place_of(config, "workload.layers"),
        "workload.layers: repeated needs --fidelity cycle; found --fidelity reference");

  FinetuneResult result;
  result.adapter_config = read_adapter_config(config.adapter);
  const ModelConfig model = read_model_config(config.model, result.adapter_config.task_type);
  const Batches batches =
      read_batches(config.batches, {model.vocabulary(), model.max_positions(), model.classes()});

  Transformer transformer = build(model, batches.batch, batches.sequence);
  result.plan = select_modules(result.adapter_config, modules_of(transformer), model.facts());
  result.plan.dropout_seed = config.seed;
  apply_lora(transformer, result.plan);
  const std::size_t forward_ops = transformer.graph.ops.size();
  const TrainingGraph training = differentiate_loss(transformer);

  const Numerics numerics = numerics_of(config.numerics);
  const std::map<std::string, Shape> trainables = trainables_of(transformer.graph);
  TensorMap values = read_adapter(config.adapter, result.plan, trainables);
  load_frozen(transformer.graph, model, WeightFiles(config.model), numerics, values);

  OptimizerSettings settings = config.optimizer;
  if (settings.schedule.total == 0) settings.schedule.total = batches.count / settings.accumulate;
  const OrderlyEnd orderly;
  TrainingResult trained = train(training, numerics, batches, settings, values, progress, stop);
  if (trained.losses.empty() && trained.stopped) throw Interrupted();

  for (const auto& entry : trainables)
    result.adapter.emplace(entry.first, std::move(values.at(entry.first)));
  result.gradients = std::move(trained.first_gradients);
  result.logits = std::move(trained.first_logits);
  if (batches.causal)  // the graph has a row for each token
    result.logits.shape = {batches.batch, batches.sequence, model.vocabulary()};

  FinetuneReport& report = result.report;
  report.name = config.name;
  report.config_file = config.file;
  report.numerics = config.numerics;
  report.model = config.model;
  report.model_type = model.facts().model_type;
  report.adapter = config.adapter;
  report.batches = config.batches;
  report.batch = batches.batch;
  report.sequence = batches.sequence;
  report.accumulate = settings.accumulate;
  report.incomplete = trained.stopped;
  report.steps_asked = batches.count / settings.accumulate;
  report.adapted_modules = static_cast<std::int64_t>(result.plan.adapters.size());
  report.optimizer = settings.name;
  report.schedule = settings.schedule.name;
  report.losses = std::move(trained.losses);
  report.learning_rates = std::move(trained.learning_rates);
  report.gradient_norms = std::move(trained.gradient_norms);
  report.seconds = trained.seconds;
  report.account = account_of(training.graph, forward_ops, settings.moments());
  report.measured_peak_bytes = trained.peak_bytes;
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
                result.adapter);
  if (output.gradients) {
    SafetensorsFile file;
    for (const auto& [value, gradient] : result.gradients)
      file.tensors[adapter_tensor_name(result.plan, value)] = gradient;
    write_safetensors((root / kGradientsFile).string(), file);
  }
  if (output.logits) {
    SafetensorsFile file;
    file.tensors["logits"] = result.logits;
    write_safetensors((root / kLogitsFile).string(), file);
  }
  write_json((root / kReportFile).string(), to_json(result.report));
}

}  // namespace corank
