// peft_type IA3: what its configuration means, and the names and shapes of its file.
#include "models/peft/ia3.h"

#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "host/formats/safetensors.h"
#include "host/huggingface/adapter_files.h"
#include "models/base/error.h"
#include "tests/host/huggingface/model_modules.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using namespace corank::test;
using Catch::Contains;

namespace {

AdapterPlan plan_of(const std::string& keys, const std::vector<ModelModule>& modules,
                    const ModelFacts& facts) {
  return test::plan_of(config_of("IA3", keys), modules, facts);
}

using Chosen = std::map<std::string, bool>;  // module -> whether it is a feed-forward one

Chosen chosen(const AdapterPlan& plan, const std::string& prefix) {
  Chosen modules;
  for (const Ia3Module& module : std::any_cast<const Ia3Plan&>(plan.own).modules)
    modules[module.module.substr(module.module.find(prefix) == 0 ? prefix.size() : 0)] =
        module.feedforward;
  return modules;
}

Chosen llama(const std::string& keys) {
  return chosen(plan_of(keys, llama_modules(1), kLlama), "model.layers.0.");
}

std::string refusal(const std::string& keys) {
  return message_of<InputError>([&] { plan_of(keys, llama_modules(1), kLlama); });
}

}  // namespace

TEST_CASE("Without names PEFT's choice holds: keys, values, and the input of the last linear") {
  const Chosen paper = {
      {"self_attn.k_proj", false}, {"self_attn.v_proj", false}, {"mlp.down_proj", true}};
  CHECK(llama("") == paper);
  CHECK(llama(R"(, "target_modules": null, "feedforward_modules": null)") == paper);
  CHECK(chosen(plan_of("", bert_modules(), kBert), "bert.encoder.layer.0.") ==
        Chosen{{"attention.self.key", false},
               {"attention.self.value", false},
               {"attention.output.dense", true},
               {"output.dense", true}});
  // Each of the two by itself.
  CHECK(llama(R"(, "feedforward_modules": [])") ==
        Chosen{{"self_attn.k_proj", false}, {"self_attn.v_proj", false}, {"mlp.down_proj", false}});
  CHECK(llama(R"(, "target_modules": ["q_proj", "down_proj"])") ==
        Chosen{{"self_attn.q_proj", false}, {"mlp.down_proj", true}});
}

TEST_CASE("Feed-forward modules are named by ends of names, without a dot, or by an expression") {
  const std::string targets = R"(, "target_modules": ["q_proj", "up_proj", "proj"])";
  CHECK(llama(targets + R"(, "feedforward_modules": ["proj"])") ==
        Chosen{{"self_attn.q_proj", true}, {"mlp.up_proj", true}});
  CHECK(llama(targets + R"(, "feedforward_modules": ".*mlp.*")") ==
        Chosen{{"self_attn.q_proj", false}, {"mlp.up_proj", true}});
  CHECK(llama(targets + R"(, "feedforward_modules": "mlp")") ==
        Chosen{{"self_attn.q_proj", false}, {"mlp.up_proj", false}});
  CHECK(llama(R"(, "target_modules": "all-linear", "feedforward_modules": ["q_proj"])").size() ==
        7);
  CHECK_THAT(refusal(targets + R"(, "feedforward_modules": ["down_proj"])"),
             Contains("'feedforward_modules': expected names out of target_modules only, found "
                      "[\"down_proj\"]"));
  CHECK_THAT(refusal(R"(, "feedforward_modules": "(q")"),
             Contains("'feedforward_modules': '(q' is no regular expression"));
  CHECK_THAT(refusal(R"(, "feedforward_modules": 3)"), Contains("'feedforward_modules'"));
}

TEST_CASE("Saved modules and exclusions are those of every method; embeddings get no vector") {
  const AdapterPlan plan =
      plan_of(R"(, "target_modules": ["k_proj", "up_proj"], "exclude_modules": ["up_proj"],
                 "modules_to_save": ["lm_head"], "init_ia3_weights": false)",
              llama_modules(1), kLlama);
  CHECK(plan.adapted == std::vector<std::string>{"model.layers.0.self_attn.k_proj"});
  CHECK(plan.parameters.saved_modules == std::vector<std::string>{"lm_head"});
  CHECK_THAT(refusal(R"(, "target_modules": ["embed_tokens"])"),
             Contains("means the module 'model.embed_tokens', too; expected linear modules only"));
}

TEST_CASE("Keys of another method are unknown ones, and named") {
  CHECK_THAT(refusal(R"(, "layers_to_transform": [0])"),
             Contains("'layers_to_transform': [0] is not supported"));
  CHECK_THAT(refusal(R"(, "init_ia3_weights": "ones")"), Contains("'init_ia3_weights'"));
  const AdapterConfig config = config_of("IA3", R"(, "r": 8, "fan_in_fan_out": true)");
  REQUIRE(config.notes.size() == 2);
  CHECK_THAT(config.notes[0], Contains("'fan_in_fan_out': true is not applied"));
  CHECK_THAT(config.notes[1], Contains("unknown keys are passed over: 'r'"));
}

TEST_CASE("In PEFT's file l is a column of outputs or a row of inputs") {
  Transformer model;
  Graph& graph = model.graph;
  const ValueId x = add_value(graph, {"x", {1, 2}, DType::BF16, Role::kInput});
  for (const char* name : {"k_proj", "down_proj"}) {
    const ValueId w =
        add_value(graph, {std::string(name) + ".weight", {3, 2}, DType::BF16, Role::kFrozen});
    const ValueId y = add_contraction(graph, name, {{x, false, w, true, {}}}, 1.0f, std::nullopt,
                                      DType::BF16, Role::kResult);
    model.modules.push_back({name, ModuleKind::kLinear, x, w, std::nullopt, y});
  }
  const AdapterConfig config = config_of("IA3", "");
  const AdapterPlan plan = config.method->plan(config, modules_of(model), kLlama, 0);
  apply_adapter(model, plan);

  TensorMap trained;
  trained["k_proj.ia3_l"] = Tensor(DType::F32, {3});
  trained["down_proj.ia3_l"] = Tensor(DType::F32, {2});
  trained["k_proj.ia3_l"].data<float>()[2] = 5;
  const TemporaryFolder folder;
  write_adapter(folder.file("out"), config, plan, trained, {});
  const TensorMap file = read_safetensors(folder.file("out/adapter_model.safetensors")).tensors;
  REQUIRE(file.size() == 2);
  CHECK(file.at("base_model.model.k_proj.ia3_l").shape == Shape{3, 1});
  CHECK(file.at("base_model.model.down_proj.ia3_l").shape == Shape{1, 2});

  const TensorMap read = read_adapter(folder.file("out"), plan, model).trained;
  CHECK(read.at("k_proj.ia3_l").shape == Shape{3});
  CHECK(read.at("k_proj.ia3_l").bytes == trained["k_proj.ia3_l"].bytes);
  CHECK(read.at("down_proj.ia3_l").shape == Shape{2});

  TensorMap wrong = file;
  wrong["base_model.model.k_proj.ia3_l"] = Tensor(DType::F32, {1, 3});
  write_safetensors(folder.file("out/adapter_model.safetensors"), {wrong, {}});
  CHECK_THAT(message_of<InputError>([&] { read_adapter(folder.file("out"), plan, model); }),
             Contains("k_proj.ia3_l': expected shape [3, 1], found [1, 3]"));
}
