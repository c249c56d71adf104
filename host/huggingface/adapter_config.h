// adapter_config.json of Hugging Face PEFT as plain data: what every method's file says.
#pragma once

#include <any>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/huggingface/json_object.h"
#include "host/huggingface/known_keys.h"

namespace corank {

struct PeftMethod;  // host/huggingface/peft_method.h

/// Which modules a key of the configuration means: one regular expression that must match the whole
/// name, or a list of names and suffixes. Both empty: nothing.
struct ModulePattern {
  std::optional<std::string> expression;
  std::vector<std::string> names;
  bool empty() const { return !expression && names.empty(); }
};

/// The modules that get an adapter.
struct TargetKeys {
  bool all_linear = false;       // target_modules: "all-linear"
  bool default_targets = false;  // target_modules: null, PEFT's choice for the architecture
  ModulePattern target_modules;  // empty in both cases above
  ModulePattern exclude_modules;
  std::optional<std::vector<std::int64_t>> layers_to_transform;
  std::vector<std::string> layers_pattern;
};

/// Biases of the model that are trained: none, those of the adapted modules, all.
enum class BiasTraining { kNone, kAdapted, kAll };

struct AdapterConfig {
  std::string file;
  Json json;  // as it stands in the file, to be written back with the trained adapter
  const PeftMethod* method = nullptr;
  std::string task_type;  // "CAUSAL_LM", "SEQ_CLS" or "" for null
  TargetKeys targets;
  std::vector<std::string> modules_to_save;  // with what PEFT adds by itself for SEQ_CLS
  std::any own;                              // what the method's read() makes of its keys
  std::vector<std::string> notes;            // what the file says and the run does not do
};

/// Reads FOLDER/adapter_config.json. Throws InputError that names file and key: a peft_type that is
/// none of peft_methods(); a value out of range or, where PEFT would quietly take another one than
/// the user may expect, missing; a key that corank does not honour and that is on (use_qalora,
/// target_parameters, ...); an unknown key that is true, a list or an object; combinations that
/// PEFT itself refuses. Other unknown keys are named in the notes.
AdapterConfig read_adapter_config(const std::string& folder);
/// The same of what would stand in such a file.
AdapterConfig adapter_config_of(const JsonObject& config);

// What the methods' own keys are read with. Each throws InputError, naming the key.

/// One regular expression, or a list of names; a missing key means nothing.
ModulePattern read_pattern(const JsonObject& config, const std::string& key);
/// A text or a list of texts; a missing key means none.
std::vector<std::string> read_texts(const JsonObject& config, const std::string& key);
/// `value`, which stands somewhere below `key`, is a list of integers of at least 0.
std::vector<std::int64_t> read_integers(const JsonObject& config, const std::string& key,
                                        const Json& value);
/// bias: "none", the default, "all", or the method's word for those of the adapted modules.
BiasTraining read_bias(const JsonObject& config, const std::string& of_adapted);
/// A dropout's rate, from 0, the default, to below 1.
double read_dropout(const JsonObject& config, const std::string& key);
/// layers_to_transform and layers_pattern, which not all methods know.
void read_layers(const JsonObject& config, TargetKeys& targets);

}  // namespace corank
