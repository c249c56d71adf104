#include "host/run/finetune_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <random>
#include <set>
#include <utility>
#include <variant>

#include "host/formats/input_file.h"
#include "host/huggingface/model_weights.h"
#include "host/huggingface/weight_files.h"
#include "host/quantized/gguf_model.h"
#include "host/quantized/packed_folder.h"
#include "host/workload/normal.h"
#include "models/base/error.h"
#include "models/base/host_memory.h"
#include "models/base/text.h"
#include "models/numerics/convert.h"

namespace corank {
namespace {

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

/// `what` the key has to name, where it names no folder.
void require_folder(const Config& config, const std::string& key, const std::string& folder,
                    const std::string& what) {
  if (folder.empty()) throw InputError(place_of(config, key), key + " is missing");
  if (!is_folder(folder))
    throw InputError(place_of(config, key), key + ": expected " + what + ", found '" + folder +
                                                "', which is " +
                                                (is_there(folder) ? "none" : "not there"));
}

BatchLimits limits_of(const ModelConfig& model, const Config& config) {
  return {model.vocabulary(), model.max_positions(), model.classes(), model.token_types(),
          config.optimizer.accumulate};
}

/// What is plain is packed as it is read or drawn.
void quantize_source(const Config& config, FinetuneSource& source) {
  if (config.quantize == Quantizer::kNone) return;
  if (source.packed)
    throw InputError(place_of(config, "workload.quantize"),
                     std::string("workload.quantize: expected none, because ") + source.model.file +
                         " is of packed weights; found " + name_of(config.quantize));
  source.packed = [model = source.model, files = source.weights,
                   quantizer = config.quantize](const Transformer& transformer) {
    return weights_to_quantize(model, transformer, quantizer, files.get());
  };
}

/// `workload.model` is one file.
void read_gguf(const Config& config, FinetuneSource& source) {
  const auto file = std::make_shared<const GgufWeights>(config.model);
  source.weights = file;
  source.model = file->model(source.adapter.task_type);
  source.packed = [file](const Transformer& transformer) { return file->packed(transformer); };
}

void read_folder(const Config& config, FinetuneSource& source) {
  source.model = read_model_config(config.model, source.adapter.task_type);
  const auto files = std::make_shared<const WeightFiles>(config.model);
  source.weights = files;
  untie_other_head(source.model, *files);
  if (const auto& quantization = source.model.quantization)
    source.packed = [quantization = *quantization, files,
                     prefix = source.model.prefix()](const Transformer& transformer) {
      return packed_weights(quantization, *files, prefix, transformer);
    };
}

FinetuneSource read_source(const Config& config) {
  const bool gguf = ends_with(config.model, ".gguf") && !is_folder(config.model);
  if (!gguf) require_folder(config, "workload.model", config.model, "a folder or a file.gguf");
  require_folder(config, "workload.adapter", config.adapter, "a folder");
  if (config.batches.empty())
    throw InputError(place_of(config, "workload.batches"), "workload.batches is missing");
  if (config.steps != 1)
    throw InputError(place_of(config, "workload.steps"),
                     "workload.steps: token batches have as many steps as they have; expected 1, "
                     "found " +
                         std::to_string(config.steps));
  FinetuneSource source;
  source.adapter = read_adapter_config(config.adapter);
  gguf ? read_gguf(config, source) : read_folder(config, source);
  quantize_source(config, source);
  source.batches = read_batches(config.batches, limits_of(source.model, config));
  source.model_text = config.model;
  source.adapter_text = config.adapter;
  source.batches_text = config.batches;
  return source;
}

// ---- by sizes ----

void check_sized(const Config& config) {
  const auto refuse = [&](const std::string& key) {
    throw InputError(place_of(config, key), key +
                                                ": belongs to files (workload.model); found "
                                                "workload.transformer, which is drawn");
  };
  if (!config.model.empty()) refuse("workload.model");
  if (!config.adapter.empty()) refuse("workload.adapter");
  if (!config.batches.empty()) refuse("workload.batches");
  if (!config.state.empty()) refuse("workload.state");
  if (config.checkpoint != 0) refuse("workload.checkpoint");
}

AdapterConfig adapter_of_sizes(const Config& config, bool classification) {
  const TransformerSizes& sizes = config.transformer;
  Json targets = "all-linear";
  if (!sizes.modules.empty()) targets = sizes.modules;
  const Json json = {{"peft_type", "LORA"},
                     {"task_type", classification ? "SEQ_CLS" : "CAUSAL_LM"},
                     {"r", sizes.rank},
                     {"lora_alpha", sizes.alpha > 0 ? sizes.alpha : 2.0 * sizes.rank},
                     {"lora_dropout", sizes.dropout},
                     {"target_modules", targets},
                     {"bias", "none"}};
  const std::string key = "workload.transformer";
  return adapter_config_of(JsonObject(json, to_string(place_of(config, key)) + ": " + key));
}

Tensor integers(const Shape& shape, std::int64_t value) {
  Tensor tensor(DType::I64, shape);
  std::fill_n(tensor.data<std::int64_t>(), element_count(shape), value);
  return tensor;
}

Tensor drawn_integers(const Shape& shape, std::int64_t below, std::mt19937_64& random) {
  Tensor tensor(DType::I64, shape);
  auto* elements = tensor.data<std::int64_t>();
  for (std::int64_t i = 0; i < element_count(shape); ++i)
    elements[i] = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(below));
  return tensor;
}

Batches drawn_batches(const ModelConfig& model, const Config& config) {
  const TransformerSizes& sizes = config.transformer;
  std::mt19937_64 random(config.seed);
  Batches batches;
  batches.file = "workload.transformer";
  batches.count = config.steps * config.optimizer.accumulate;
  batches.batch = sizes.batch;
  batches.sequence = sizes.sequence;
  batches.causal = model.classes() == 0;
  const Shape shape = {batches.count, batches.batch, batches.sequence};
  batches.input_ids = drawn_integers(shape, model.vocabulary(), random);
  batches.attention_mask = integers(shape, 1);
  batches.token_type_ids = integers(shape, 0);
  batches.labels = batches.causal
                       ? batches.input_ids
                       : drawn_integers({batches.count, batches.batch}, model.classes(), random);
  return batches;
}

std::int64_t heads_of(const ModelConfig& model) {
  return std::visit([](const auto& shape) { return shape.heads; }, model.shape);
}
std::int64_t intermediate_of(const ModelConfig& model) {
  return std::visit([](const auto& shape) { return shape.intermediate; }, model.shape);
}

// What a user may write is more than any computer can hold.
void check_tokens(const ModelConfig& model, const Config& config) {
  const TransformerSizes& sizes = config.transformer;
  const auto batch = static_cast<double>(sizes.batch);
  const auto sequence = static_cast<double>(sizes.sequence);
  const double widest = static_cast<double>(std::max(model.vocabulary(), intermediate_of(model)));
  const double largest =
      batch * sequence * std::max(widest, static_cast<double>(heads_of(model)) * sequence);
  constexpr double kMostElements = 0x1p40;
  const SourceLocation where =
      location_of(config, {"workload.transformer.sequence", "workload.transformer"});
  if (largest > kMostElements)
    throw InputError(where, fmt::format("workload.transformer: expected values of at most 2^40 "
                                        "elements; {} x {} tokens of {} make one of {:.4g}",
                                        sizes.batch, sizes.sequence, sizes.config, largest));
  // Ids, labels, masks and types, of every micro-batch.
  const double bytes = 4 * 8 * batch * sequence * static_cast<double>(config.steps) *
                       static_cast<double>(config.optimizer.accumulate);
  if (bytes > static_cast<double>(host_memory_bytes()))
    throw InputError(where, fmt::format("workload.transformer: the tokens of all steps need {:.0f} "
                                        "bytes of this computer's memory, which has {}",
                                        bytes, host_memory_bytes()));
}

// A language model needs a position that predicts another one, and a table of positions its rows.
void check_sequence(const ModelConfig& model, const Config& config) {
  const std::int64_t sequence = config.transformer.sequence;
  const std::int64_t least = model.classes() == 0 ? 2 : 1;
  const auto refuse = [&](const std::string& expected) {
    throw InputError(
        place_of(config, "workload.transformer.sequence"),
        fmt::format("workload.transformer.sequence: expected {}; found {}", expected, sequence));
  };
  if (sequence < least)
    refuse(fmt::format("at least {} tokens, of which one predicts the next", least));
  if (model.max_positions() > 0 && sequence > model.max_positions())
    refuse(fmt::format("at most the {} positions of {}", model.max_positions(), model.file));
  check_tokens(model, config);
}

FinetuneSource sized_source(const Config& config) {
  check_sized(config);
  const TransformerSizes& sizes = config.transformer;
  if (!is_there(sizes.config))
    throw InputError(place_of(config, "workload.transformer.config"),
                     "workload.transformer.config: expected a config.json, found '" + sizes.config +
                         "', which is not there");
  FinetuneSource source;
  source.model = read_model_config_file(sizes.config, "");
  check_sequence(source.model, config);
  const bool causal = source.model.classes() == 0;
  source.adapter = adapter_of_sizes(config, !causal);
  quantize_source(config, source);
  source.batches = drawn_batches(source.model, config);
  std::string modules;
  for (const std::string& module : sizes.modules) modules += (modules.empty() ? "" : ", ") + module;
  source.model_text = sizes.config;
  source.adapter_text = fmt::format("LoRA of rank {} on {}", sizes.rank,
                                    modules.empty() ? "all linears but the head" : modules);
  source.batches_text =
      fmt::format("drawn by seed {}: ids uniform over the vocabulary, {}, no padding", config.seed,
                  causal ? "the same as labels" : "labels uniform over the classes");
  return source;
}

}  // namespace

FinetuneSource finetune_source(const Config& config) {
  return config.transformer.config.empty() ? read_source(config) : sized_source(config);
}

std::int64_t layers_of(const FinetuneSource& source) {
  return std::visit([](const auto& shape) { return shape.layers; }, source.model.shape);
}

FinetuneSource with_layers(FinetuneSource source, std::int64_t layers) {
  std::visit([&](auto& shape) { shape.layers = layers; }, source.model.shape);
  return source;
}

TensorMap draw_parameters(const Transformer& transformer, std::uint64_t seed, Numerics numerics) {
  std::set<ValueId> norms;
  for (const Module& module : transformer.modules)
    if (module.kind == ModuleKind::kNorm) norms.insert(module.weight);
  constexpr double kSmall = 0.02;  // of biases and of norms around 1
  Normal normal(seed);
  TensorMap values;
  for (ValueId id = 0; id < static_cast<ValueId>(transformer.graph.values.size()); ++id) {
    const Value& value = transformer.graph.value(id);
    if (value.role != Role::kFrozen && value.role != Role::kTrainable) continue;
    const bool is_matrix = value.shape.size() > 1;
    const double deviation =
        is_matrix ? 1 / std::sqrt(static_cast<double>(value.shape.back())) : kSmall;
    const float centre = norms.count(id) > 0 ? 1 : 0;
    Tensor tensor = f32_tensor(value.shape, deviation, normal);
    for (std::int64_t i = 0; i < element_count(value.shape); ++i) tensor.data<float>()[i] += centre;
    if (value.dtype == DType::BF16) {
      tensor = converted(tensor, DType::BF16);
      if (numerics != Numerics::kBf16) tensor = converted(tensor, DType::F32);
    }
    values.emplace(value.name, std::move(tensor));
  }
  return values;
}

}  // namespace corank
