#include "host/huggingface/model_weights.h"

#include <catch2/catch.hpp>
#include <string>

#include "host/formats/safetensors.h"
#include "models/base/error.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using Catch::Contains;

namespace {

/// A LLaMA of one layer with five tokens.
ModelConfig config(bool tied) {
  LlamaShape shape;
  shape.vocabulary = 5;
  shape.hidden = shape.intermediate = 4;
  shape.layers = shape.heads = shape.kv_heads = 1;
  shape.head_dim = 4;
  shape.tied_embeddings = tied;
  return {"config.json", shape, {}};
}

Tensor filled(const Shape& shape, float element, DType dtype = DType::F32) {
  Tensor tensor(dtype, shape);
  for (std::int64_t i = 0; i < element_count(shape); ++i) {
    if (dtype == DType::F32) tensor.data<float>()[i] = element;
    if (dtype == DType::BF16) tensor.data<std::uint16_t>()[i] = element == 2 ? 0x4000 : 0x4040;
  }
  return tensor;
}

/// All of the model's parameters 1, and these.
WeightFiles write(const TemporaryFolder& folder, const TensorMap& others,
                  const std::vector<std::string>& left_out = {}) {
  TensorMap tensors;
  for (const Value& value : build(config(true), 1, 3).graph.values)
    if (value.role == Role::kFrozen) tensors[value.name] = filled(value.shape, 1);
  for (const auto& [name, tensor] : others) tensors[name] = tensor;
  for (const std::string& name : left_out) tensors.erase(name);
  write_safetensors(folder.file("model.safetensors"), {tensors, {}});
  return WeightFiles(folder.file(""));
}

const std::string kTable = "model.embed_tokens.weight", kHead = "lm_head.weight";

float first(const TensorMap& values, const std::string& name) {
  return values.at(name).data<float>()[0];
}

}  // namespace

TEST_CASE("A head that is another one than the embedding is not tied to it") {
  const TemporaryFolder folder;
  const WeightFiles files =
      write(folder, {{kTable, filled({5, 4}, 2)}, {kHead, filled({5, 4}, 3)}});
  ModelConfig model = config(true);
  untie_other_head(model, files);
  CHECK_FALSE(std::get<LlamaShape>(model.shape).tied_embeddings);
  CHECK_FALSE(model.facts().tied_head);
  REQUIRE(model.notes.size() == 1);
  CHECK_THAT(model.notes[0], Contains("'tie_word_embeddings': true does not hold"));
  const Graph graph = build(model, 1, 3).graph;
  const TensorMap values = load_frozen(graph, model, files, {}, Numerics::kFp32);
  CHECK(first(values, kTable) == 2);
  CHECK(first(values, kHead) == 3);
}

TEST_CASE("A tied head is tied where the file has none, the same one, or the head alone") {
  const auto table_of = [](const TensorMap& others, const std::vector<std::string>& left_out) {
    const TemporaryFolder folder;
    const WeightFiles files = write(folder, others, left_out);
    ModelConfig model = config(true);
    untie_other_head(model, files);
    CHECK(model.facts().tied_head);
    CHECK(model.notes.empty());
    CHECK(unused_weights(model, files, build(model, 1, 3)).empty());
    return first(load_frozen(build(model, 1, 3).graph, model, files, {}, Numerics::kFp32), kTable);
  };
  CHECK(table_of({{kTable, filled({5, 4}, 2)}}, {}) == 2);
  CHECK(table_of({{kTable, filled({5, 4}, 2)}, {kHead, filled({5, 4}, 2, DType::BF16)}}, {}) == 2);
  // transformers swaps the two.
  CHECK(table_of({{kHead, filled({5, 4}, 3)}}, {kTable}) == 3);
}

TEST_CASE("What the adapter's file has of the model comes before the model's own") {
  const TemporaryFolder folder;
  const WeightFiles files = write(folder, {});
  const ModelConfig model = config(true);
  const FrozenTensors given = {{"a", {"model.norm.weight", filled({4}, 3, DType::BF16)}}};
  const Graph graph = build(model, 1, 3).graph;
  const TensorMap values = load_frozen(graph, model, files, given, Numerics::kFp32);
  CHECK(first(values, "model.norm.weight") == 3);
  CHECK(first(values, kTable) == 1);
  const TensorMap rounded = load_frozen(graph, model, files, given, Numerics::kBf16);
  CHECK(rounded.at(kTable).dtype == DType::BF16);
  CHECK(rounded.at("model.norm.weight").data<std::uint16_t>()[0] == 0x4040);
}

TEST_CASE("Tensors that the model does not read are named, buffers that follow from it are not") {
  const TemporaryFolder folder;
  const Tensor any = filled({2}, 1);
  const WeightFiles files = write(folder, {{"cls.predictions.bias", any},
                                           {"model.layers.1.mlp.up_proj.weight", any},
                                           {kHead, any},
                                           {"model.layers.0.self_attn.rotary_emb.inv_freq", any},
                                           {"embeddings.position_ids", Tensor(DType::I64, {1, 4})},
                                           {"norm.weight", any}});
  const ModelConfig model = config(false);
  const auto notes = unused_weights(model, files, build(model, 1, 3));
  REQUIRE(notes.size() == 1);
  CHECK_THAT(
      notes[0],
      Contains("model.safetensors: tensors that the model has no parameter for are not used: "
               "'cls.predictions.bias', 'model.layers.1.mlp.up_proj.weight'") &&
          !Contains("lm_head") && !Contains("inv_freq") && !Contains("position_ids"));
}
