#include "host/huggingface/model_config.h"

#include <catch2/catch.hpp>
#include <string>

#include "models/base/error.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using Catch::Contains;

namespace {

ModelConfig read(const std::string& text, const std::string& task = "") {
  const TemporaryFolder folder;
  folder.write("config.json", text);
  return read_model_config(folder.file(""), task);
}

const std::string kLlama = R"("model_type": "llama", "vocab_size": 64, "hidden_size": 32,
  "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4)";
const std::string kBert = R"("model_type": "bert", "vocab_size": 64, "hidden_size": 30,
  "intermediate_size": 44, "num_hidden_layers": 3, "num_attention_heads": 5,
  "max_position_embeddings": 24)";

LlamaShape llama(const std::string& keys) {
  return std::get<LlamaShape>(read("{" + kLlama + keys + "}").shape);
}
BertShape bert(const std::string& keys) {
  return std::get<BertShape>(read("{" + kBert + keys + "}").shape);
}
std::string refusal(const std::string& text, const std::string& task = "") {
  return message_of<InputError>([&] { read(text, task); });
}

/// One line each.
std::string all_of(const std::vector<std::string>& notes) {
  std::string text;
  for (const std::string& note : notes) text += note + "\n";
  return text;
}

}  // namespace

TEST_CASE("What a LLaMA's configuration leaves out has Hugging Face's defaults") {
  const LlamaShape s = llama("");
  CHECK(s.vocabulary == 64);
  CHECK(s.hidden == 32);
  CHECK(s.intermediate == 48);
  CHECK(s.layers == 2);
  CHECK(s.heads == 4);
  CHECK(s.kv_heads == 4);
  CHECK(s.head_dim == 8);
  CHECK(s.rms_norm_eps == 1e-6);
  CHECK(s.activation == ActivationFunction::kSilu);
  CHECK_FALSE(s.attention_bias);
  CHECK_FALSE(s.mlp_bias);
  CHECK_FALSE(s.tied_embeddings);
  CHECK(s.rope.type == "default");
  CHECK(s.rope.theta == 10000);
  CHECK_FALSE(s.pad_token_id);
}

TEST_CASE("A LLaMA's own sizes and switches are taken") {
  const LlamaShape s = llama(R"(, "num_key_value_heads": 2, "head_dim": 10, "rms_norm_eps": 1e-5,
    "hidden_act": "gelu_pytorch_tanh", "attention_bias": true, "mlp_bias": true,
    "tie_word_embeddings": true, "pad_token_id": 3)");
  CHECK(s.kv_heads == 2);
  CHECK(s.head_dim == 10);
  CHECK(s.rms_norm_eps == 1e-5);
  CHECK(s.activation == ActivationFunction::kGeluTanh);
  CHECK(s.attention_bias);
  CHECK(s.mlp_bias);
  CHECK(s.tied_embeddings);
  CHECK(s.pad_token_id == 3);
}

TEST_CASE("Rotary embeddings are read from old and new files") {
  CHECK(llama(R"(, "rope_theta": 500.0)").rope.theta == 500);
  CHECK(llama(R"(, "rope_parameters": {"rope_type": "default", "rope_theta": 7.0})").rope.theta ==
        7);
  // The theta inside wins, "type" is the old name, and rope_scaling replaces rope_parameters.
  const RopeParameters linear = llama(R"(, "rope_theta": 100.0,
    "rope_scaling": {"type": "linear", "factor": 2.5}, "rope_parameters": {"rope_theta": 9.0})")
                                    .rope;
  CHECK(linear.type == "linear");
  CHECK(linear.factor == 2.5);
  CHECK(linear.theta == 100);
  const RopeParameters llama3 = llama(R"(, "rope_parameters": {"rope_type": "llama3",
    "rope_theta": 500.0, "factor": 8.0, "low_freq_factor": 1.5, "high_freq_factor": 4.5,
    "original_max_position_embeddings": 16})")
                                    .rope;
  CHECK(llama3.type == "llama3");
  CHECK(llama3.theta == 500);
  CHECK(llama3.factor == 8);
  CHECK(llama3.low_freq_factor == 1.5);
  CHECK(llama3.high_freq_factor == 4.5);
  CHECK(llama3.original_max_position_embeddings == 16);
  CHECK_THAT(refusal("{" + kLlama + R"(, "rope_scaling": {"rope_type": "yarn", "factor": 2}})"),
             Contains("config.json: rope_scaling: 'rope_type': expected \"default\", \"linear\" or "
                      "\"llama3\", found \"yarn\""));
  // An empty rope_scaling replaces nothing (transformers 5.23 was asked, as below).
  const RopeParameters kept = llama(R"(, "rope_scaling": {},
    "rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 5.0})")
                                  .rope;
  CHECK(kept.type == "linear");
  CHECK(kept.theta == 5);
  // Without the positions of the training those of the model count.
  CHECK(llama(R"(, "max_position_embeddings": 99, "rope_scaling": {"type": "llama3", "factor": 8.0,
    "low_freq_factor": 1.0, "high_freq_factor": 4.0})")
            .rope.original_max_position_embeddings == 99);
  CHECK_THAT(refusal("{" + kLlama + R"(, "rope_parameters": {"full_attention": {"factor": 2}}})"),
             Contains("rope_parameters: 'full_attention': expected one embedding for all layers"));
  CHECK_THAT(refusal("{" + kLlama + R"(, "rope_parameters": {"partial_rotary_factor": 0.5}})"),
             Contains("'partial_rotary_factor': 0.5 is not supported"));
  CHECK_THAT(refusal("{" + kLlama + R"(, "rope_scaling": {"rope_type": "linear"}})"),
             Contains("'factor': expected a number, found no such key"));
}

TEST_CASE("A BERT's configuration has Hugging Face's defaults, two labels among them") {
  const BertShape s = bert("");
  CHECK(s.hidden == 30);
  CHECK(s.layers == 3);
  CHECK(s.max_positions == 24);
  CHECK(s.token_types == 2);
  CHECK(s.labels == 2);
  CHECK(s.layer_norm_eps == 1e-12);
  CHECK(s.activation == ActivationFunction::kGeluErf);
  CHECK(s.pad_token_id == 0);
  const BertShape other = bert(R"(, "id2label": {"0": "a", "1": "b", "2": "c"},
    "layer_norm_eps": 1e-5, "hidden_act": "relu", "pad_token_id": null, "type_vocab_size": 3)"
                               R"(, "architectures": ["BertModel"])");
  CHECK(other.labels == 3);
}

TEST_CASE("The number of labels is num_labels, the length of id2label, or 2") {
  // As BertConfig of transformers 5.23 answers.
  CHECK(bert(R"(, "num_labels": 3)").labels == 3);
  CHECK(bert(R"(, "id2label": null, "num_labels": 4)").labels == 4);
  CHECK(bert(R"(, "id2label": {"1": "a", "0": "b", "2": "c"})").labels == 3);
  const ModelConfig both =
      read("{" + kBert + R"(, "id2label": {"0": "a", "1": "b"}, "num_labels": 3})");
  CHECK(both.classes() == 3);
  CHECK_THAT(all_of(both.notes), Contains("'num_labels': 3 counts, not the 2 labels of id2label"));
  CHECK_THAT(refusal("{" + kBert + R"(, "num_labels": 1})"),
             Contains("'num_labels': expected at least 2 labels"));
}

TEST_CASE("A BERT that is a decoder attends to earlier positions") {
  CHECK_FALSE(bert("").causal);
  CHECK_FALSE(bert(R"(, "is_decoder": false)").causal);
  CHECK(bert(R"(, "is_decoder": true)").causal);
  CHECK_FALSE(bert(R"(, "is_decoder": true, "is_causal": false)").causal);
}

TEST_CASE("A key that would change what is computed is refused by name") {
  const auto check = [](const std::string& model, const std::string& key, const std::string& on,
                        const std::string& off) {
    INFO(key);
    CHECK_THAT(refusal("{" + model + ", \"" + key + "\": " + on + "}"),
               Contains("'" + key + "': "));
    CHECK(refusal("{" + model + ", \"" + key + "\": " + off + "}") == "");
    CHECK(refusal("{" + model + ", \"" + key + "\": null}") == "");
  };
  for (const std::string& model : {kLlama, kBert}) {
    check(model, "compression_config", R"({"a": 1})", "null");
    check(model, "is_encoder_decoder", "true", "false");
    check(model, "add_cross_attention", "true", "false");
    check(model, "tie_encoder_decoder", "true", "false");
    check(model, "pruned_heads", R"({"0": [1]})", "{}");
    check(model, "per_layer_config", R"({"0": {"hidden_size": 8}})", "{}");
  }
  check(kBert, "position_embedding_type", "\"relative_key\"", "\"absolute\"");
  check(kLlama, "is_causal", "false", "true");
  check(kLlama, "partial_rotary_factor", "0.5", "1.0");
  check(kLlama, "rope_interleaved", "true", "false");
  check(kLlama, "layer_types", R"(["full_attention", "sliding_attention"])",
        R"(["full_attention", "full_attention"])");
}

TEST_CASE("A key that is not applied, or unknown, is named in a note") {
  const auto notes = [](const std::string& model, const std::string& keys) {
    return all_of(read("{" + model + keys + "}").notes);
  };
  CHECK(notes(kLlama, "") == "");
  CHECK_THAT(notes(kLlama, R"(, "attention_dropout": 0.1)"),
             Contains("config.json: 'attention_dropout': 0.1 is not applied"));
  CHECK(notes(kLlama, R"(, "attention_dropout": 0.0)") == "");
  CHECK_THAT(notes(kLlama, R"(, "sliding_window": 4096)"),
             Contains("'sliding_window': 4096 is not"));
  CHECK_THAT(notes(kLlama, R"(, "rope_scaling": {"rope_type": "default", "mscale": 1.5})"),
             Contains("rope_scaling: unknown keys are passed over: 'mscale'"));
  CHECK_THAT(notes(kLlama, R"(, "one": 1, "two": false, "three": null)"),
             Contains("unknown keys are passed over: 'one', 'two'") && !Contains("three"));
  // What transformers itself writes, and what published files have besides, is known.
  CHECK(notes(kLlama, R"(, "_name_or_path": "x", "torch_dtype": "bfloat16", "use_cache": true,
    "transformers_version": "4.40.0", "bos_token_id": 1, "eos_token_id": [2, 3],
    "initializer_range": 0.02, "pretraining_tp": 1, "attention_dropout": 0.0,
    "max_position_embeddings": 2048, "temperature": 0.6, "is_decoder": true)") == "");
  // A BERT's dropouts are on unless the file turns them off.
  const std::string off = R"(, "hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0.0)";
  CHECK(notes(kBert, off) == "");
  CHECK_THAT(notes(kBert, off + R"(, "classifier_dropout": 0.2)"),
             Contains("'classifier_dropout': 0.2 is not applied"));
  CHECK_THAT(notes(kBert, R"(, "hidden_dropout_prob": 0.3)"),
             Contains("'hidden_dropout_prob': 0.3 is not applied") &&
                 Contains("'attention_probs_dropout_prob': 0.1, its default, is not applied"));
}

TEST_CASE("A LLaMA classifies if the adapter's task or, without one, the architecture says so") {
  const std::string three = kLlama + R"(, "id2label": {"0": "a", "1": "b", "2": "c"})";
  const std::string classifier = R"(, "architectures": ["LlamaForSequenceClassification"]})";
  CHECK(read("{" + three + "}").classes() == 0);
  CHECK(read("{" + three + "}", "CAUSAL_LM").classes() == 0);
  CHECK(read("{" + three + "}", "SEQ_CLS").classes() == 3);
  CHECK(read("{" + three + classifier).classes() == 3);
  CHECK(read("{" + kLlama + classifier, "SEQ_CLS").classes() == 2);
  CHECK(read("{" + three + "}", "SEQ_CLS").facts().output_head == "score");
  CHECK(read("{" + three + "}").facts().output_head == "lm_head");
}

TEST_CASE("Another architecture or task is refused with what there is") {
  CHECK_THAT(refusal(R"({"model_type": "mistral"})"),
             Contains("'model_type': expected \"llama\" (LlamaForCausalLM, "
                      "LlamaForSequenceClassification) or \"bert\" "
                      "(BertForSequenceClassification), found \"mistral\""));
  CHECK_THAT(refusal("{}"), Contains("'model_type': expected a text, found no such key"));
  CHECK_THAT(refusal("{" + kLlama + R"(, "architectures": ["LlamaForTokenClassification"]})"),
             Contains("'architectures': expected one of LlamaForCausalLM, LlamaModel, "
                      "LlamaForSequenceClassification"));
  CHECK_THAT(refusal("{" + kLlama + R"(, "architectures": ["LlamaForSequenceClassification"]})",
                     "CAUSAL_LM"),
             Contains("'architectures': expected one of LlamaForCausalLM, LlamaModel"));
  CHECK_THAT(refusal("{" + kLlama + R"(, "id2label": {"0": "a"}})", "SEQ_CLS"),
             Contains("at least 2 labels"));
  CHECK_THAT(refusal("{" + kBert + "}", "CAUSAL_LM"), Contains("\"SEQ_CLS\" or null"));
  CHECK_THAT(refusal("{" + kBert + R"(, "id2label": {"0": "a"}})"), Contains("at least 2 labels"));
  CHECK_THAT(refusal("{" + kBert + R"(, "problem_type": "regression"})"),
             Contains("'problem_type'"));
}

TEST_CASE("Sizes that do not fit are refused by key") {
  CHECK_THAT(refusal(R"({"model_type": "llama", "vocab_size": 64})"),
             Contains("'hidden_size': expected an integer, at least 1"));
  const auto with = [](const std::string& keys) { return refusal("{" + kLlama + keys + "}"); };
  CHECK_THAT(with(R"(, "num_key_value_heads": 3)"),
             Contains("a divisor of num_attention_heads, 4"));
  CHECK_THAT(with(R"(, "head_dim": 7)"), Contains("'head_dim': expected an even number, found 7"));
  CHECK_THAT(with(R"(, "head_dim": 99999999999)"), Contains("at most 16777216"));
  CHECK_THAT(with(R"(, "rms_norm_eps": 0)"), Contains("'rms_norm_eps': expected a number above 0"));
  CHECK_THAT(with(R"(, "hidden_act": "mish")"), Contains("'hidden_act': ") && Contains("mish"));
  CHECK_THAT(with(R"(, "mlp_bias": 1)"), Contains("'mlp_bias': expected true or false, found 1"));
  CHECK_THAT(with(R"(, "pad_token_id": 64)"), Contains("at most 63, found 64"));
  CHECK_THAT(refusal("{" + kBert + R"(, "num_attention_heads": 4})"),
             Contains("has the key 'num_attention_heads' twice"));
}

TEST_CASE("A configuration that is cut anywhere is refused") {
  const std::string whole = "{" + kLlama + "}";
  for (std::size_t length = 0; length < whole.size(); ++length) {
    INFO("cut to " << length << " bytes");
    CHECK_THAT(refusal(whole.substr(0, length)),
               Contains("config.json:") && Contains(": is not valid JSON: it ends too early"));
  }
}
