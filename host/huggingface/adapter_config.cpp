#include "host/huggingface/adapter_config.h"

#include <algorithm>
#include <filesystem>
#include <limits>

#include "host/huggingface/peft_method.h"
#include "models/base/error.h"
#include "models/base/text.h"

namespace corank {
namespace {

/// The keys of PeftConfig of PEFT 0.21, and those of every method that wraps modules.
const KnownKeys& common_keys() {
  constexpr KeyUse kHonoured = KeyUse::kHonoured;
  constexpr KeyUse kHarmless = KeyUse::kHarmless;
  static const KnownKeys keys = {
      {"peft_type", kHonoured},
      {"task_type", kHonoured},
      {"target_modules", kHonoured},
      {"exclude_modules", kHonoured},
      {"modules_to_save", kHonoured},
      // PEFT itself turns it off for the linears of LLaMA and BERT, with a warning.
      {"fan_in_fan_out", KeyUse::kNotApplied},
      // Where an adapter comes from, and how a program runs it.
      {"base_model_name_or_path", kHarmless},
      {"revision", kHarmless},
      {"peft_version", kHarmless},
      {"inference_mode", kHarmless},
      {"auto_mapping", kHarmless},
      {"runtime_config", kHarmless},
  };
  return keys;
}

const PeftMethod& method_of(const JsonObject& config) {
  const std::string type = config.text("peft_type");
  std::string known;
  for (const PeftMethod* method : peft_methods()) {
    if (type == method->peft_type) return *method;
    known += (known.empty() ? "\"" : ", \"") + std::string(method->peft_type) + "\"";
  }
  config.refuse("peft_type", (peft_methods().size() > 1 ? "one of " : "") + known);
}

/// What is not honoured. Of an unknown key (of a newer PEFT, or of somebody's own) PEFT warns and
/// passes over it. But a variant of a method is turned on by true, a list or an object: that would
/// be another adapter. A number or a text alone turns nothing on.
std::vector<std::string> check_keys(const JsonObject& config, const PeftMethod& method) {
  KnownKeys known = common_keys();
  known.insert(known.end(), method.keys.begin(), method.keys.end());
  std::vector<std::string> notes = check_known_keys(config, known);
  std::vector<std::string> passed;
  for (const std::string& key : unknown_keys(config, known)) {
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

void read_targets(const JsonObject& config, TargetKeys& targets) {
  targets.target_modules = read_pattern(config, "target_modules");
  targets.default_targets = !config.has("target_modules");
  if (targets.target_modules.expression == "all-linear") {
    targets.all_linear = true;
    targets.target_modules.expression.reset();
  }
  targets.exclude_modules = read_pattern(config, "exclude_modules");
}

/// With what PEFT adds by itself (PeftModelForSequenceClassification).
std::vector<std::string> read_saved(const JsonObject& config, const std::string& task_type) {
  std::vector<std::string> saved = read_texts(config, "modules_to_save");
  if (task_type != "SEQ_CLS") return saved;
  for (const char* head : {"classifier", "score"})
    if (std::find(saved.begin(), saved.end(), head) == saved.end()) saved.emplace_back(head);
  return saved;
}

}  // namespace

ModulePattern read_pattern(const JsonObject& config, const std::string& key) {
  ModulePattern pattern;
  if (!config.has(key)) return pattern;
  if (config.json().at(key).is_string())
    pattern.expression = config.text(key);
  else
    pattern.names = config.texts(key);
  return pattern;
}

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

double read_dropout(const JsonObject& config, const std::string& key) {
  const double rate = config.number_or(key, 0);
  if (rate < 0 || rate >= 1) config.refuse(key, "a number from 0 to below 1");
  return rate;
}

BiasTraining read_bias(const JsonObject& config, const std::string& of_adapted) {
  const std::string bias = config.text_or("bias", "none");
  if (bias == "none") return BiasTraining::kNone;
  if (bias == of_adapted) return BiasTraining::kAdapted;
  if (bias == "all") return BiasTraining::kAll;
  config.refuse("bias", "\"none\", \"" + of_adapted + "\" or \"all\"");
}

void read_layers(const JsonObject& config, TargetKeys& targets) {
  targets.layers_pattern = read_texts(config, "layers_pattern");
  if (targets.layers_pattern == std::vector<std::string>{""}) targets.layers_pattern.clear();
  if (config.has("layers_to_transform")) {
    const Json& layers = config.json().at("layers_to_transform");
    // An empty list filters nothing.
    if (layers.is_number())
      targets.layers_to_transform = {config.integer("layers_to_transform", 0)};
    else if (!layers.empty())
      targets.layers_to_transform = read_integers(config, "layers_to_transform", layers);
  }
  if (!targets.layers_pattern.empty() && !config.has("layers_to_transform"))
    config.refuse("layers_to_transform", "layer numbers, because layers_pattern is given");
  const bool text_target = targets.all_linear || targets.target_modules.expression;
  if (text_target && targets.layers_to_transform)
    config.refuse("target_modules", "a list, because layers_to_transform is given");
}

AdapterConfig read_adapter_config(const std::string& folder) {
  return adapter_config_of(
      read_json_object((std::filesystem::path(folder) / "adapter_config.json").string()));
}

AdapterConfig adapter_config_of(const JsonObject& config) {
  AdapterConfig adapter;
  adapter.file = config.where();
  adapter.json = config.json();
  adapter.method = &method_of(config);
  adapter.notes = check_keys(config, *adapter.method);
  adapter.task_type = config.text_or("task_type", "");
  if (!adapter.task_type.empty() && adapter.task_type != "CAUSAL_LM" &&
      adapter.task_type != "SEQ_CLS")
    config.refuse("task_type", "\"CAUSAL_LM\", \"SEQ_CLS\" or null");
  read_targets(config, adapter.targets);
  adapter.modules_to_save = read_saved(config, adapter.task_type);
  adapter.method->read(config, adapter);
  return adapter;
}

}  // namespace corank
