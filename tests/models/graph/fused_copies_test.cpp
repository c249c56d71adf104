// Copies of probabilities that the softmax and its gradient make: which ones, and that no bit of a
// step changes.
#include "models/graph/fused_copies.h"

#include <catch2/catch.hpp>
#include <random>

#include "models/graph/differentiate.h"
#include "models/reference/execute.h"
#include "models/transformer/llama.h"
#include "tests/models/peft/trained_lora.h"
#include "tests/models/tensors.h"

using namespace corank;

namespace {

constexpr std::int64_t kLayers = 2;

// Forward and backward pass with adapters, so that P is read by both.
Graph differentiated(RecomputePolicy policy) {
  LlamaShape shape;
  shape.vocabulary = 20;
  shape.hidden = 12;
  shape.intermediate = 20;
  shape.layers = kLayers;
  shape.heads = 4;
  shape.kv_heads = 2;
  shape.head_dim = 4;
  Transformer transformer = build_llama(shape, 2, 6);
  test::adapt_layers(transformer);
  DifferentiateRequest request;
  request.loss = transformer.loss;
  request.recompute = policy;
  differentiate(transformer.graph, request);
  return std::move(transformer.graph);
}

bool is_of_probabilities(const Graph& graph, const Op& op) {
  const auto* convert = std::get_if<Convert>(&op);
  return convert != nullptr &&
         graph.value(convert->in).name.find("probabilities") != std::string::npos;
}

struct Copies {
  int converts = 0, by_softmax = 0, by_gradient = 0;
};
Copies copies_of(const Graph& graph) {
  Copies copies;
  for (const Op& op : graph.ops) {
    if (is_of_probabilities(graph, op)) ++copies.converts;
    if (const auto* softmax = std::get_if<Softmax>(&op))
      copies.by_softmax += softmax->narrow.has_value();
    if (const auto* gradient = std::get_if<SoftmaxGradient>(&op))
      copies.by_gradient += gradient->narrow.has_value();
  }
  return copies;
}

TensorMap executed(const Graph& graph, const TensorMap& given) {
  TensorMap values = given;
  ExecuteOptions options;
  options.keep_intermediates = true;
  execute(graph, Numerics::kBf16, values, options);
  return values;
}

}  // namespace

TEST_CASE("the softmax makes the copy that the forward pass reads, its gradient the other one") {
  Graph graph = differentiated(RecomputePolicy::kNone);
  CHECK(copies_of(graph).converts == 2 * kLayers);
  fuse_copies(graph);
  check(graph);
  const Copies copies = copies_of(graph);
  CHECK(copies.converts == 0);
  CHECK(copies.by_softmax == kLayers);
  CHECK(copies.by_gradient == kLayers);
}

TEST_CASE("a softmax that stores statistics of its rows makes no copy") {
  Graph graph = differentiated(RecomputePolicy::kAttention);
  fuse_copies(graph);
  check(graph);
  const Copies copies = copies_of(graph);
  CHECK(copies.converts == kLayers);  // of the forward pass
  CHECK(copies.by_softmax == 0);
  CHECK(copies.by_gradient == kLayers);
}

TEST_CASE("fused copies change no bit of any value") {
  const auto policy = GENERATE(RecomputePolicy::kNone, RecomputePolicy::kAttention);
  Graph graph = differentiated(policy);
  std::mt19937_64 generator(5);
  const TensorMap given = test::inputs_of(graph, [&](const Value& value) {
    if (value.dtype != DType::I64) return test::normal(generator, value.dtype, value.shape);
    Tensor tensor(value.dtype, value.shape);
    for (std::int64_t i = 0; i < element_count(value.shape); ++i)
      tensor.data<std::int64_t>()[i] = value.name == "attention_mask" ? i % 6 != 0 : i % 3;
    return tensor;
  });
  const TensorMap expected = executed(graph, given);
  fuse_copies(graph);
  const TensorMap found = executed(graph, given);
  CHECK(expected.size() > 100);
  CHECK(found.size() == expected.size());
  for (const auto& [name, tensor] : expected) {
    INFO(name);
    REQUIRE(found.count(name) == 1);
    CHECK(found.at(name).bytes == tensor.bytes);
  }
}

TEST_CASE("a copy that the gradient's own operand needs stays by itself") {
  // dy is computed of the copy of P, so the gradient that reads dy cannot make it.
  Graph graph;
  const ValueId scores = add_value(graph, {"scores", {1, 2, 3}, DType::F32, Role::kInput});
  const ValueId p = add_softmax(graph, "p", scores, std::nullopt, false);
  const ValueId first = add_convert(graph, "first", p);
  const ValueId second = add_convert(graph, "second", p);
  const ValueId dp = add_multiply(graph, "dp", first, second, DType::F32);
  const ValueId ds = add_value(graph, {"ds", {1, 2, 3}, DType::BF16, Role::kResult});
  graph.ops.emplace_back(SoftmaxGradient{dp, p, ds, {}});
  check(graph);
  fuse_copies(graph);
  check(graph);
  CHECK(std::get<Softmax>(graph.ops.front()).narrow == first);
  CHECK_FALSE(std::get<SoftmaxGradient>(graph.ops.back()).narrow.has_value());
  CHECK(graph.ops.size() == 4);
}
