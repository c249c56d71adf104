#include "host/huggingface/model_config.h"

#include <algorithm>
#include <filesystem>

#include "host/huggingface/json_object.h"
#include "host/huggingface/known_keys.h"
#include "host/huggingface/model_keys.h"
#include "models/base/error.h"
#include "models/base/text.h"

namespace corank {
namespace {

// No published model comes near these; they keep products of sizes within 64 bits.
constexpr std::int64_t kMostWidth = 1 << 24;
constexpr std::int64_t kMostLayers = 1 << 16;

std::int64_t width(const JsonObject& config, const std::string& key) {
  return config.integer(key, 1, kMostWidth);
}

std::int64_t width_or(const JsonObject& config, const std::string& key, std::int64_t preset) {
  return config.has(key) ? width(config, key) : preset;
}

ActivationFunction activation(const JsonObject& config, const std::string& preset) {
  const std::string name = config.text_or("hidden_act", preset);
  try {
    return activation_function_of(name);
  } catch (const InputError& error) {
    throw InputError(config.where() + ": 'hidden_act': " + error.what());
  }
}

double positive(const JsonObject& config, const std::string& key) {
  const double value = config.number(key);
  if (value <= 0) config.refuse(key, "a number above 0");
  return value;
}

double positive_or(const JsonObject& config, const std::string& key, double preset) {
  return config.has(key) ? positive(config, key) : preset;
}

std::optional<std::int64_t> pad_token(const JsonObject& config, std::int64_t vocabulary) {
  if (!config.has("pad_token_id")) return std::nullopt;
  // Some files write -1 for "none".
  const std::int64_t id = config.integer("pad_token_id", -1, vocabulary - 1);
  if (id < 0) return std::nullopt;
  return id;
}

/// What of the rotary embedding's object is not read.
void check_rope_keys(const JsonObject& rope, std::vector<std::string>& notes) {
  for (const auto& [key, value] : rope.json().items())
    if (value.is_object()) rope.refuse(key, "one embedding for all layers");
  for (std::string& note : notes_of_keys(rope, rope_keys())) notes.push_back(std::move(note));
}

/// Old files have rope_theta beside rope_scaling, new ones both in rope_parameters; where both are
/// there, a rope_scaling that is not empty replaces rope_parameters and a rope_theta inside wins
/// (transformers 5).
RopeParameters rope(const JsonObject& config, std::vector<std::string>& notes) {
  RopeParameters parameters;
  parameters.theta = positive_or(config, "rope_theta", parameters.theta);
  const bool old = config.has("rope_scaling") && !is_off(config.json().at("rope_scaling"));
  const std::string key = old ? "rope_scaling" : "rope_parameters";
  if (!config.has(key)) return parameters;
  const JsonObject inner = config.object(key);
  check_rope_keys(inner, notes);
  parameters.theta = positive_or(inner, "rope_theta", parameters.theta);
  const std::string type_key = inner.has("rope_type") ? "rope_type" : "type";
  parameters.type = inner.text_or(type_key, "default");
  if (parameters.type == "default") return parameters;
  if (parameters.type != "linear" && parameters.type != "llama3")
    inner.refuse(type_key, "\"default\", \"linear\" or \"llama3\"");
  parameters.factor = positive(inner, "factor");
  if (parameters.type == "linear") return parameters;
  parameters.low_freq_factor = positive(inner, "low_freq_factor");
  parameters.high_freq_factor = positive(inner, "high_freq_factor");
  if (parameters.high_freq_factor <= parameters.low_freq_factor)
    inner.refuse("high_freq_factor", "a number above low_freq_factor");
  const std::string original = "original_max_position_embeddings";
  parameters.original_max_position_embeddings =
      inner.has(original) ? positive(inner, original)
                          : positive_or(config, "max_position_embeddings", 2048);
  return parameters;
}

/// The architecture that the file names, if it names one, has to be a form of this model: a head of
/// another kind would not be in the graph.
void check_architecture(const JsonObject& config, const std::vector<std::string>& known) {
  if (!config.has("architectures")) return;
  for (const std::string& name : config.texts("architectures")) {
    if (std::find(known.begin(), known.end(), name) != known.end()) return;
  }
  std::string list;
  for (const std::string& name : known) list += (list.empty() ? "" : ", ") + name;
  config.refuse("architectures", "one of " + list);
}

/// The number of classes as transformers finds it: num_labels, where it is there, makes an id2label
/// of that length; without either there are two.
std::int64_t label_count(const JsonObject& config, std::vector<std::string>& notes) {
  std::optional<std::int64_t> named;
  if (config.has("id2label"))
    named = static_cast<std::int64_t>(config.object("id2label").json().size());
  std::int64_t labels = named.value_or(2);
  if (config.has("num_labels")) {
    labels = config.integer("num_labels", 0, kMostWidth);
    if (named && *named != labels)
      notes.push_back(config.where() + ": 'num_labels': " + std::to_string(labels) +
                      " counts, not the " + std::to_string(*named) + " labels of id2label");
  }
  // One label is a regression in Hugging Face, several with floats a multi-label loss.
  if (labels < 2)
    config.refuse(config.has("num_labels") ? "num_labels" : "id2label",
                  "at least 2 labels (a classification)");
  const std::string problem = config.text_or("problem_type", "single_label_classification");
  if (problem != "single_label_classification")
    config.refuse("problem_type", "\"single_label_classification\" or null");
  return labels;
}

bool has_architecture(const JsonObject& config, const std::string& name) {
  if (!config.has("architectures")) return false;
  const std::vector<std::string> names = config.texts("architectures");
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Layers of other kinds (linear or sliding attention) are not in the graph.
void check_layer_types(const JsonObject& config) {
  if (!config.has("layer_types")) return;
  for (const std::string& type : config.texts("layer_types"))
    if (type != "full_attention") config.refuse("layer_types", "\"full_attention\" only");
}

LlamaShape llama_shape(const JsonObject& config, const std::string& task_type,
                       std::vector<std::string>& notes) {
  const std::string classifier = "LlamaForSequenceClassification";
  // A head of classes cannot predict tokens; one of tokens is left out of a classification.
  if (task_type == "CAUSAL_LM") {
    check_architecture(config, {"LlamaForCausalLM", "LlamaModel", "LLaMAForCausalLM"});
  } else {
    check_architecture(config, {"LlamaForCausalLM", "LlamaModel", classifier, "LLaMAForCausalLM"});
  }
  check_layer_types(config);
  LlamaShape shape;
  if (task_type == "SEQ_CLS" || (task_type.empty() && has_architecture(config, classifier)))
    shape.labels = label_count(config, notes);
  shape.vocabulary = width(config, "vocab_size");
  shape.hidden = width(config, "hidden_size");
  shape.intermediate = width(config, "intermediate_size");
  shape.layers = config.integer("num_hidden_layers", 1, kMostLayers);
  shape.heads = width(config, "num_attention_heads");
  shape.kv_heads = width_or(config, "num_key_value_heads", shape.heads);
  if (shape.heads % shape.kv_heads != 0)
    config.refuse("num_key_value_heads",
                  "a divisor of num_attention_heads, " + std::to_string(shape.heads));
  if (!config.has("head_dim") && shape.hidden % shape.heads != 0)
    config.refuse("num_attention_heads", "a divisor of hidden_size, " +
                                             std::to_string(shape.hidden) +
                                             ", because there is no head_dim");
  shape.head_dim = width_or(config, "head_dim", shape.hidden / shape.heads);
  if (shape.head_dim % 2 != 0)
    throw InputError(config.where() + ": 'head_dim': expected an even number, found " +
                     std::to_string(shape.head_dim));
  shape.rms_norm_eps = positive_or(config, "rms_norm_eps", shape.rms_norm_eps);
  shape.activation = activation(config, "silu");
  shape.attention_bias = config.boolean_or("attention_bias", false);
  shape.mlp_bias = config.boolean_or("mlp_bias", false);
  shape.tied_embeddings = config.boolean_or("tie_word_embeddings", false);
  shape.rope = rope(config, notes);
  shape.pad_token_id = pad_token(config, shape.vocabulary);
  return shape;
}

/// BERT's dropouts are on where the file does not speak of them.
void note_default_dropouts(const JsonObject& config, std::vector<std::string>& notes) {
  for (const char* key : {"hidden_dropout_prob", "attention_probs_dropout_prob"})
    if (!config.has(key))
      notes.push_back(config.where() + ": " + quote(key) + ": 0.1, its default, is not applied");
}

BertShape bert_shape(const JsonObject& config, std::vector<std::string>& notes) {
  // Checkpoints of other heads are used for classification too: their own head is left out.
  check_architecture(config, {"BertForSequenceClassification", "BertModel", "BertForMaskedLM",
                              "BertLMHeadModel", "BertForPreTraining"});
  note_default_dropouts(config, notes);
  BertShape shape;
  shape.vocabulary = width(config, "vocab_size");
  shape.hidden = width(config, "hidden_size");
  shape.intermediate = width(config, "intermediate_size");
  shape.layers = config.integer("num_hidden_layers", 1, kMostLayers);
  shape.heads = width(config, "num_attention_heads");
  if (shape.hidden % shape.heads != 0)
    config.refuse("num_attention_heads",
                  "a divisor of hidden_size, " + std::to_string(shape.hidden));
  shape.max_positions = width(config, "max_position_embeddings");
  shape.token_types = width_or(config, "type_vocab_size", 2);
  shape.labels = label_count(config, notes);
  shape.layer_norm_eps = positive_or(config, "layer_norm_eps", shape.layer_norm_eps);
  shape.causal = config.boolean_or("is_decoder", false) && config.boolean_or("is_causal", true);
  shape.activation = activation(config, "gelu");
  // Absent means 0 here, unlike null.
  shape.pad_token_id = config.json().contains("pad_token_id") ? pad_token(config, shape.vocabulary)
                                                              : std::optional<std::int64_t>(0);
  return shape;
}

}  // namespace

std::int64_t ModelConfig::vocabulary() const {
  return std::visit([](const auto& s) { return s.vocabulary; }, shape);
}

std::int64_t ModelConfig::max_positions() const {
  const auto* bert = std::get_if<BertShape>(&shape);
  return bert == nullptr ? 0 : bert->max_positions;  // rotary embeddings have no table
}

std::int64_t ModelConfig::classes() const {
  return std::visit([](const auto& s) { return s.labels; }, shape);
}

std::int64_t ModelConfig::token_types() const {
  const auto* bert = std::get_if<BertShape>(&shape);
  return bert == nullptr ? 0 : bert->token_types;
}

std::string ModelConfig::prefix() const {
  return std::holds_alternative<BertShape>(shape) ? "bert." : "model.";
}

ModelFacts ModelConfig::facts() const {
  if (std::holds_alternative<BertShape>(shape))
    return {"bert", "bert.embeddings.word_embeddings", "classifier", false};
  const bool causal = classes() == 0;
  return {"llama", "model.embed_tokens", causal ? "lm_head" : "score",
          causal && std::get<LlamaShape>(shape).tied_embeddings};
}

ModelConfig read_model_config(const std::string& folder, const std::string& task_type) {
  return read_model_config_file((std::filesystem::path(folder) / "config.json").string(),
                                task_type);
}

ModelConfig read_model_config_file(const std::string& path, const std::string& task_type) {
  const JsonObject config = read_json_object(path);
  const std::string type = config.text("model_type");
  std::optional<QuantizationConfig> quantization;
  if (config.has("quantization_config") && !is_off(config.json().at("quantization_config")))
    quantization = read_quantization_config(config.object("quantization_config"));
  if (type == "llama") {
    std::vector<std::string> notes = notes_of_keys(config, llama_keys());
    const LlamaShape shape = llama_shape(config, task_type, notes);
    return {path, shape, notes, quantization};
  }
  if (type == "bert") {
    if (task_type == "CAUSAL_LM")
      throw InputError(path +
                       ": a model of type 'bert' is trained with an adapter of task_type "
                       "\"SEQ_CLS\" or null, found \"CAUSAL_LM\"");
    std::vector<std::string> notes = notes_of_keys(config, bert_keys());
    const BertShape shape = bert_shape(config, notes);
    return {path, shape, notes, quantization};
  }
  config.refuse("model_type",
                "\"llama\" (LlamaForCausalLM, LlamaForSequenceClassification) or \"bert\" "
                "(BertForSequenceClassification)");
}

Transformer build(const ModelConfig& config, std::int64_t batch, std::int64_t sequence) {
  if (const auto* bert = std::get_if<BertShape>(&config.shape))
    return build_bert(*bert, batch, sequence);
  return build_llama(std::get<LlamaShape>(config.shape), batch, sequence);
}

}  // namespace corank
