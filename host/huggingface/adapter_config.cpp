#include "host/huggingface/adapter_config.h"

#include <algorithm>
#include <filesystem>
#include <limits>

#include "host/huggingface/known_keys.h"
#include "models/base/error.h"
#include "models/base/text.h"

namespace corank {
namespace {

/// The keys of LoraConfig and PeftConfig of PEFT 0.21.
const KnownKeys& lora_keys() {
  constexpr KeyUse kHonoured = KeyUse::kHonoured;
  constexpr KeyUse kHarmless = KeyUse::kHarmless;
  constexpr KeyUse kNotApplied = KeyUse::kNotApplied;
  constexpr KeyUse kRefused = KeyUse::kRefused;
  static const KnownKeys keys = {
      {"peft_type", kHonoured},
      {"task_type", kHonoured},
      {"r", kHonoured},
      {"lora_alpha", kHonoured},
      {"lora_dropout", kHonoured},
      {"use_rslora", kHonoured},
      {"bias", kHonoured},
      {"target_modules", kHonoured},
      {"exclude_modules", kHonoured},
      {"layers_to_transform", kHonoured},
      {"layers_pattern", kHonoured},
      {"rank_pattern", kHonoured},
      {"alpha_pattern", kHonoured},
      {"modules_to_save", kHonoured},
      {"init_lora_weights", kHonoured},
      {"trainable_token_indices", kHonoured},
      {"ensure_weight_tying", kHonoured},

      // PEFT itself turns it off for the linears of LLaMA and BERT, with a warning.
      {"fan_in_fan_out", kNotApplied},

      // Another computation than a LoRA's, or another model.
      {"use_dora", kRefused},
      {"use_qalora", kRefused},
      {"use_bdlora", kRefused},
      {"lora_bias", kRefused},
      {"target_parameters", kRefused},
      {"layer_replication", kRefused},
      {"alora_invocation_tokens", kRefused},
      {"arrow_config", kRefused},
      {"kasa_config", kRefused},
      {"velora_config", kRefused},
      {"monteclora_config", kRefused},
      {"megatron_config", kRefused},

      // Where an adapter comes from, and how a program runs it.
      {"base_model_name_or_path", kHarmless},
      {"revision", kHarmless},
      {"peft_version", kHarmless},
      {"inference_mode", kHarmless},
      {"auto_mapping", kHarmless},
      {"runtime_config", kHarmless},
      // Only together with a key that is refused.
      {"megatron_core", kHarmless},
      {"qalora_group_size", kHarmless},
      // Only with a value of init_lora_weights that is refused, or that gives A its start.
      {"loftq_config", kHarmless},
      {"eva_config", kHarmless},
      {"corda_config", kHarmless},
      {"lora_ga_config", kHarmless},
  };
  return keys;
}

template <class Names>
bool contains(const Names& names, const std::string& key) {
  return std::find(names.begin(), names.end(), key) != names.end();
}

/// What is not honoured. Of an unknown key (of a newer PEFT, or of somebody's own) PEFT warns and
/// passes over it. But a variant of LoRA is turned on by true, a list or an object: that would be
/// another adapter. A number or a text alone turns nothing on.
std::vector<std::string> check_keys(const JsonObject& config) {
  std::vector<std::string> notes = check_known_keys(config, lora_keys());
  std::vector<std::string> passed;
  for (const std::string& key : unknown_keys(config, lora_keys())) {
    const Json& value = config.json().at(key);
    if (is_off(value)) continue;
    if (value.is_boolean() || value.is_structured())
      throw InputError(config.where() + ": " + quote(key) + ": " + excerpt(value) +
                       " is not supported; expected null, false or no such key");
    passed.push_back(key);
  }
  if (!passed.empty())
    notes.push_back(config.where() + ": unknown keys are passed over: " + quote_list(passed));
  return notes;
}

ModulePattern read_pattern(const JsonObject& config, const std::string& key) {
  ModulePattern pattern;
  if (!config.has(key)) return pattern;
  if (config.json().at(key).is_string())
    pattern.expression = config.text(key);
  else
    pattern.names = config.texts(key);
  return pattern;
}

/// A text or a list of texts.
std::vector<std::string> read_texts(const JsonObject& config, const std::string& key) {
  if (!config.has(key)) return {};
  if (config.json().at(key).is_string()) return {config.text(key)};
  return config.texts(key);
}

std::vector<std::int64_t> read_integers(const JsonObject& config, const std::string& key,
                                        const Json& value) {
  std::vector<std::int64_t> integers;
  if (!value.is_array()) config.refuse(key, "a list of integers, 0 or more");
  for (const Json& item : value) {
    const bool right =
        item.is_number_integer() && item >= 0 && item <= std::numeric_limits<std::int64_t>::max();
    if (!right) config.refuse(key, "integers, 0 or more");
    integers.push_back(item.get<std::int64_t>());
  }
  return integers;
}

BiasTraining read_bias(const JsonObject& config) {
  const std::string bias = config.text_or("bias", "none");
  if (bias == "none") return BiasTraining::kNone;
  if (bias == "lora_only") return BiasTraining::kLoraOnly;
  if (bias == "all") return BiasTraining::kAll;
  config.refuse("bias", "\"none\", \"lora_only\" or \"all\"");
}

void read_targets(const JsonObject& config, AdapterConfig& adapter) {
  adapter.target_modules = read_pattern(config, "target_modules");
  adapter.default_targets = !config.has("target_modules");
  if (adapter.target_modules.expression == "all-linear") {
    adapter.all_linear = true;
    adapter.target_modules.expression.reset();
  }
  adapter.exclude_modules = read_pattern(config, "exclude_modules");
}

void read_layers(const JsonObject& config, AdapterConfig& adapter) {
  adapter.layers_pattern = read_texts(config, "layers_pattern");
  if (adapter.layers_pattern == std::vector<std::string>{""}) adapter.layers_pattern.clear();
  if (config.has("layers_to_transform")) {
    const Json& layers = config.json().at("layers_to_transform");
    // An empty list filters nothing.
    if (layers.is_number())
      adapter.layers_to_transform = {config.integer("layers_to_transform", 0)};
    else if (!layers.empty())
      adapter.layers_to_transform = read_integers(config, "layers_to_transform", layers);
  }
  if (!adapter.layers_pattern.empty() && !config.has("layers_to_transform"))
    config.refuse("layers_to_transform", "layer numbers, because layers_pattern is given");
  const bool text_target = adapter.all_linear || adapter.target_modules.expression;
  if (text_target && adapter.layers_to_transform)
    config.refuse("target_modules", "a list, because layers_to_transform is given");
}

void read_patterns(const JsonObject& config, AdapterConfig& adapter) {
  if (config.has("rank_pattern")) {
    const JsonObject ranks = config.object("rank_pattern");
    for (const auto& [key, value] : ranks.json().items()) {
      static_cast<void>(value);
      adapter.rank_pattern.emplace_back(key, ranks.integer(key, 1, 1 << 20));
    }
  }
  if (config.has("alpha_pattern")) {
    const JsonObject alphas = config.object("alpha_pattern");
    for (const auto& [key, value] : alphas.json().items()) {
      static_cast<void>(value);
      adapter.alpha_pattern.emplace_back(key, alphas.number(key));
    }
  }
}

void read_trainable_tokens(const JsonObject& config, AdapterConfig& adapter) {
  const std::string key = "trainable_token_indices";
  if (!config.has(key) || is_off(config.json().at(key))) return;
  const Json& value = config.json().at(key);
  if (!value.is_object()) {
    adapter.trainable_tokens.push_back({"", read_integers(config, key, value)});
    return;
  }
  for (const auto& [module, ids] : value.items())
    adapter.trainable_tokens.push_back({module, read_integers(config, key, ids)});
}

void check_initialisation(const JsonObject& config) {
  // Only the first values of A and B depend on these; corank takes them from the adapter's file.
  const std::string key = "init_lora_weights";
  if (!config.has(key) || config.json().at(key).is_boolean()) return;
  const std::string method = config.text(key);
  if (method == "gaussian" || method == "orthogonal" || method == "eva") return;
  config.refuse(key,
                "true, false, \"gaussian\", \"orthogonal\" or \"eva\", which leave the base "
                "weights as they are");
}

}  // namespace

AdapterConfig read_adapter_config(const std::string& folder) {
  const std::string path = (std::filesystem::path(folder) / "adapter_config.json").string();
  const JsonObject config = read_json_object(path);
  AdapterConfig adapter;
  adapter.file = path;
  adapter.json = config.json();
  if (config.text("peft_type") != "LORA") config.refuse("peft_type", "\"LORA\"");
  adapter.notes = check_keys(config);
  adapter.task_type = config.text_or("task_type", "");
  if (adapter.task_type != "" && adapter.task_type != "CAUSAL_LM" && adapter.task_type != "SEQ_CLS")
    config.refuse("task_type", "\"CAUSAL_LM\", \"SEQ_CLS\" or null");
  adapter.r = static_cast<int>(config.integer("r", 1, 1 << 20));
  adapter.lora_alpha = config.number("lora_alpha");
  adapter.lora_dropout = config.number_or("lora_dropout", 0);
  if (adapter.lora_dropout < 0 || adapter.lora_dropout >= 1)
    config.refuse("lora_dropout", "a number from 0 to below 1");
  adapter.use_rslora = config.boolean_or("use_rslora", false);
  adapter.bias = read_bias(config);
  read_targets(config, adapter);
  read_layers(config, adapter);
  read_patterns(config, adapter);
  adapter.modules_to_save = read_texts(config, "modules_to_save");
  // What PEFT adds by itself (PeftModelForSequenceClassification).
  if (adapter.task_type == "SEQ_CLS")
    for (const char* head : {"classifier", "score"})
      if (!contains(adapter.modules_to_save, head)) adapter.modules_to_save.emplace_back(head);
  read_trainable_tokens(config, adapter);
  adapter.ensure_weight_tying = config.boolean_or("ensure_weight_tying", false);
  check_initialisation(config);
  return adapter;
}

}  // namespace corank
