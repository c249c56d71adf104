#include "host/run/prepare_finetune.h"

#include <cstring>
#include <filesystem>
#include <utility>

#include "host/driver/device_executor.h"
#include "host/formats/input_file.h"
#include "host/huggingface/model_config.h"
#include "host/huggingface/model_weights.h"
#include "host/huggingface/weight_files.h"
#include "host/run/training_state.h"
#include "models/base/error.h"
#include "models/transformer/transformer.h"
#include "sim/system/interruption.h"

namespace corank {
namespace {

void require_folder(const Config& config, const std::string& key, const std::string& folder) {
  if (folder.empty()) throw InputError(place_of(config, key), key + " is missing");
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder, ignored))
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

void check_steps(const Config& config) {
  if (config.steps != 1)
    throw InputError(place_of(config, "workload.steps"),
                     "workload.steps: token batches have as many steps as they have; expected 1, "
                     "found " +
                         std::to_string(config.steps));
}

// What belongs to steps of layers on the accelerator.
void check_device(const Config& config) {
  require_device_numerics(config);
  const int layers =
      !config.capture.empty() + !config.captures.empty() + !config.shapes.layers.empty();
  if (layers > 0)
    throw InputError(place_of(config, "workload"),
                     "expected either layers (workload.capture, workload.captures, "
                     "workload.shapes) or a model (workload.model), found both");
  const auto refuse = [&](const std::string& key, const std::string& found) {
    throw InputError(place_of(config, key), key + ": expected " + found +
                                                "; a fine-tuning run simulates every step of a "
                                                "whole model with its values");
  };
  if (!config.values) refuse("values", "on, found off");
  if (config.layers == Layers::kRepeated) refuse("workload.layers", "whole, found repeated");
}

/// What the run was asked to do.
void describe_run(const Config& config, const Batches& batches, const OptimizerSettings& settings,
                  FinetuneReport& report) {
  report.name = config.name;
  report.config_file = config.file;
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

std::set<std::string> names_of_states(const TrainingProgram& program) {
  std::set<std::string> names;
  for (const State& state : program.states) names.insert(program.graph.value(state.value).name);
  return names;
}

// Of the results of all steps, and the states at each checkpoint and after the last step.
std::uint64_t asked_bytes(const PreparedFinetune& prepared, std::int64_t checkpoint) {
  const auto bytes = [&](const std::set<std::string>& names) {
    return expected_link_bytes(prepared.step, prepared.program,
                               values_named(prepared.program.graph, names))
        .asked;
  };
  const auto later = static_cast<std::uint64_t>(prepared.steps - 1);
  const std::int64_t end = prepared.first_step + prepared.steps;
  const std::int64_t checkpoints =
      checkpoint == 0 ? 0 : (end - 1) / checkpoint - prepared.first_step / checkpoint;
  return bytes(prepared.asked.first_step) + later * bytes(prepared.asked.each_step) +
         static_cast<std::uint64_t>(checkpoints + 1) * bytes(names_of_states(prepared.program));
}

/// Gives a step up where it would begin.
class StopsBetweenSteps : public Executor {
 public:
  StopsBetweenSteps(Executor& executor, const std::function<bool()>& stop)
      : executor_(executor), stop_(stop) {}

  void load(const TensorMap& values) override { executor_.load(values); }
  ExecutedStep step(const TensorMap& feeds, const std::set<std::string>& asked) override {
    if (stop_ && stop_()) return {true, {}};
    return executor_.step(feeds, asked);
  }
  TensorMap read(const std::set<std::string>& states) override { return executor_.read(states); }

 private:
  Executor& executor_;
  const std::function<bool()>& stop_;
};

}  // namespace

bool names_finetuning(const Config& config) {
  return !config.model.empty() || !config.adapter.empty() || !config.batches.empty();
}

PreparedFinetune prepare_finetune(const Config& config, Numerics numerics) {
  require_folder(config, "workload.model", config.model);
  require_folder(config, "workload.adapter", config.adapter);
  if (config.batches.empty())
    throw InputError(place_of(config, "workload.batches"), "workload.batches is missing");
  check_steps(config);

  PreparedFinetune prepared;
  prepared.adapter_config = read_adapter_config(config.adapter);
  ModelConfig model = read_model_config(config.model, prepared.adapter_config.task_type);
  const WeightFiles weights(config.model);
  untie_other_head(model, weights);
  prepared.batches =
      read_batches(config.batches, {model.vocabulary(), model.max_positions(), model.classes(),
                                    model.token_types(), config.optimizer.accumulate});
  const Batches& batches = prepared.batches;

  Transformer transformer =
      blame(model.file, [&] { return build(model, batches.batch, batches.sequence); });
  prepared.report.notes = notes_of(prepared.adapter_config, model, weights, transformer);
  const PeftMethod& method = *prepared.adapter_config.method;
  prepared.plan =
      method.plan(prepared.adapter_config, modules_of(transformer), model.facts(), config.seed);
  blame(prepared.adapter_config.file, [&] { apply_adapter(transformer, prepared.plan); });
  OptimizerSettings settings = config.optimizer;
  if (settings.schedule.total == 0) settings.schedule.total = batches.count / settings.accumulate;
  TransformerProgram built = transformer_program(transformer, settings);

  AdapterTensors adapter = read_adapter(config.adapter, prepared.plan, transformer);
  prepared.values = load_frozen(transformer.graph, model, weights, adapter.frozen, numerics);
  for (auto& [name, tensor] : adapter.trained) {
    prepared.trained.insert(name);
    prepared.values.emplace(name, std::move(tensor));
  }
  prepared.frozen = std::move(adapter.frozen);
  for (auto& entry : initial_moments(built.program)) prepared.values.insert(std::move(entry));
  prepared.program = std::move(built.program);
  prepared.steps = batches.count / settings.accumulate;
  prepared.asked = std::move(built.asked);
  prepared.pad_token_id = transformer.pad_token_id;
  if (batches.causal) prepared.vocabulary = model.vocabulary();

  describe_run(config, batches, settings, prepared.report);
  prepared.report.numerics = name_of(numerics);
  prepared.report.model_type = model.facts().model_type;
  prepared.report.method = method.title;
  prepared.report.adapted_modules = static_cast<std::int64_t>(prepared.plan.adapted.size());
  prepared.report.account = built.account;
  prepared.identity = identity_of(prepared, settings, config.seed);
  if (!config.state.empty()) go_on_from(config.state, prepared);
  return prepared;
}

PreparedFinetune prepare_for_device(const Config& config) {
  check_device(config);
  PreparedFinetune prepared = prepare_finetune(config, Numerics::kBf16);
  prepared.step = compile_for(config, prepared.program);
  prepared.asked_bytes = asked_bytes(prepared, config.checkpoint);
  return prepared;
}

TensorMap states_of(Executor& executor, const PreparedFinetune& prepared) {
  TensorMap states = executor.read(names_of_states(prepared.program));
  for (const std::string& name : prepared.trained)  // what no loss depends on stays as it was
    if (states.count(name) == 0) states.emplace(name, prepared.values.at(name));
  return states;
}

TrainingResult train(Executor& executor, const PreparedFinetune& prepared,
                     const std::function<void(std::int64_t, double)>& progress) {
  executor.load(prepared.values);
  TrainingResult trained = train(executor, prepared.program, prepared.asked, prepared.pad_token_id,
                                 prepared.batches, prepared.first_step, progress);
  if (trained.losses.empty() && trained.stopped) throw Interrupted();
  return trained;
}

TrainingResult train_on_device(Executor& device, const PreparedFinetune& prepared,
                               const std::function<bool()>& stop,
                               const std::function<void(std::int64_t, double)>& progress) {
  StopsBetweenSteps executor(device, stop);
  return train(executor, prepared, progress);
}

TensorMap numbers_of(const TrainingResult& trained) {
  TensorMap numbers;
  const auto add = [&](const char* name, const std::vector<double>& doubles) {
    Tensor tensor(DType::F32, {static_cast<std::int64_t>(doubles.size()), 2});
    std::memcpy(tensor.bytes.data(), doubles.data(), tensor.bytes.size());
    numbers.emplace(name, std::move(tensor));
  };
  add("loss", trained.losses);
  add("gradient norm", trained.gradient_norms);
  return numbers;
}

}  // namespace corank
