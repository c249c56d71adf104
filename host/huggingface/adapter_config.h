// adapter_config.json of Hugging Face PEFT (peft_type LORA) as plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/huggingface/json_object.h"

namespace corank {

/// Which modules a key of the configuration means: one regular expression that must match the whole
/// name, or a list of names and suffixes. Both empty: nothing.
struct ModulePattern {
  std::optional<std::string> expression;
  std::vector<std::string> names;
  bool empty() const { return !expression && names.empty(); }
};

enum class BiasTraining { kNone, kLoraOnly, kAll };

/// Rows of an embedding, or of a linear, that are trained by themselves. An empty module means the
/// input embedding.
struct TokenRows {
  std::string module;
  std::vector<std::int64_t> ids;
};

struct AdapterConfig {
  std::string file;
  Json json;              // as it stands in the file, to be written back with the trained adapter
  std::string task_type;  // "CAUSAL_LM", "SEQ_CLS" or "" for null
  int r = 0;
  double lora_alpha = 0;
  double lora_dropout = 0;
  bool use_rslora = false;
  BiasTraining bias = BiasTraining::kNone;
  bool all_linear = false;       // target_modules: "all-linear"
  bool default_targets = false;  // target_modules: null, PEFT's choice for the architecture
  ModulePattern target_modules;  // empty in both cases above
  ModulePattern exclude_modules;
  std::optional<std::vector<std::int64_t>> layers_to_transform;
  std::vector<std::string> layers_pattern;
  std::vector<std::pair<std::string, std::int64_t>> rank_pattern;  // in the order of the file
  std::vector<std::pair<std::string, double>> alpha_pattern;
  std::vector<std::string> modules_to_save;  // with what PEFT adds by itself for SEQ_CLS
  std::vector<TokenRows> trainable_tokens;
  bool ensure_weight_tying = false;
  std::vector<std::string> notes;  // what the file says and the run does not do
};

/// Reads FOLDER/adapter_config.json. Throws InputError that names file and key: peft_type other
/// than LORA; r or lora_alpha missing (PEFT would quietly take 8); a value out of range; a key that
/// corank does not honour and that is on (use_dora, lora_bias, target_parameters, an initialisation
/// that changes the base weights, ...); an unknown key that is true, a list or an object;
/// combinations that PEFT itself refuses. Other unknown keys are named in the notes.
AdapterConfig read_adapter_config(const std::string& folder);

}  // namespace corank
