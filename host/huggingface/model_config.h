// config.json of a Hugging Face model folder.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "host/huggingface/module_selection.h"
#include "host/quantized/quantization_config.h"
#include "models/transformer/bert.h"
#include "models/transformer/llama.h"

namespace corank {

struct ModelConfig {
  std::string file;
  std::variant<LlamaShape, BertShape> shape;
  std::vector<std::string> notes;  // what the file says and the run does not do
  std::optional<QuantizationConfig> quantization = {};  // of packed weights

  std::int64_t vocabulary() const;
  std::int64_t max_positions() const;  // longest sequence; 0: any
  std::int64_t classes() const;        // 0: a causal language model
  std::int64_t token_types() const;    // 0: the model knows none
  std::string prefix() const;          // "model.", "bert.": what files of the bare model leave out
  ModelFacts facts() const;
};

/// Reads a config.json: model_type "llama" as LlamaForCausalLM or
/// LlamaForSequenceClassification, "bert" as BertForSequenceClassification, with Hugging Face's
/// defaults for what is absent. `task_type` is the adapter's ("CAUSAL_LM", "SEQ_CLS" or ""); where
/// it is "", the file's architecture decides what a LLaMA is. Throws InputError that names the key,
/// what was expected and what was found: another architecture or task, a size that is missing or
/// out of range, a rotary embedding or an activation that corank does not know, a key of
/// host/huggingface/model_keys.h that would change what is computed. A key that is unknown, or
/// known and not applied (dropouts of the frozen layers), is named in the notes.
ModelConfig read_model_config_file(const std::string& path, const std::string& task_type);
/// The same of FOLDER/config.json.
ModelConfig read_model_config(const std::string& folder, const std::string& task_type);

/// The forward graph.
Transformer build(const ModelConfig& config, std::int64_t batch, std::int64_t sequence);

}  // namespace corank
