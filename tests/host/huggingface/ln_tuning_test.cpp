// peft_type LN_TUNING: what its configuration means, and the names of its file.
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
  return test::plan_of(config_of("LN_TUNING", keys), modules, facts);
}

std::string refusal(const std::string& keys, const std::vector<ModelModule>& modules,
                    const ModelFacts& facts) {
  return message_of<InputError>([&] { plan_of(keys, modules, facts); });
}

}  // namespace

TEST_CASE("Without names PEFT's choice holds: every norm of a LLaMA, of a BERT it has none") {
  CHECK(plan_of("", llama_modules(1), kLlama).adapted ==
        std::vector<std::string>{"model.layers.0.input_layernorm",
                                 "model.layers.0.post_attention_layernorm", "model.norm"});
  CHECK_THAT(refusal("", bert_modules(), kBert), Contains("'target_modules'"));
}

TEST_CASE("Norms are chosen by names and exclusions; another module is refused") {
  const AdapterPlan plan = plan_of(
      R"(, "target_modules": ["LayerNorm"], "exclude_modules": ["attention.output.LayerNorm"],
                 "modules_to_save": ["classifier"])",
      bert_modules(), kBert);
  CHECK(plan.adapted == std::vector<std::string>{"bert.embeddings.LayerNorm",
                                                 "bert.encoder.layer.0.output.LayerNorm"});
  CHECK(plan.parameters.saved_modules == std::vector<std::string>{"classifier"});
  CHECK_THAT(refusal(R"(, "target_modules": ["LayerNorm", "query"])", bert_modules(), kBert),
             Contains("means the module 'bert.encoder.layer.0.attention.self.query', too; expected "
                      "normalisation modules only"));
  CHECK_THAT(refusal(R"(, "layers_to_transform": [0])", llama_modules(1), kLlama),
             Contains("'layers_to_transform': [0] is not supported"));
}

TEST_CASE("In PEFT's file the trained copy of a norm stands inside its wrapper") {
  BertShape shape;
  shape.vocabulary = 5;
  shape.hidden = 4;
  shape.intermediate = 6;
  shape.layers = shape.heads = 1;
  shape.max_positions = 3;
  shape.labels = 2;
  Transformer model = build_bert(shape, 1, 3);
  const AdapterConfig config = config_of(
      "LN_TUNING",
      R"(, "target_modules": ["embeddings.LayerNorm"], "modules_to_save": ["classifier"])");
  const AdapterPlan plan = config.method->plan(config, modules_of(model), kBert, 0);
  apply_adapter(model, plan);

  TensorMap trained;
  for (const Value& value : model.graph.values)
    if (value.role == Role::kTrainable) trained[value.name] = Tensor(DType::F32, value.shape);
  trained.at("bert.embeddings.LayerNorm.bias").data<float>()[3] = 5;
  const TemporaryFolder folder;
  write_adapter(folder.file("out"), config, plan, trained, {});
  const TensorMap file = read_safetensors(folder.file("out/adapter_model.safetensors")).tensors;
  const std::string norm = "base_model.model.bert.embeddings.LayerNorm.ln_tuning_layers";
  CHECK(file.size() == 4);
  CHECK(file.count(norm + ".weight") == 1);
  CHECK(file.count(norm + ".bias") == 1);
  CHECK(file.count("base_model.model.classifier.weight") == 1);
  CHECK(file.count("base_model.model.classifier.bias") == 1);

  const TensorMap read = read_adapter(folder.file("out"), plan, model).trained;
  CHECK(read.at("bert.embeddings.LayerNorm.bias").bytes ==
        trained.at("bert.embeddings.LayerNorm.bias").bytes);
}
