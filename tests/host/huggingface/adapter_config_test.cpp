#include "host/huggingface/adapter_config.h"

#include <catch2/catch.hpp>
#include <string>

#include "models/base/error.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using Catch::Contains;

namespace {

AdapterConfig read(const std::string& text) {
  const TemporaryFolder folder;
  folder.write("adapter_config.json", text);
  return read_adapter_config(folder.file(""));
}

std::string refusal_of_file(const std::string& text) {
  return message_of<InputError>([&] { read(text); });
}

/// Why a configuration with these keys besides the smallest one is refused; "" if it is read.
std::string refusal(const std::string& keys) {
  return refusal_of_file(R"({"peft_type": "LORA", "r": 4, "lora_alpha": 8, )" + keys + "}");
}

}  // namespace

TEST_CASE("What PEFT 0.21 writes for a plain adapter is read, every key of it") {
  const AdapterConfig c = read(R"({
    "alora_invocation_tokens": null, "alpha_pattern": {"o_proj": 3.5, "a": 1}, "arrow_config": null,
    "auto_mapping": null, "base_model_name_or_path": "somewhere", "bias": "lora_only",
    "corda_config": null, "ensure_weight_tying": false, "eva_config": null,
    "exclude_modules": "x.*", "fan_in_fan_out": false, "inference_mode": true,
    "init_lora_weights": true, "kasa_config": null, "layer_replication": null,
    "layers_pattern": "h", "layers_to_transform": [1, 2], "loftq_config": {}, "lora_alpha": 8,
    "lora_bias": false, "lora_dropout": 0.1, "lora_ga_config": null, "megatron_config": null,
    "megatron_core": "megatron.core", "modules_to_save": ["score"], "monteclora_config": null,
    "peft_type": "LORA", "peft_version": "0.21.2", "qalora_group_size": 16, "r": 4,
    "rank_pattern": {"z": 2, "b": 6}, "revision": null, "target_modules": ["q_proj", "v_proj"],
    "target_parameters": null, "task_type": "CAUSAL_LM", "trainable_token_indices": null,
    "use_bdlora": null, "use_dora": false, "use_qalora": false, "use_rslora": true,
    "velora_config": null})");
  CHECK(c.task_type == "CAUSAL_LM");
  CHECK(c.r == 4);
  CHECK(c.lora_alpha == 8);
  CHECK(c.lora_dropout == 0.1);
  CHECK(c.use_rslora);
  CHECK(c.bias == BiasTraining::kLoraOnly);
  CHECK(c.target_modules.names == std::vector<std::string>{"q_proj", "v_proj"});
  CHECK_FALSE(c.all_linear);
  CHECK(c.exclude_modules.expression == "x.*");
  CHECK(c.layers_to_transform == std::vector<std::int64_t>{1, 2});
  CHECK(c.layers_pattern == std::vector<std::string>{"h"});
  // In the order of the file, because the first match wins.
  REQUIRE(c.rank_pattern.size() == 2);
  CHECK(c.rank_pattern[0] == std::pair<std::string, std::int64_t>{"z", 2});
  CHECK(c.alpha_pattern[1] == std::pair<std::string, double>{"a", 1.0});
  CHECK(c.modules_to_save == std::vector<std::string>{"score"});
  CHECK(c.trainable_tokens.empty());
}

TEST_CASE("A classification task saves its head without being asked") {
  const AdapterConfig c =
      read(R"({"peft_type": "LORA", "r": 1, "lora_alpha": 1, "task_type": "SEQ_CLS",
               "modules_to_save": ["classifier", "norm"]})");
  CHECK(c.modules_to_save == std::vector<std::string>{"classifier", "norm", "score"});
}

TEST_CASE("What PEFT would quietly replace by a default is missing here") {
  CHECK_THAT(refusal_of_file(R"({"peft_type": "LORA", "r": 4})"),
             Contains("adapter_config.json: 'lora_alpha': expected a number, found no such key"));
  CHECK_THAT(refusal_of_file(R"({"peft_type": "LORA", "lora_alpha": 4})"),
             Contains("'r': expected an integer, at least 1"));
  CHECK_THAT(refusal_of_file(R"({"r": 4, "lora_alpha": 4})"),
             Contains("'peft_type': expected a text, found no such key"));
  CHECK_THAT(refusal_of_file(R"({"peft_type": "IA3"})"),
             Contains("'peft_type': expected \"LORA\", found \"IA3\""));
}

TEST_CASE("A key that corank does not honour is refused unless it is off") {
  CHECK(refusal(R"("use_dora": false, "future_key": null, "other": {}, "third": [])") == "");
  for (const char* key :
       {R"("use_dora": true)", R"("lora_bias": true)", R"("fan_in_fan_out": true)",
        R"("use_qalora": true)", R"("target_parameters": ["x"])",
        R"("layer_replication": [[0, 1]])", R"("ensure_weight_tying": true)",
        R"("alora_invocation_tokens": [1])", R"("eva_config": {"rho": 2})", R"("lora_alhpa": 3)"}) {
    const std::string text = key;
    const std::string name = text.substr(1, text.find('"', 1) - 1);
    INFO(text);
    CHECK_THAT(refusal(text), Contains("'" + name + "': ") && Contains("is not supported"));
  }
  for (const char* method : {"pissa", "olora", "loftq", "pissa_niter_4", "mica"})
    CHECK_THAT(refusal(R"("init_lora_weights": ")" + std::string(method) + "\""),
               Contains("'init_lora_weights'"));
  CHECK(refusal(R"("init_lora_weights": "gaussian")") == "");
}

TEST_CASE("Values out of range and combinations that PEFT refuses are errors") {
  CHECK_THAT(refusal(R"("lora_dropout": 1.0)"), Contains("from 0 to below 1, found 1.0"));
  CHECK_THAT(refusal(R"("bias": "some")"), Contains("found \"some\""));
  CHECK_THAT(refusal(R"("task_type": "TOKEN_CLS")"), Contains("'task_type'"));
  CHECK_THAT(refusal(R"("target_modules": 3)"), Contains("'target_modules': expected a list"));
  CHECK_THAT(refusal(R"("rank_pattern": {"q": 0})"), Contains("rank_pattern: 'q': expected"));
  CHECK_THAT(refusal(R"("layers_pattern": "h")"), Contains("because layers_pattern is given"));
  CHECK_THAT(refusal(R"("target_modules": "all-linear", "layers_to_transform": 1)"),
             Contains("because layers_to_transform is given"));
  CHECK_THAT(refusal(R"("layers_to_transform": [-1])"), Contains("'layers_to_transform'"));
  CHECK_THAT(refusal(R"("trainable_token_indices": [1.5])"), Contains("found [1.5]"));
}

TEST_CASE("A damaged file is refused with its name") {
  CHECK_THAT(refusal_of_file(R"({"peft_type": "LORA", )"), Contains("is not valid JSON at byte"));
  CHECK_THAT(refusal_of_file("[1]"), Contains("expected a JSON object, found [1]"));
  CHECK_THAT(refusal_of_file(R"({"r": 1, "r": 2})"), Contains("has the key \"r\" twice"));
  CHECK_THAT(refusal_of_file(std::string(100, '[')), Contains("nested too deeply"));
  const TemporaryFolder folder;
  CHECK_THAT(message_of<InputError>([&] { read_adapter_config(folder.file("none")); }),
             Contains("adapter_config.json: cannot be read: No such file"));
}
