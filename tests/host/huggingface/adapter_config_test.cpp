#include "host/huggingface/adapter_config.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <string>

#include "host/huggingface/methods/lora.h"
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
  CHECK(c.method == &lora_method());
  CHECK(c.targets.target_modules.names == std::vector<std::string>{"q_proj", "v_proj"});
  CHECK_FALSE(c.targets.all_linear);
  CHECK(c.targets.exclude_modules.expression == "x.*");
  CHECK(c.targets.layers_to_transform == std::vector<std::int64_t>{1, 2});
  CHECK(c.targets.layers_pattern == std::vector<std::string>{"h"});
  CHECK(c.modules_to_save == std::vector<std::string>{"score"});
  const LoraConfig& lora = lora_config(c);
  CHECK(lora.r == 4);
  CHECK(lora.lora_alpha == 8);
  CHECK(lora.lora_dropout == 0.1);
  CHECK(lora.use_rslora);
  CHECK(lora.bias == BiasTraining::kAdapted);
  // In the order of the file, because the first match wins.
  REQUIRE(lora.rank_pattern.size() == 2);
  CHECK(lora.rank_pattern[0] == std::pair<std::string, std::int64_t>{"z", 2});
  CHECK(lora.alpha_pattern[1] == std::pair<std::string, double>{"a", 1.0});
  CHECK(lora.trainable_tokens.empty());
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
  CHECK_THAT(refusal_of_file(R"({"peft_type": "LORA", "r": 4, "lora_alpha": 1e39})"),
             Contains("adapter_config.json: 'lora_alpha': expected a number that FP32 holds"));
  CHECK_THAT(refusal_of_file(R"({"peft_type": "LORA", "lora_alpha": 4})"),
             Contains("'r': expected an integer, at least 1"));
  CHECK_THAT(refusal_of_file(R"({"r": 4, "lora_alpha": 4})"),
             Contains("'peft_type': expected a text, found no such key"));
}

TEST_CASE("A method that corank does not know is refused with the list of those that it knows") {
  std::string known;
  for (const PeftMethod* method : peft_methods())
    known += (known.empty() ? "\"" : ", \"") + std::string(method->peft_type) + "\"";
  CHECK_THAT(known, Contains("\"LORA\""));
  CHECK_THAT(refusal_of_file(R"({"peft_type": "PREFIX_TUNING"})"),
             Contains("adapter_config.json: 'peft_type': expected ") &&
                 Contains(known + ", found \"PREFIX_TUNING\""));
}

TEST_CASE("A key that corank does not honour is refused unless it is off") {
  CHECK(refusal(R"("use_qalora": false, "future_key": null, "other": {}, "third": [])") == "");
  for (const char* key :
       {R"("lora_bias": true)", R"("use_qalora": true)", R"("target_parameters": ["x"])",
        R"("layer_replication": [[0, 1]])", R"("alora_invocation_tokens": [1])",
        R"("use_bdlora": {"nblocks": 2})", R"("monteclora_config": {"num_samples": 8})",
        R"("kasa_config": {"beta": 1})", R"("velora_config": {"scale": 1})",
        R"("arrow_config": {"top_k": 3})", R"("megatron_config": {"x": 1})"}) {
    const std::string text = key;
    const std::string name = text.substr(1, text.find('"', 1) - 1);
    INFO(text);
    CHECK_THAT(refusal(text), Contains("'" + name + "': ") && Contains("is not supported"));
  }
  for (const char* method :
       {"pissa", "olora", "loftq", "corda", "lora_ga", "pissa_niter_4", "mica"})
    CHECK_THAT(refusal(R"("init_lora_weights": ")" + std::string(method) + "\""),
               Contains("'init_lora_weights'"));
  CHECK(refusal(R"("init_lora_weights": "gaussian")") == "");
  // These give A its start and leave the base as it is.
  CHECK(refusal(R"("init_lora_weights": "eva", "eva_config": {"rho": 2.0})") == "");
  CHECK(refusal(R"("init_lora_weights": "orthogonal", "corda_config": {"x": 1})") == "");
}

TEST_CASE("An unknown key that turns something on is refused, one that is a number is named") {
  CHECK_THAT(refusal(R"("use_future": true)"), Contains("'use_future': true is not supported"));
  CHECK_THAT(refusal(R"("future_config": {"a": 1})"), Contains("'future_config': "));
  CHECK_THAT(refusal(R"("future_list": [1])"), Contains("'future_list': "));
  const AdapterConfig c = read(R"({"peft_type": "LORA", "r": 4, "lora_alpha": 8,
      "future_size": 16, "future_name": "x", "use_future": false, "fan_in_fan_out": true})");
  REQUIRE(c.notes.size() == 2);
  CHECK_THAT(c.notes[0], Contains("'fan_in_fan_out': true is not applied"));
  CHECK_THAT(c.notes[1], Contains("unknown keys are passed over: 'future_size', 'future_name'"));
}

TEST_CASE("Values out of range and combinations that PEFT refuses are errors") {
  CHECK_THAT(refusal(R"("lora_dropout": 1.0)"), Contains("from 0 to below 1, found 1.0"));
  CHECK_THAT(refusal(R"("bias": "some")"), Contains("found \"some\""));
  CHECK_THAT(refusal(R"("task_type": "TOKEN_CLS")"), Contains("'task_type'"));
  CHECK_THAT(refusal(R"("target_modules": 3)"), Contains("'target_modules': expected a list"));
  CHECK_THAT(refusal(R"("rank_pattern": {"q": 0})"), Contains("rank_pattern: 'q': expected"));
  CHECK_THAT(refusal(R"("layers_pattern": "h")"), Contains("because layers_pattern is given"));
  CHECK(refusal(R"("layers_pattern": "h", "layers_to_transform": [])") == "");
  CHECK(refusal(R"("layers_pattern": "")") == "");
  CHECK_THAT(refusal(R"("target_modules": "all-linear", "layers_to_transform": 1)"),
             Contains("because layers_to_transform is given"));
  CHECK_THAT(refusal(R"("layers_to_transform": [-1])"), Contains("'layers_to_transform'"));
  CHECK_THAT(refusal(R"("trainable_token_indices": [1.5])"), Contains("found [1.5]"));
}

TEST_CASE("A damaged file is refused with its name") {
  CHECK_THAT(refusal_of_file(R"({"peft_type": "LORA", )"),
             Contains("adapter_config.json:1:23: is not valid JSON"));
  CHECK_THAT(refusal_of_file("[1]"), Contains("expected a JSON object, found [1]"));
  CHECK_THAT(refusal_of_file(R"({"r": 1, "r": 2})"), Contains("has the key 'r' twice"));
  CHECK_THAT(refusal_of_file(std::string(100, '[')), Contains("nested too deeply"));
  const TemporaryFolder folder;
  CHECK_THAT(message_of<InputError>([&] { read_adapter_config(folder.file("none")); }),
             Contains("adapter_config.json: cannot be read: No such file"));
}

TEST_CASE("A number that no double holds is refused with its place and key") {
  CHECK_THAT(
      refusal_of_file("{\"r\": 4,\n \"lora_alpha\": 1e999}"),
      Contains("adapter_config.json:2:16: 'lora_alpha': expected a number of at most 1.8e308, "
               "found 1e999"));
  CHECK_THAT(refusal_of_file("{\"a\": {\"b\": [1, -1e999]}}"), Contains(":1:17: 'b': expected"));
}

TEST_CASE("What is no file of its own is refused, and never waited for") {
  const TemporaryFolder folder;
  REQUIRE(::mkfifo(folder.file("adapter_config.json").c_str(), 0600) == 0);
  CHECK_THAT(message_of<InputError>([&] { read_adapter_config(folder.file("")); }),
             Contains("adapter_config.json: expected a file, found a FIFO"));
  CHECK_THAT(refusal_of_file("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
             Contains("adapter_config.json: is a git-lfs pointer"));
}

TEST_CASE("Names and values of any length make a short message") {
  const std::string message = refusal(R"("task_type": ")" + std::string(100000, 'x') + R"(", ")" +
                                      std::string(100000, 'y') + "\": true");
  CHECK(message.size() < 500);
  CHECK_THAT(refusal(R"("a\u0000b\n": true)"), Contains("'a\\x00b\\n': true is not supported"));
}
