#include "host/verify/transformer_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "host/huggingface/methods/ia3.h"
#include "host/huggingface/methods/ln_tuning.h"
#include "host/huggingface/methods/loha.h"
#include "host/huggingface/methods/lokr.h"
#include "host/huggingface/methods/lora.h"
#include "host/huggingface/methods/miss.h"
#include "host/huggingface/methods/oft.h"
#include "host/huggingface/methods/vera.h"
#include "host/huggingface/model_config.h"
#include "host/run/simulate.h"
#include "host/train/batches.h"
#include "host/verify/drawn_packing.h"
#include "host/verify/drawn_values.h"
#include "models/base/error.h"
#include "models/program/transformer_program.h"

namespace corank {
namespace {

using draw::between;
using draw::chance;
using draw::int_between;
using draw::one_of;
using draw::Random;

// Mostly a few; sometimes more than an array or a vector unit of the tests has.
std::int64_t drawn_size(Random& random) {
  return between(random, 1, one_of(random, std::array<int, 4>{4, 9, 18, 36}));
}

int drawn_layers(Random& random) {
  return one_of(random, std::array<int, 9>{1, 1, 1, 1, 1, 1, 2, 2, 3});
}

ActivationFunction activation_of_model(Random& random) {
  using F = ActivationFunction;
  return one_of(random, std::array<F, 4>{F::kSilu, F::kGeluErf, F::kGeluTanh, F::kRelu});
}

std::optional<std::int64_t> padding_id(Random& random, std::int64_t vocabulary) {
  if (chance(random, 3)) return std::nullopt;
  return between(random, 0, vocabulary - 1);
}

RopeParameters drawn_rope(Random& random) {
  RopeParameters rope;
  rope.type = one_of(random, std::array<const char*, 3>{"default", "linear", "llama3"});
  rope.theta = one_of(random, std::array<double, 2>{10000, 10});
  rope.factor = 4;
  rope.original_max_position_embeddings = 16;
  return rope;
}

LlamaShape drawn_llama(Random& random) {
  LlamaShape shape;
  shape.vocabulary = between(random, 2, 40);
  shape.hidden = drawn_size(random);
  shape.intermediate = drawn_size(random);
  shape.layers = drawn_layers(random);
  shape.kv_heads = between(random, 1, 2);
  shape.heads = shape.kv_heads * between(random, 1, 3);
  // Heads of whole panels are views of the projections.
  shape.head_dim = 2 * (chance(random, 8) ? 32 : between(random, 1, 6));
  shape.activation = activation_of_model(random);
  shape.attention_bias = chance(random, 3);
  shape.mlp_bias = chance(random, 3);
  shape.rope = drawn_rope(random);
  shape.pad_token_id = padding_id(random, shape.vocabulary);
  if (chance(random, 3))
    shape.labels = between(random, 1, 5);
  else
    shape.tied_embeddings = chance(random, 2);
  return shape;
}

BertShape drawn_bert(Random& random) {
  BertShape shape;
  shape.vocabulary = between(random, 2, 40);
  shape.heads = between(random, 1, 3);
  shape.hidden = shape.heads * (chance(random, 8) ? 64 / shape.heads : between(random, 1, 12));
  shape.intermediate = drawn_size(random);
  shape.layers = drawn_layers(random);
  shape.max_positions = between(random, 12, 20);
  shape.token_types = between(random, 1, 3);
  shape.labels = between(random, 1, 5);
  shape.activation = activation_of_model(random);
  shape.pad_token_id = padding_id(random, shape.vocabulary);
  shape.causal = chance(random, 4);
  return shape;
}

// To weights of several panels, perhaps.
void widen_model(draw::Packing& packing, ModelConfig& model) {
  const auto hidden = packing.wide_size(), intermediate = packing.wide_size();
  if (auto* llama = std::get_if<LlamaShape>(&model.shape)) {
    llama->hidden = hidden.value_or(llama->hidden);
    llama->intermediate = intermediate.value_or(llama->intermediate);
  } else {
    auto& bert = std::get<BertShape>(model.shape);
    if (hidden) bert.hidden = *hidden / bert.heads * bert.heads;
    bert.intermediate = intermediate.value_or(bert.intermediate);
  }
}

// ---- the adapter ----

std::string last_part(const std::string& module) { return module.substr(module.rfind('.') + 1); }

// Some modules of these kinds, by their full names or by the ends of them.
std::vector<std::string> some_modules(Random& random, const Transformer& transformer,
                                      const std::set<ModuleKind>& kinds, bool ends) {
  std::vector<std::string> all;
  for (const Module& module : transformer.modules)
    if (kinds.count(module.kind) > 0) all.push_back(ends ? last_part(module.name) : module.name);
  std::set<std::string> some;
  for (std::int64_t i = between(random, 1, 4); i > 0; --i) some.insert(one_of(random, all));
  return {some.begin(), some.end()};
}

std::vector<std::string> modules_to_save(Random& random, const Transformer& transformer) {
  if (!chance(random, 3)) return {};
  std::vector<std::string> saved = some_modules(
      random, transformer, {ModuleKind::kLinear, ModuleKind::kEmbedding, ModuleKind::kNorm}, false);
  saved.resize(std::min<std::size_t>(saved.size(), 2));
  return saved;
}

void draw_targets(Random& random, const Transformer& transformer, const std::set<ModuleKind>& kinds,
                  AdapterConfig& adapter) {
  TargetKeys& targets = adapter.targets;
  switch (between(random, 0, 4)) {
    case 0:
      targets.default_targets = true;
      break;
    case 1:
      targets.all_linear = true;
      break;
    case 2:
      targets.target_modules.names = some_modules(random, transformer, kinds, false);
      break;
    default:
      targets.target_modules.names = some_modules(random, transformer, kinds, true);
      if (chance(random, 4)) targets.layers_to_transform = {{between(random, 0, 1)}};
  }
  adapter.modules_to_save = modules_to_save(random, transformer);
}

std::vector<TokenRows> drawn_tokens(Random& random, const ModelConfig& model) {
  std::vector<TokenRows> tokens;
  const bool head = model.classes() == 0 && chance(random, 3);
  for (const std::string& module : {std::string(), model.facts().output_head}) {
    if (!module.empty() && !head) continue;
    std::set<std::int64_t> ids;
    for (std::int64_t i = between(random, 1, 5); i > 0; --i)
      ids.insert(between(random, 0, model.vocabulary() - 1));
    tokens.push_back({module, {ids.begin(), ids.end()}});
  }
  return tokens;
}

BiasTraining drawn_bias(Random& random) {
  using B = BiasTraining;
  return one_of(random, std::array<B, 5>{B::kNone, B::kNone, B::kNone, B::kAdapted, B::kAll});
}

double drawn_dropout(Random& random) {
  return chance(random, 3) ? static_cast<double>(between(random, 1, 15)) / 16 : 0;
}

LoraConfig drawn_lora(Random& random, const ModelConfig& model) {
  LoraConfig lora;
  lora.r = int_between(random, 1, one_of(random, std::array<int, 3>{3, 8, 20}));
  lora.lora_alpha = static_cast<double>(between(random, 1, 32));
  lora.use_rslora = chance(random, 4);
  lora.use_dora = chance(random, 4);
  lora.lora_dropout = drawn_dropout(random);
  lora.bias = drawn_bias(random);
  if (chance(random, 4)) lora.rank_pattern = {{"q_proj|query|up_proj", between(random, 1, 5)}};
  if (chance(random, 4)) lora.alpha_pattern = {{"v_proj|value|dense", 3.5}};
  if (chance(random, 4)) lora.trainable_tokens = drawn_tokens(random, model);
  return lora;
}

void draw_ia3(Random& random, const Transformer& transformer, AdapterConfig& adapter) {
  adapter.method = &ia3_method();
  draw_targets(random, transformer, {ModuleKind::kLinear}, adapter);
  std::optional<ModulePattern> feedforward;
  if (chance(random, 2)) {
    feedforward.emplace();
    feedforward->names = some_modules(random, transformer, {ModuleKind::kLinear}, true);
  }
  adapter.own = feedforward;
}

void draw_lora(Random& random, const Transformer& transformer, const ModelConfig& model,
               AdapterConfig& adapter) {
  adapter.method = &lora_method();
  draw_targets(random, transformer, {ModuleKind::kLinear, ModuleKind::kEmbedding}, adapter);
  adapter.own = drawn_lora(random, model);
}

AdapterConfig drawn_adapter(Random& random, const Transformer& transformer,
                            const ModelConfig& model) {
  AdapterConfig adapter;
  adapter.file = "a drawn adapter";
  if (model.classes() > 0 && chance(random, 2)) adapter.task_type = "SEQ_CLS";
  switch (between(random, 0, 15)) {
    case 0:
    case 1:
      draw_ia3(random, transformer, adapter);
      break;
    case 2:
      adapter.method = &ln_tuning_method();
      draw_targets(random, transformer, {ModuleKind::kNorm}, adapter);
      break;
    case 3:
      adapter.method = &vera_method();
      draw_targets(random, transformer, {ModuleKind::kLinear}, adapter);
      adapter.own =
          VeraConfig{int_between(random, 1, 20), drawn_dropout(random), drawn_bias(random)};
      break;
    case 4:
      adapter.method = &miss_method();
      draw_targets(random, transformer, {ModuleKind::kLinear}, adapter);
      adapter.own =
          MissConfig{int_between(random, 1, 20), drawn_dropout(random), drawn_bias(random)};
      break;
    case 5:
      adapter.method = &oft_method();
      draw_targets(random, transformer, {ModuleKind::kLinear}, adapter);
      adapter.own =
          OftConfig{0, between(random, 2, 8), int_between(random, 2, 6), drawn_bias(random)};
      break;
    case 6:
      adapter.method = &loha_method();
      draw_targets(random, transformer, {ModuleKind::kLinear}, adapter);
      adapter.own = LohaConfig{int_between(random, 1, 8), 8, {}, {}};
      break;
    case 7:
      adapter.method = &lokr_method();
      draw_targets(random, transformer, {ModuleKind::kLinear}, adapter);
      adapter.own = LokrConfig{int_between(random, 1, 8), 8, chance(random, 2), -1, {}, {}};
      break;
    default:
      draw_lora(random, transformer, model, adapter);
  }
  return adapter;
}

std::string text_of_adapter(const AdapterConfig& config, const AdapterPlan& plan) {
  std::string text = fmt::format("{} on {} modules", plan.method->title, plan.adapted.size());
  if (plan.method == &lora_method()) {
    const LoraConfig& lora = lora_config(config);
    text += fmt::format(", r = {}, dropout {}{}", lora.r, lora.lora_dropout,
                        lora.use_dora ? ", DoRA" : "");
  }
  const TrainedParameters& trained = plan.parameters;
  text += fmt::format(", {} biases, {} tables with trained rows", trained.trainable_biases.size(),
                      trained.trainable_tokens.size());
  for (const std::string& module : trained.saved_modules) text += ", " + module + " saved";
  return text;
}

// ---- the training ----

OptimizerSettings drawn_optimizer(Random& random, std::int64_t steps) {
  OptimizerSettings optimizer;
  if (chance(random, 4)) optimizer.adamw.weight_decay = 0;
  if (chance(random, 3)) {
    optimizer.kind = OptimizerKind::kSgd;
    optimizer.sgd = draw::sgd(random);
  }
  using Kind = Schedule::Kind;
  optimizer.schedule.kind =
      one_of(random, std::array<Kind, 3>{Kind::kConstant, Kind::kLinear, Kind::kCosine});
  optimizer.schedule.warmup = between(random, 0, 1);
  optimizer.schedule.total = steps;
  if (chance(random, 3)) optimizer.clip_norm = static_cast<double>(between(random, 1, 20)) / 8;
  if (chance(random, 4)) optimizer.accumulate = between(random, 2, steps == 1 ? 3 : 2);
  return optimizer;
}

// Of a sequence: all of it, padding on the left or the right, holes, or nothing.
std::vector<bool> drawn_mask(Random& random, std::int64_t length) {
  std::vector<bool> mask(static_cast<std::size_t>(length), true);
  const std::int64_t padding = between(random, 0, length - 1);
  switch (between(random, 0, 4)) {
    case 0:
      std::fill_n(mask.begin(), padding, false);
      break;
    case 1:
      std::fill_n(mask.rbegin(), padding, false);
      break;
    case 2:
      for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = !chance(random, 3);
      break;
    default:
      break;
  }
  return mask;
}

// What a model is fed with one micro-batch, by name.
TensorMap drawn_batch(Random& random, const ModelConfig& model, const Transformer& transformer) {
  const Shape shape{transformer.batch, transformer.sequence};
  TensorMap batch;
  Tensor ids(DType::I64, shape), mask(DType::I64, shape), types(DType::I64, shape);
  for (std::int64_t row = 0; row < shape[0]; ++row) {
    const std::vector<bool> kept = drawn_mask(random, shape[1]);
    for (std::int64_t i = 0; i < shape[1]; ++i) {
      const std::int64_t at = row * shape[1] + i;
      const bool keep = kept[static_cast<std::size_t>(i)];
      ids.data<std::int64_t>()[at] = keep || !transformer.pad_token_id
                                         ? between(random, 0, model.vocabulary() - 1)
                                         : *transformer.pad_token_id;
      mask.data<std::int64_t>()[at] = keep ? 1 : 0;
      types.data<std::int64_t>()[at] =
          model.token_types() == 0 ? 0 : between(random, 0, model.token_types() - 1);
    }
  }
  draw::mask_whole_rows(random, mask);
  const bool causal = model.classes() == 0;
  batch["labels"] = draw::labels(random, causal ? shape : Shape{shape[0]},
                                 causal ? model.vocabulary() : model.classes());
  batch["last_tokens"] = last_tokens(ids, transformer.pad_token_id);
  batch["input_ids"] = std::move(ids);
  batch["attention_mask"] = std::move(mask);
  batch["token_type_ids"] = std::move(types);
  batch[kShare] = draw::f32(random, {1}, 0.5f, true);
  return batch;
}

void draw_feeds(Random& random, const ModelConfig& model, const Transformer& transformer,
                std::int64_t steps, TransformerCase& drawn) {
  const TrainingProgram& program = drawn.program;
  const std::int64_t micro_batches = program.optimizer.accumulate;
  for (std::int64_t step = 0; step < steps; ++step) {
    TensorMap& fed = drawn.feeds.emplace_back(optimizer_feeds(program, step));
    for (std::int64_t i = 0; i < micro_batches; ++i) {
      TensorMap batch = drawn_batch(random, model, transformer);
      Tensor number(DType::I64, {1});
      *number.data<std::int64_t>() = step * micro_batches + i;
      batch["dropout_step"] = std::move(number);
      for (auto& [name, tensor] : batch) {
        const std::string named = micro_batch_name(name, i, micro_batches);
        if (find_value(program.graph, named)) fed[named] = std::move(tensor);
      }
    }
  }
}

void draw_given(Random& random, draw::Packing& packing, TransformerCase& drawn) {
  for (const Value& value : drawn.program.graph.values) {
    if (is_computed(value) || is_fed(value)) continue;
    Tensor& tensor = drawn.given[value.name] = draw::numbers(random, value);
    if (drawn.number % 4 == 1 && value.role != Role::kState) draw::make_ties(tensor);
  }
  drawn.packed = packing.take(drawn.program.graph, drawn.given);
  if (drawn.number % 4 == 3) drawn.planted = draw::plant(random, drawn.given);
  packing.plant_more(drawn);
}

void draw_compiler(Random& random, TransformerCase& drawn) {
  Config& config = drawn.config;
  config.compiler = {};
  config.compiler.rehearse = drawn.number % 8 == 0;
  if (chance(random, 3)) config.compiler.block_rows = one_of(random, std::array<int, 3>{8, 16, 64});
  if (chance(random, 4)) {
    config.compiler.scratchpad_kib = config.compiler.accumulator_kib =
        one_of(random, std::array<int, 3>{8, 16, 32});
  }
  config.weights = Weights::kResident;
  config.link.bandwidth_gb_per_s = 64;
  drawn.pauses = 0;
  if (random() % 5 >= 2) return;
  config.weights = Weights::kStreamed;
  config.stream_tiles = one_of(random, std::array<int, 4>{1, 2, 3, 8});
  config.link.bandwidth_gb_per_s = one_of(random, std::array<int, 3>{1, 4, 64});
  if (chance(random, 3)) drawn.pauses = 300;
}

// Commands of all steps of a case, at most: what keeps most cases to some seconds at RTL fidelity.
constexpr std::size_t kMostCommands = 2500;

// In device memory; nothing: the steps are too long, or some product or row is too large for the
// local memories. Without the rehearsals, which change nothing of that. Every other refusal is a
// fault of whoever refuses.
std::optional<std::uint64_t> bytes_of_step(const TransformerCase& drawn, std::size_t steps) {
  const Config& config = drawn.config;
  CompilerConfig compiler = config.compiler;
  compiler.rehearse = false;
  try {
    const CompiledStep step = compile(
        drawn.program, config.machine, compiler, size_bytes(config.memory),
        {config.weights == Weights::kStreamed, config.stream_tiles}, memory_timing_of(config));
    if (step.commands.size() * steps > kMostCommands) return std::nullopt;
    return step.memory_bytes;
  } catch (const KeyError&) {
    return std::nullopt;
  }
}

// A model with an adapter, trained; false if they do not fit each other, or the machine. `packed`:
// some of its weights are, if there are any that can.
bool draw_training(Random& random, draw::Packing& packing, bool packed, TransformerCase& drawn) {
  draw_compiler(random, drawn);
  const bool llama = chance(random, 2);
  ModelConfig model{"a drawn model", LlamaShape(), {}};
  if (llama)
    model.shape = drawn_llama(random);
  else
    model.shape = drawn_bert(random);
  if (packed) widen_model(packing, model);
  const std::int64_t batch = between(random, 1, 3);
  const std::int64_t least = model.classes() == 0 ? 2 : 1;  // of one token nothing is predicted
  const std::int64_t sequence =
      between(random, least, one_of(random, std::array<int, 3>{3, 5, 12}));
  const std::int64_t steps = one_of(random, std::array<int, 5>{1, 1, 1, 2, 3});
  const OptimizerSettings optimizer = drawn_optimizer(random, steps);
  const bool all_values = chance(random, 4);
  std::optional<Transformer> transformer;
  try {
    transformer = build(model, batch, sequence);
    const AdapterConfig adapter = drawn_adapter(random, *transformer, model);
    const AdapterPlan plan =
        adapter.method->plan(adapter, modules_of(*transformer), model.facts(), random());
    apply_adapter(*transformer, plan);
    drawn.adapter = text_of_adapter(adapter, plan);
  } catch (const InputError&) {
    return false;
  }
  const RecomputePolicy recompute = draw::recompute_policy(random);
  drawn.program = transformer_program(*transformer, optimizer, recompute).program;
  if (drawn.program.gradients.empty()) return false;
  if (all_values) {
    for (Value& value : drawn.program.graph.values)
      if (value.role == Role::kIntermediate) value.role = Role::kResult;
  }
  if (packed) packing.pack_some(drawn.program.graph);
  const std::optional<std::uint64_t> bytes = bytes_of_step(drawn, static_cast<std::size_t>(steps));
  if (!bytes) return false;
  drawn.config.watchdog_cycles += draw::upload_cycles(drawn.config, *bytes);
  draw_given(random, packing, drawn);
  draw_feeds(random, model, *transformer, steps, drawn);
  drawn.model = fmt::format("{} {} with {} values, {} x {} tokens", llama ? "llama" : "bert",
                            model.classes() == 0 ? "that predicts tokens" : "that classifies",
                            drawn.program.graph.values.size(), batch, sequence);
  drawn.training =
      describe_steps(drawn.feeds.size(), optimizer) + (optimizer.clip_norm > 0 ? ", clipped" : "") +
      (recompute == RecomputePolicy::kNone ? std::string()
                                           : std::string(", recompute ") + name_of(recompute)) +
      (all_values ? ", every value compared" : "");
  return true;
}

}  // namespace

TransformerCase make_transformer_case(const CaseSource& source, std::uint64_t seed, int number) {
  TransformerCase drawn;
  Random random = draw::begin(drawn, source, seed, number, 0x4C6C616D61);
  draw::Packing packing(drawn);
  constexpr int kAttempts = 200, kPackedAttempts = 100;
  for (int attempt = 1;; ++attempt) {
    const bool packed = packing.wanted() && attempt <= kPackedAttempts;
    if (draw_training(random, packing, packed, drawn)) break;
    if (attempt < kAttempts) continue;
    compile_for(drawn.config, drawn.program);  // says what is too small
    break;
  }
  return drawn;
}

std::string describe(const TransformerCase& transformer) {
  return fmt::format("{}: {}; {}; {}{}{}", describe_setting("transformer", transformer),
                     transformer.model, transformer.adapter, transformer.training,
                     describe_packed(transformer), describe_planted(transformer));
}

}  // namespace corank
