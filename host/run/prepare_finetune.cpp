#include "host/run/prepare_finetune.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "host/driver/device_executor.h"
#include "host/huggingface/methods/lora.h"
#include "host/huggingface/model_weights.h"
#include "host/run/device_memory.h"
#include "host/run/training_state.h"
#include "host/workload/workload.h"
#include "models/base/error.h"
#include "models/base/host_memory.h"
#include "models/base/text.h"
#include "models/transformer/transformer.h"
#include "sim/system/interruption.h"

namespace corank {
namespace {

/// The linears whose weights are packed, by format, and those that are not.
std::vector<std::string> notes_of_packed(const Transformer& transformer) {
  struct Packed {
    std::int64_t linears = 0, elements = 0, bytes = 0;
  };
  std::map<std::string, Packed> by_format;
  std::vector<std::string> plain;
  for (const Module& module : transformer.modules) {
    const Value& weight = transformer.graph.value(module.weight);
    if (module.kind != ModuleKind::kLinear) continue;
    if (!weight.storage) {
      plain.push_back(module.name);
      continue;
    }
    Packed& packed = by_format[to_string(*weight.storage)];
    ++packed.linears;
    packed.elements += element_count(weight.shape);
    packed.bytes += stored_bytes(weight);
  }
  std::vector<std::string> notes;
  notes.reserve(by_format.size() + 1);
  for (const auto& [format, packed] : by_format)
    notes.push_back(
        fmt::format("{} linears are packed ({}): {} weights in {} bytes, {:.3f} bits each",
                    packed.linears, format, packed.elements, packed.bytes,
                    8 * static_cast<double>(packed.bytes) / static_cast<double>(packed.elements)));
  if (!notes.empty() && !plain.empty())
    notes.push_back("linears that stay plain: " + quote_list(plain));
  return notes;
}

/// What the files say and the run does not do.
std::vector<std::string> notes_of(const FinetuneSource& source, const Transformer& transformer,
                                  const PackedWeights& packed) {
  std::vector<std::string> notes = source.model.notes;
  notes.insert(notes.end(), source.adapter.notes.begin(), source.adapter.notes.end());
  if (source.model.quantization)
    notes.insert(notes.end(), source.model.quantization->notes.begin(),
                 source.model.quantization->notes.end());
  for (std::string& note : notes_of_packed(transformer)) notes.push_back(std::move(note));
  if (!source.weights) return notes;
  for (std::string& note : unused_weights(source.model, *source.weights, transformer, packed))
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

// What belongs to training.
void check_forward(const Config& config) {
  if (config.pass == RunPass::kTraining) return;
  const auto refuse = [&](const std::string& key, const std::string& expected) {
    throw InputError(place_of(config, key), key + ": expected " + expected +
                                                "; workload.pass: forward, which trains nothing, "
                                                "has a step for each micro-batch");
  };
  const std::int64_t accumulate = config.optimizer.accumulate;
  if (accumulate != 1)
    refuse("workload.optimizer.accumulate", "1, found " + std::to_string(accumulate));
  if (!config.state.empty()) refuse("workload.state", "none, found '" + config.state + "'");
  if (config.checkpoint > 0)
    refuse("workload.checkpoint", "0, found " + std::to_string(config.checkpoint));
  if (config.write_gradients) refuse("output.gradients", "false, found true");
  if (!config.values) refuse("values", "on, found off");
  if (config.recompute != RecomputePolicy::kNone)
    refuse("workload.recompute", std::string("none, found ") + name_of(config.recompute));
}

// What belongs to steps of layers on the accelerator.
void check_device(const Config& config) {
  require_device_numerics(config);
  const int layers =
      !config.capture.empty() + !config.captures.empty() + !config.shapes.layers.empty();
  if (layers > 0)
    throw InputError(place_of(config, "workload"),
                     "expected either layers (workload.capture, workload.captures, "
                     "workload.shapes) or a model (workload.model, workload.transformer), found "
                     "both");
  if (!config.values && config.transformer.config.empty())
    throw InputError(
        place_of(config, "values"),
        "values: off needs a model by its sizes (workload.transformer); found files of "
        "one, which are trained with their values");
  if (config.layers == Layers::kRepeated && config.values)
    throw InputError(place_of(config, "workload.layers"),
                     "workload.layers: repeated gives times alone; expected values: off");
}

// What is LoRA's alone.
void check_lora(const Config& config, const PeftMethod& method) {
  if (&method == &lora_method()) return;
  const auto refuse = [&](const std::string& key, const std::string& off) {
    throw InputError(place_of(config, key), key + ": expected " + off +
                                                ", because the adapter is one of " + method.title +
                                                ", not of LoRA");
  };
  if (config.lora_fa) refuse("workload.lora_fa", "false");
  if (config.optimizer.lora_plus.ratio != 0) refuse("workload.optimizer.lora_plus.ratio", "0");
}

/// What the run was asked to do.
void describe_run(const Config& config, const FinetuneSource& source, const Batches& batches,
                  const OptimizerSettings& settings, FinetuneReport& report) {
  report.name = config.name;
  report.config_file = config.file;
  report.values = config.values;
  report.model = source.model_text;
  report.adapter = source.adapter_text;
  report.batches = source.batches_text;
  report.batch = batches.batch;
  report.sequence = batches.sequence;
  report.accumulate = settings.accumulate;
  report.steps_asked = batches.count / settings.accumulate;
  report.optimizer = name_of(settings.kind);
  report.schedule = name_of(settings.schedule.kind);
}

// Before anything is drawn: whether this computer can hold it.
void check_host_memory(const Config& config, const Graph& graph) {
  double bytes = 0;
  for (const Value& value : graph.values)
    if (!is_fed(value) && !is_computed(value)) bytes += static_cast<double>(stored_bytes(value));
  if (bytes > static_cast<double>(host_memory_bytes()))
    throw InputError(location_of(config, {"values", "workload.transformer"}),
                     fmt::format("values: on: the model's tensors need {:.0f} bytes of this "
                                 "computer's memory, which has {}; with values: off there are none",
                                 bytes, host_memory_bytes()));
}

// What is given once: read from the files, or drawn.
void give_values(const Config& config, Numerics numerics, const FinetuneSource& source,
                 const Transformer& transformer, const PackedWeights& packed,
                 const TrainingProgram& program, PreparedFinetune& prepared) {
  for (const Value& value : transformer.graph.values)
    if (value.role == Role::kTrainable) prepared.trained.insert(value.name);
  if (source.weights) {
    AdapterTensors adapter = read_adapter(config.adapter, prepared.plan, transformer);
    FrozenTensors given = adapter.frozen;
    for (const auto& [value, tensor] : prepared.plan.fixed) given[value] = {value, tensor};
    prepared.values =
        load_frozen(transformer.graph, source.model, *source.weights, given, numerics);
    prepared.values.merge(adapter.trained);
    prepared.packed = load_packed(transformer.graph, packed);
    prepared.frozen = std::move(adapter.frozen);
  } else {
    check_host_memory(config, program.graph);
    prepared.values = draw_parameters(transformer, config.seed, numerics);
    prepared.packed = take_packed(transformer.graph, config.quantize, prepared.values);
  }
  for (auto& entry : initial_moments(program)) prepared.values.insert(std::move(entry));
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

  void load(const TensorMap& values, const QuantizedMap& packed) override {
    executor_.load(values, packed);
  }
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
  return !config.model.empty() || !config.adapter.empty() || !config.batches.empty() ||
         !config.transformer.config.empty();
}

PreparedFinetune prepare_finetune(const Config& config, Numerics numerics) {
  return prepare_finetune(config, numerics, finetune_source(config));
}

PreparedFinetune prepare_finetune(const Config& config, Numerics numerics, FinetuneSource source) {
  check_forward(config);
  const ModelConfig& model = source.model;
  PreparedFinetune prepared;
  prepared.forward = config.pass == RunPass::kForward;
  prepared.batches = std::move(source.batches);
  const Batches& batches = prepared.batches;

  Transformer transformer =
      blame(model.file, [&] { return build(model, batches.batch, batches.sequence); });
  const PackedWeights packed = source.packed ? source.packed(transformer) : PackedWeights{};
  store_packed(transformer.graph, packed);
  prepared.report.notes = notes_of(source, transformer, packed);
  const PeftMethod& method = *source.adapter.method;
  check_lora(config, method);
  prepared.plan = method.plan(source.adapter, modules_of(transformer), model.facts(), config.seed);
  if (config.lora_fa) freeze_down(prepared.plan, transformer);
  if (prepared.forward && method.without_dropout != nullptr) method.without_dropout(prepared.plan);
  blame(source.adapter.file, [&] { apply_adapter(transformer, prepared.plan); });
  OptimizerSettings settings = config.optimizer;
  if (settings.schedule.total == 0) settings.schedule.total = batches.count / settings.accumulate;
  TransformerProgram built = prepared.forward
                                 ? forward_program(transformer, !batches.causal)
                                 : transformer_program(transformer, settings, config.recompute);
  if (config.values)
    give_values(config, numerics, source, transformer, packed, built.program, prepared);
  prepared.program = std::move(built.program);
  prepared.steps = batches.count / settings.accumulate;
  prepared.asked = std::move(built.asked);
  prepared.pad_token_id = transformer.pad_token_id;
  if (batches.causal) prepared.vocabulary = model.vocabulary();

  describe_run(config, source, batches, settings, prepared.report);
  prepared.report.numerics = name_of(numerics);
  prepared.report.model_type = model.facts().model_type;
  prepared.report.method = config.lora_fa ? "LoRA-FA" : method.title;
  prepared.report.adapted_modules = static_cast<std::int64_t>(prepared.plan.adapted.size());
  prepared.report.account = built.account;
  prepared.report.recompute = config.recompute;
  prepared.report.without_recompute = std::move(built.without_recompute);
  prepared.adapter_config = std::move(source.adapter);
  if (config.values) prepared.identity = identity_of(prepared, settings, config.seed);
  if (!config.state.empty()) go_on_from(config.state, prepared);
  return prepared;
}

PreparedFinetune prepare_for_device(const Config& config) {
  check_device(config);
  return prepare_for_device(config, finetune_source(config));
}

PreparedFinetune prepare_for_device(const Config& config, FinetuneSource source) {
  check_device(config);
  PreparedFinetune prepared = prepare_finetune(config, Numerics::kBf16, std::move(source));
  prepared.step = compile_for(config, prepared.program, prepared.packed);
  const std::string packed = packed_bytes_text(prepared.step.plan, prepared.program.graph);
  if (!packed.empty()) prepared.report.notes.push_back(packed);
  prepared.asked_bytes = asked_bytes(prepared, config.checkpoint);
  return prepared;
}

TensorMap states_of(Executor& executor, const PreparedFinetune& prepared) {
  TensorMap states = executor.read(names_of_states(prepared.program));
  if (!prepared.report.values) return {};
  for (const std::string& name : prepared.trained)  // what no loss depends on stays as it was
    if (states.count(name) == 0) states.emplace(name, prepared.values.at(name));
  return states;
}

TrainingResult train(Executor& executor, const PreparedFinetune& prepared,
                     const std::function<void(std::int64_t, double)>& progress) {
  executor.load(prepared.values, prepared.packed);
  using Loop = decltype(time_steps)*;
  const Loop loop = prepared.report.values ? static_cast<Loop>(corank::train) : time_steps;
  TrainingResult trained = loop(executor, prepared.program, prepared.asked, prepared.pad_token_id,
                                prepared.batches, prepared.first_step, progress);
  if (trained.steps == 0 && trained.stopped) throw Interrupted();
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
  if (!trained.first_gradients.empty()) add("gradient norm", trained.gradient_norms);
  if (trained.correct_labels) add("correct labels", {static_cast<double>(*trained.correct_labels)});
  return numbers;
}

}  // namespace corank
