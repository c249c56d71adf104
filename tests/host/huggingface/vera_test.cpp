// peft_type VERA: what its configuration means, and the names of its file.
#include "models/peft/vera.h"

#include <catch2/catch.hpp>
#include <string>

#include "host/formats/safetensors.h"
#include "host/huggingface/adapter_files.h"
#include "models/base/error.h"
#include "models/transformer/bert.h"
#include "tests/host/huggingface/model_modules.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using namespace corank::test;
using Catch::Contains;

namespace {

AdapterPlan plan_of(const std::string& keys, const std::vector<ModelModule>& modules,
                    const ModelFacts& facts) {
  return test::plan_of(config_of("VERA", keys), modules, facts);
}

std::string refusal(const std::string& keys) {
  return message_of<InputError>([&] { plan_of(keys, llama_modules(1), kLlama); });
}

}  // namespace

TEST_CASE("VeRA's keys are its rank, dropout, biases and layers; the start of its vectors is not") {
  const AdapterPlan plan =
      plan_of(R"(, "r": 6, "vera_dropout": 0.25, "bias": "vera_only", "d_initial": 0.3,
                 "projection_prng_key": 5, "save_projection": true, "init_weights": false,
                 "layers_to_transform": [0], "target_modules": ["query"])",
              bert_modules(), kBert);
  const std::vector<std::string> query = {"bert.encoder.layer.0.attention.self.query"};
  const auto& own = std::any_cast<const VeraPlan&>(plan.own);
  CHECK(plan.adapted == query);
  CHECK(own.modules == query);
  CHECK(own.rank == 6);
  CHECK(own.dropout == 0.25);
  CHECK(own.dropout_seed == 7);
  CHECK(plan.parameters.trainable_biases == query);
  CHECK(plan.kept == std::vector<std::string>{"vera_A", "vera_B"});
  // LoRA's choice of modules.
  CHECK(plan_of(R"(, "r": 2)", llama_modules(1), kLlama).adapted ==
        std::vector<std::string>{"model.layers.0.self_attn.q_proj",
                                 "model.layers.0.self_attn.v_proj"});
}

TEST_CASE("VeRA refuses a file without A and B, and what its keys cannot be") {
  CHECK_THAT(refusal(R"(, "r": 2, "save_projection": false)"),
             Contains("'save_projection': expected true, so that the adapter's file has A and B"));
  CHECK_THAT(refusal(R"(, "r": 2, "vera_dropout": 1)"), Contains("'vera_dropout'"));
  CHECK_THAT(refusal(R"(, "r": 0)"), Contains("'r'"));
  CHECK_THAT(refusal(""), Contains("'r'"));
  CHECK_THAT(refusal(R"(, "r": 2, "bias": "lora_only")"),
             Contains("'bias': expected \"none\", \"vera_only\" or \"all\""));
  CHECK_THAT(refusal(R"(, "r": 2, "use_rslora": true)"), Contains("'use_rslora'"));
}

TEST_CASE("In PEFT's file A and B stand once, and are written as they were read") {
  BertShape shape;
  shape.vocabulary = 5;
  shape.hidden = 4;
  shape.intermediate = 6;
  shape.layers = shape.heads = 1;
  shape.max_positions = 3;
  shape.labels = 2;
  Transformer model = build_bert(shape, 1, 3);
  const AdapterConfig config =
      config_of("VERA", R"(, "r": 3, "target_modules": ["query", "intermediate.dense"])");
  const AdapterPlan plan = config.method->plan(config, modules_of(model), kBert, 0);
  apply_adapter(model, plan);

  TensorMap trained;
  for (const Value& value : model.graph.values)
    if (value.role == Role::kTrainable) trained[value.name] = Tensor(DType::F32, value.shape);
  Tensor a(DType::F32, {3, 4}), b(DType::F32, {6, 3});
  a.data<float>()[11] = 0.1f;  // not exact in BF16
  const FrozenTensors frozen = {{"base_model.vera_A", {"vera_A", a}},
                                {"base_model.vera_B", {"vera_B", b}}};
  const TemporaryFolder folder;
  write_adapter(folder.file("out"), config, plan, trained, frozen);
  const std::string path = folder.file("out/adapter_model.safetensors");
  TensorMap file = read_safetensors(path).tensors;
  CHECK(file.size() == 6);
  CHECK(file.at("base_model.vera_A").bytes == a.bytes);
  const std::string query = "base_model.model.bert.encoder.layer.0.attention.self.query.";
  CHECK(file.at(query + "vera_lambda_d").shape == Shape{3});
  CHECK(file.at(query + "vera_lambda_b").shape == Shape{4});

  const AdapterTensors read = read_adapter(folder.file("out"), plan, model);
  CHECK(read.trained.size() == 4);
  CHECK(read.frozen.at("base_model.vera_A").tensor.bytes == a.bytes);
  CHECK(read.frozen.at("base_model.vera_B").value == "vera_B");
  const auto wrong = [&](const TensorMap& tensors) {
    write_safetensors(path, {tensors, {}});
    return message_of<InputError>([&] { read_adapter(folder.file("out"), plan, model); });
  };
  TensorMap misshapen = file;
  misshapen["base_model.vera_B"] = Tensor(DType::F32, {4, 3});
  CHECK_THAT(wrong(misshapen), Contains("'base_model.vera_B': expected shape [6, 3]"));
  file.erase("base_model.vera_B");
  CHECK_THAT(wrong(file),
             Contains("'base_model.vera_B': expected shape [6, 3], found no such tensor"));
}
