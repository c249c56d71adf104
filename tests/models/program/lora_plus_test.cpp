#include "models/program/lora_plus.h"

#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "models/program/transformer_program.h"
#include "models/transformer/bert.h"
#include "tests/models/peft/trained_lora.h"

using namespace corank;

namespace {

/// A BERT with adapters of its words and of a linear, whose bias is trained, and with the pooler
/// and all of a LayerNorm trained in full.
Transformer adapted_bert() {
  BertShape shape;
  shape.vocabulary = 7;
  shape.hidden = 4;
  shape.intermediate = 6;
  shape.layers = shape.heads = 1;
  shape.max_positions = 3;
  shape.labels = 2;
  Transformer model = build_bert(shape, 1, 3);
  test::TrainedLora plan;
  plan.adapters = {{"bert.embeddings.word_embeddings", {4, 2, false}},
                   {"bert.encoder.layer.0.attention.self.query", {4, 2, false}}};
  plan.trainable_biases = {"bert.encoder.layer.0.attention.self.query"};
  plan.saved_modules = {"bert.pooler.dense", "bert.embeddings.LayerNorm"};
  test::apply(model, plan);
  return model;
}

OptimizerSettings settings() {
  OptimizerSettings optimizer;
  optimizer.adamw.lr = 1e-3;
  optimizer.adamw.weight_decay = 0.1;
  optimizer.lora_plus = {16, 1e-4};
  return optimizer;
}

}  // namespace

TEST_CASE("LoRA+ tells B, vectors and what an embedding has from the rest") {
  const Transformer model = adapted_bert();
  std::map<std::string, ParameterGroup> groups;
  for (ValueId id = 0; id < static_cast<ValueId>(model.graph.values.size()); ++id) {
    const Value& value = model.graph.value(id);
    if (value.role == Role::kTrainable) groups[value.name] = lora_plus_group(model, id);
  }
  const std::string words = "bert.embeddings.word_embeddings.lora_embedding_";
  const std::string query = "bert.encoder.layer.0.attention.self.query.";
  using Group = ParameterGroup;
  CHECK(groups ==
        std::map<std::string, Group>{{words + "A", Group::kEmbedding},
                                     {words + "B", Group::kEmbedding},
                                     {query + "lora_A.weight", Group::kDown},
                                     {query + "lora_B.weight", Group::kUp},
                                     {query + "bias", Group::kUpWithoutDecay},
                                     {"bert.pooler.dense.weight", Group::kDown},
                                     {"bert.pooler.dense.bias", Group::kUpWithoutDecay},
                                     {"bert.embeddings.LayerNorm.weight", Group::kUpWithoutDecay},
                                     {"bert.embeddings.LayerNorm.bias", Group::kUpWithoutDecay}});
}

TEST_CASE("A group has its own learning rate, and biases no weight decay") {
  const auto of = [](ParameterGroup group) { return of_group(settings(), group).adamw; };
  CHECK(of(ParameterGroup::kDown).lr == 1e-3);
  CHECK(of(ParameterGroup::kUp).lr == 16e-3);
  CHECK(of(ParameterGroup::kUpWithoutDecay).lr == 16e-3);
  CHECK(of(ParameterGroup::kEmbedding).lr == 1e-4);
  CHECK(of(ParameterGroup::kEmbedding).weight_decay == 0.1);
  CHECK(of(ParameterGroup::kUp).weight_decay == 0.1);
  CHECK(of(ParameterGroup::kUpWithoutDecay).weight_decay == 0);
  OptimizerSettings plain = settings();
  plain.lora_plus = {};
  CHECK(of_group(plain, ParameterGroup::kEmbedding).adamw.lr == 1e-3);
}

TEST_CASE("Each group is fed its constants: the rate of B is that of A, times the ratio") {
  const TrainingProgram program = transformer_program(adapted_bert(), settings()).program;
  const TensorMap feeds = optimizer_feeds(program, 0);
  REQUIRE(feeds.size() == 4);
  const auto step_size = [&](const char* name) {
    return static_cast<double>(feeds.at(name).data<float>()[6]);  // -lr / (1 - beta1)
  };
  CHECK(step_size("adamw") == Approx(-1e-2));
  CHECK(step_size("adamw.up") == Approx(-16e-2));
  CHECK(step_size("adamw.up_without_decay") == Approx(-16e-2));
  CHECK(step_size("adamw.embedding") == Approx(-1e-3));
  for (const Op& op : program.graph.ops) {
    const auto* adamw = std::get_if<AdamW>(&op);
    if (adamw == nullptr) continue;
    const std::string& constants = program.graph.value(adamw->constants).name;
    CHECK(adamw->decays == (constants != "adamw.up_without_decay"));
  }
}
