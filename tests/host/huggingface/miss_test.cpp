// peft_type MISS: what its configuration means, and the names and shapes of its file.
#include "models/peft/miss.h"

#include <catch2/catch.hpp>
#include <string>

#include "host/huggingface/adapter_files.h"
#include "models/base/error.h"
#include "tests/host/huggingface/model_modules.h"

using namespace corank;
using namespace corank::test;
using Catch::Contains;

namespace {

AdapterPlan plan_of(const std::string& keys, const std::vector<ModelModule>& modules,
                    const ModelFacts& facts) {
  return test::plan_of(config_of("MISS", keys), modules, facts);
}

std::string refusal(const std::string& keys) {
  return message_of<InputError>([&] { plan_of(keys, llama_modules(1), kLlama); });
}

}  // namespace

TEST_CASE("MiSS's keys are its rank, dropout, biases and layers") {
  const AdapterPlan plan =
      plan_of(R"(, "r": 4, "miss_dropout": 0.5, "bias": "MiSS_only", "mini_r": 2,
                 "init_weights": false, "target_modules": ["key"])",
              bert_modules(), kBert);
  const std::vector<std::string> key = {"bert.encoder.layer.0.attention.self.key"};
  const auto& own = std::any_cast<const MissPlan&>(plan.own);
  CHECK(own.modules == key);
  CHECK(own.rank == 4);
  CHECK(own.dropout == 0.5);
  CHECK(own.dropout_seed == 7);
  CHECK(plan.parameters.trainable_biases == key);
  // PEFT's block is [r, out], as the graph's.
  const Value block{key[0] + ".miss_block", {4, 8}, DType::F32, Role::kTrainable};
  const FileTensor tensor = adapter_tensor(plan, block);
  CHECK(tensor.name == "base_model.model." + key[0] + ".miss_block");
  CHECK(tensor.shape == Shape{4, 8});
  CHECK(plan_of(R"(, "r": 2, "layers_to_transform": 1)", llama_modules(2), kLlama).adapted ==
        std::vector<std::string>{"model.layers.1.self_attn.q_proj",
                                 "model.layers.1.self_attn.v_proj"});
}

TEST_CASE("MiSS refuses its variants, and what its keys cannot be") {
  CHECK_THAT(refusal(R"(, "r": 2, "init_weights": "bat")"),
             Contains("'init_weights': expected true or false, found \"bat\""));
  CHECK_THAT(refusal(R"(, "r": 2, "init_weights": "mini")"), Contains("'init_weights'"));
  CHECK_THAT(refusal(R"(, "r": 2, "miss_dropout": -1)"), Contains("'miss_dropout'"));
  CHECK_THAT(refusal(R"(, "r": 2, "bias": "only")"), Contains("'bias'"));
  CHECK_THAT(refusal(""), Contains("'r'"));
  CHECK_THAT(refusal(R"(, "r": 2, "target_modules": ["embed_tokens"])"),
             Contains("expected linear modules only"));
}
