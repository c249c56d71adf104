#include "host/huggingface/module_selection.h"

#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>

#include "host/huggingface/adapter_config.h"
#include "host/huggingface/methods/lora.h"
#include "models/base/error.h"
#include "tests/host/huggingface/model_modules.h"

using namespace corank;
using namespace corank::test;
using Catch::Contains;

namespace {

const ModelFacts kTiedLlama{"llama", "model.embed_tokens", "lm_head", true};

/// What is trained by a configuration of LoRA with these keys besides r = 4 and lora_alpha = 8.
AdapterPlan plan_of(const std::string& keys, const std::vector<ModelModule>& modules,
                    const ModelFacts& facts) {
  return test::plan_of(config_of("LORA", R"(, "r": 4, "lora_alpha": 8, )" + keys), modules, facts);
}

AdapterPlan llama_plan(const std::string& keys, int layers = 2) {
  return plan_of(keys, llama_modules(layers), kLlama);
}
AdapterPlan bert_plan(const std::string& keys) { return plan_of(keys, bert_modules(), kBert); }

/// Names of the adapted modules, without what all of them begin with.
std::set<std::string> adapted(const AdapterPlan& plan,
                              const std::string& prefix = "model.layers.") {
  std::set<std::string> names;
  for (const std::string& module : plan.adapted)
    names.insert(module.compare(0, prefix.size(), prefix) == 0 ? module.substr(prefix.size())
                                                               : module);
  return names;
}

using Names = std::set<std::string>;

std::string refusal(const std::string& keys) {
  return message_of<InputError>([&] { llama_plan(keys); });
}

}  // namespace

TEST_CASE("A list means modules whose name equals an entry or ends with a dot and the entry") {
  CHECK(adapted(llama_plan(R"("target_modules": ["q_proj", "mlp.up_proj"])")) ==
        Names{"0.self_attn.q_proj", "1.self_attn.q_proj", "0.mlp.up_proj", "1.mlp.up_proj"});
  CHECK(adapted(llama_plan(R"("target_modules": ["model.layers.1.self_attn.v_proj"])")) ==
        Names{"1.self_attn.v_proj"});
  // No entry ends in the middle of a part of a name.
  CHECK_THAT(refusal(R"("target_modules": ["proj"])"), Contains("found none that ['proj'] means"));
  // An entry that means nothing is ignored beside one that means something.
  CHECK(adapted(llama_plan(R"("target_modules": ["lm_head", "query"])")) == Names{"lm_head"});
}

TEST_CASE("\"dense\" means four modules of a BERT layer's surroundings, the pooler among them") {
  CHECK(adapted(bert_plan(R"("target_modules": ["dense"])"), "bert.") ==
        Names{"encoder.layer.0.attention.output.dense", "encoder.layer.0.intermediate.dense",
              "encoder.layer.0.output.dense", "pooler.dense"});
}

TEST_CASE("A text is a regular expression that must match the whole name") {
  CHECK(adapted(llama_plan(R"("target_modules": ".*\\.0\\.self_attn\\.(q|k)_proj")")) ==
        Names{"0.self_attn.q_proj", "0.self_attn.k_proj"});
  CHECK(adapted(llama_plan(R"("target_modules": ".*mlp\\.(?!gate)\\w+_proj")", 1)) ==
        Names{"0.mlp.up_proj", "0.mlp.down_proj"});
  CHECK_THAT(refusal(R"("target_modules": "q_proj")"), Contains("found none"));
  CHECK_THAT(refusal(R"("target_modules": "(q_proj")"),
             Contains("'target_modules': '(q_proj' is no regular expression"));
  CHECK_THAT(refusal(R"("target_modules": "model\\.layers.*")"),
             Contains("means the module 'model.layers', too; expected linear and embedding"));
  CHECK_THAT(refusal(R"("target_modules": ["norm"])"), Contains("means the module 'model.norm'"));
}

TEST_CASE("\"all-linear\" is every linear but the output layer") {
  const Names all = adapted(llama_plan(R"("target_modules": "all-linear")"));
  CHECK(all.size() == 14);
  CHECK(all.count("lm_head") == 0);
  // A classification head is one only if the task says so; the pooler never is.
  const Names with_task =
      adapted(bert_plan(R"("target_modules": "all-linear", "task_type": "SEQ_CLS")"), "bert.");
  CHECK(with_task.size() == 7);
  CHECK(with_task.count("pooler.dense") == 1);
  CHECK(with_task.count("classifier") == 0);
  CHECK(adapted(bert_plan(R"("target_modules": "all-linear")"), "bert.").count("classifier") == 1);
}

TEST_CASE("Without targets PEFT's own choice for the architecture holds") {
  CHECK(adapted(llama_plan(R"("target_modules": null)", 1)) ==
        Names{"0.self_attn.q_proj", "0.self_attn.v_proj"});
  CHECK(adapted(bert_plan(R"("bias": "none")"), "bert.encoder.layer.0.attention.self.") ==
        Names{"query", "value"});
}

TEST_CASE("Exclusions win, and a module inside a saved one is never adapted") {
  CHECK(adapted(llama_plan(R"("target_modules": ["q_proj", "k_proj"],
                              "exclude_modules": ["0.self_attn.q_proj"])")) ==
        Names{"1.self_attn.q_proj", "0.self_attn.k_proj", "1.self_attn.k_proj"});
  CHECK(adapted(llama_plan(R"("target_modules": ["q_proj", "k_proj"],
                              "exclude_modules": ".*\\.[01]\\..*k_proj")")) ==
        Names{"0.self_attn.q_proj", "1.self_attn.q_proj"});
  const AdapterPlan plan =
      llama_plan(R"("target_modules": ["q_proj", "up_proj"], "modules_to_save": ["layers.1.mlp"])");
  CHECK(adapted(plan) == Names{"0.self_attn.q_proj", "1.self_attn.q_proj", "0.mlp.up_proj"});
  CHECK(plan.parameters.saved_modules == std::vector<std::string>{"model.layers.1.mlp.gate_proj",
                                                                  "model.layers.1.mlp.up_proj",
                                                                  "model.layers.1.mlp.down_proj"});
}

TEST_CASE("layers_to_transform filters suffixes, but not full names") {
  CHECK(adapted(llama_plan(R"("target_modules": ["q_proj"], "layers_to_transform": 1)", 3)) ==
        Names{"1.self_attn.q_proj"});
  CHECK(adapted(llama_plan(R"("target_modules": ["q_proj", "lm_head"],
                              "layers_to_transform": [0, 10], "layers_pattern": "layers")",
                           12)) == Names{"0.self_attn.q_proj", "10.self_attn.q_proj", "lm_head"});
  CHECK_THAT(refusal(R"("target_modules": ["q_proj"], "layers_to_transform": [0],
                        "layers_pattern": ["blocks"])"),
             Contains("'layers_to_transform': expected layers of the model with a module of "
                      "['q_proj'], found none in the layers [0] of layers_pattern 'blocks'"));
  CHECK_THAT(refusal(R"("target_modules": ["q_proj"], "layers_to_transform": [7, 9])"),
             Contains("found none in the layers [7, 9]"));
  CHECK_THAT(refusal(R"("target_modules": ["query"], "layers_to_transform": [0])"),
             Contains("'target_modules': ") && Contains("found none that ['query'] means"));
  // model.embed_tokens has no number.
  CHECK(adapted(llama_plan(R"("target_modules": ["embed_tokens", "q_proj"],
                              "layers_to_transform": [0])")) == Names{"0.self_attn.q_proj"});
}

TEST_CASE("A pattern of layers may begin at the root, have groups, or stand in a list") {
  const auto layers = [](const std::string& pattern) {
    return adapted(llama_plan(R"("target_modules": ["q_proj"], "layers_to_transform": [1],
                                 "layers_pattern": )" +
                              pattern));
  };
  const Names second = {"1.self_attn.q_proj"};
  CHECK(layers("\"model.layers\"") == second);
  CHECK(layers("\"layers\"") == second);
  CHECK(layers(R"x("(model)\\.(layers|blocks)")x") == second);
  CHECK(layers(R"(["h", "model.layers"])") == second);
  // The first number counts, not that of an expert.
  std::vector<ModelModule> modules;
  for (const char* name : {"model.layers.0.experts.1.up", "model.layers.1.experts.0.up"})
    modules.push_back({name, ModuleKind::kLinear, {8, 8}, false});
  CHECK(adapted(plan_of(R"("target_modules": ["up"], "layers_to_transform": [1])", modules,
                        kLlama)) == Names{"1.experts.0.up"});
}

TEST_CASE("The first pattern that matches gives a module its rank and alpha") {
  const AdapterPlan plan = llama_plan(R"("target_modules": ["q_proj", "k_proj"],
      "rank_pattern": {"layers\\.1\\.self_attn\\.q_proj": 6, "q_proj": 2, "proj": 9, "^k_proj": 7},
      "alpha_pattern": {"model.layers.0.self_attn.k_proj": 3.5}, "use_rslora": true)");
  std::map<std::string, LoraScale> scales;
  for (const LoraModule& adapter : lora_plan(plan).adapters) scales[adapter.module] = adapter.scale;
  CHECK(scales["model.layers.1.self_attn.q_proj"].rank == 6);
  CHECK(scales["model.layers.0.self_attn.q_proj"].rank == 2);
  CHECK(scales["model.layers.0.self_attn.q_proj"].alpha == 8);
  // "proj" is no whole part of the name, and "^k_proj" not at its beginning.
  CHECK(scales["model.layers.0.self_attn.k_proj"].rank == 4);
  CHECK(scales["model.layers.0.self_attn.k_proj"].alpha == 3.5);
  CHECK(scales["model.layers.1.self_attn.k_proj"].alpha == 8);
  CHECK(scales["model.layers.1.self_attn.k_proj"].rank_stabilized);
}

TEST_CASE("use_dora is of linears: an embedding is refused") {
  const std::string linear = R"("target_modules": ["q_proj"], "use_dora": )";
  CHECK(lora_plan(llama_plan(linear + "true")).trained_norms);
  CHECK_FALSE(lora_plan(llama_plan(linear + "false")).trained_norms);
  CHECK_THAT(message_of<InputError>([] {
               llama_plan(R"("target_modules": ["q_proj", "embed_tokens"], "use_dora": true)");
             }),
             Contains("'use_dora': true is not supported where the embedding 'model.embed_tokens' "
                      "is adapted"));
}

TEST_CASE("bias chooses the biases, and never those of a saved module") {
  const std::string targets = R"("target_modules": ["query"], "task_type": "SEQ_CLS", )";
  CHECK(bert_plan(targets + R"("bias": "none")").parameters.trainable_biases.empty());
  CHECK(bert_plan(targets + R"("bias": "lora_only")").parameters.trainable_biases ==
        std::vector<std::string>{"bert.encoder.layer.0.attention.self.query"});
  const AdapterPlan all = bert_plan(targets + R"("bias": "all")");
  CHECK(all.parameters.trainable_biases.size() ==
        10);  // 7 linears and 3 norms, without the classifier
  CHECK(all.parameters.saved_modules == std::vector<std::string>{"classifier"});
}

TEST_CASE("Trained tokens may be rows of an output head, too") {
  const auto tokens = [](const std::string& indices, const ModelFacts& facts) {
    std::map<std::string, std::vector<std::int64_t>> rows;
    for (const TrainableTokens& each :
         plan_of(R"("target_modules": ["q_proj"], "trainable_token_indices": )" + indices,
                 llama_modules(1), facts)
             .parameters.trainable_tokens)
      rows[each.module] = each.tokens;
    return rows;
  };
  using Rows = std::map<std::string, std::vector<std::int64_t>>;
  const std::string apart = R"({"embed_tokens": [3, 9], "lm_head": [9, 4]})";
  const std::string same = R"({"lm_head": [3, 9], "embed_tokens": [3, 9]})";
  const Rows both = {{"model.embed_tokens", {3, 9}}, {"lm_head", {9, 4}}};
  CHECK(tokens(apart, kLlama) == both);
  CHECK(tokens(apart, kTiedLlama) == both);
  CHECK(tokens(same, kLlama).size() == 2);
  // Equal rows of a tied pair are trained once (peft.utils.other).
  CHECK(tokens(same, kTiedLlama) == Rows{{"model.embed_tokens", {3, 9}}});
  CHECK(tokens(R"({"lm_head": [3]})", kTiedLlama) == Rows{{"lm_head", {3}}});
  CHECK_THAT(message_of<InputError>(
                 [&] { tokens(apart + R"(, "ensure_weight_tying": true)", kTiedLlama); }),
             Contains("'ensure_weight_tying': expected the same rows"));
  CHECK(tokens(same + R"(, "ensure_weight_tying": true)", kTiedLlama).size() == 1);
  CHECK_THAT(refusal(R"("target_modules": ["q_proj"], "trainable_token_indices": {"norm": [1]})"),
             Contains("expected an embedding, or a linear without a bias, found"));
}

TEST_CASE("Weight tying can be asked for where nothing of a tied pair is adapted") {
  const std::string keys = R"("target_modules": ["q_proj"], "ensure_weight_tying": true)";
  CHECK(plan_of(keys, llama_modules(1), kTiedLlama).adapted.size() == 1);
  const std::string saved = keys + R"(, "modules_to_save": ["embed_tokens"])";
  CHECK(plan_of(saved, llama_modules(1), kLlama).parameters.saved_modules.size() == 1);
  CHECK_THAT(message_of<InputError>([&] { plan_of(saved, llama_modules(1), kTiedLlama); }),
             Contains("'ensure_weight_tying': true is not supported where 'model.embed_tokens'"));
}

TEST_CASE("Trained tokens are rows of one embedding that is not trained otherwise") {
  const std::string targets = R"("target_modules": ["q_proj"], )";
  const AdapterPlan plan = llama_plan(targets + R"("trainable_token_indices": [3, 15])");
  REQUIRE(plan.parameters.trainable_tokens.size() == 1);
  CHECK(plan.parameters.trainable_tokens[0].module == "model.embed_tokens");
  CHECK(plan.parameters.trainable_tokens[0].tokens == std::vector<std::int64_t>{3, 15});
  CHECK(llama_plan(targets + R"("trainable_token_indices": {"embed_tokens": [1]})")
            .parameters.trainable_tokens[0]
            .module == "model.embed_tokens");
  CHECK_THAT(refusal(targets + R"("trainable_token_indices": [16])"),
             Contains("rows of model.embed_tokens below 16, found 16"));
  CHECK_THAT(refusal(targets + R"("trainable_token_indices": [2, 2])"), Contains("2 stands there"));
  CHECK_THAT(refusal(targets + R"("trainable_token_indices": {"wte": [2]})"),
             Contains("expected an embedding of the model, found 'wte'"));
  CHECK_THAT(refusal(R"("target_modules": ["embed_tokens"], "trainable_token_indices": [2])"),
             Contains("adapted or saved as well"));
}
