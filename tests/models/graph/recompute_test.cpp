// What is recomputed: which values the backward pass still reads of the forward pass, what it costs
// by formulas worked out here, and that no bit of a training step changes.
#include "models/graph/recompute.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "models/graph/differentiate.h"
#include "models/program/transformer_program.h"
#include "models/reference/execute.h"
#include "models/reference/reference_executor.h"
#include "models/transformer/bert.h"
#include "models/transformer/llama.h"
#include "tests/models/peft/trained_lora.h"
#include "tests/models/tensors.h"

using namespace corank;

namespace {

constexpr std::int64_t kBatch = 2, kSequence = 6, kTokens = kBatch * kSequence;

LlamaShape llama_shape() {
  LlamaShape shape;
  shape.vocabulary = 20;
  shape.hidden = 12;
  shape.intermediate = 20;
  shape.layers = 3;
  shape.heads = 4;
  shape.kv_heads = 2;
  shape.head_dim = 4;
  return shape;
}

BertShape bert_shape() {
  BertShape shape;
  shape.vocabulary = 20;
  shape.hidden = 12;
  shape.intermediate = 20;
  shape.layers = 2;
  shape.heads = 3;
  shape.max_positions = 8;
  shape.labels = 3;
  return shape;
}

Transformer adapted(Transformer transformer, double dropout) {
  test::adapt_layers(transformer, dropout);
  return transformer;
}
Transformer llama(double dropout) {
  return adapted(build_llama(llama_shape(), kBatch, kSequence), dropout);
}
Transformer bert(double dropout) {
  return adapted(build_bert(bert_shape(), kBatch, kSequence), dropout);
}

struct Step {
  Graph graph;
  StepAccount account;
  std::set<std::string> kept;  // of the forward pass, read behind it; copies of parameters are not
};

Step differentiated(Transformer transformer, RecomputePolicy policy) {
  Step step;
  const std::size_t forward = transformer.graph.ops.size();
  DifferentiateRequest request;
  request.loss = transformer.loss;
  request.recompute = policy;
  differentiate(transformer.graph, request);
  check(transformer.graph);
  step.graph = std::move(transformer.graph);
  std::set<ValueId> computed;
  for (std::size_t i = 0; i < forward; ++i) {
    if (std::holds_alternative<Convert>(step.graph.ops[i]) &&
        !is_computed(step.graph.value(operands_of(step.graph.ops[i]).front())))
      continue;
    for (const ValueId id : results_of(step.graph.ops[i])) computed.insert(id);
  }
  for (std::size_t i = forward; i < step.graph.ops.size(); ++i)
    for (const ValueId id : operands_of(step.graph.ops[i]))
      if (computed.count(id) > 0) step.kept.insert(step.graph.value(id).name);
  step.account = account_of(step.graph, forward, 2);
  return step;
}

/// What a step is given and fed. The first and the last token are masked: of a causal model's first
/// query nothing is left.
TensorMap drawn(const Graph& graph) {
  std::mt19937_64 generator(5);
  return test::inputs_of(graph, [&](const Value& value) {
    if (value.dtype != DType::I64) return test::normal(generator, value.dtype, value.shape);
    Tensor tensor(value.dtype, value.shape);
    for (std::int64_t i = 0; i < element_count(value.shape); ++i) {
      const bool end = i % kSequence == 0 || i % kSequence == kSequence - 1;
      tensor.data<std::int64_t>()[i] = value.name == "attention_mask" ? !end : i % 2;
    }
    return tensor;
  });
}

TensorMap results_of_two_steps(const Transformer& transformer, RecomputePolicy policy) {
  OptimizerSettings optimizer;
  optimizer.adamw.lr = 0.01;
  optimizer.accumulate = 2;
  const TransformerProgram built = transformer_program(transformer, optimizer, policy);
  ReferenceExecutor executor(built.program, Numerics::kBf16);
  const TensorMap values = inputs_of(built.program, drawn(transformer.graph));
  executor.load(values);
  TensorMap all;
  std::set<std::string> states;
  for (const State& state : built.program.states)
    states.insert(built.program.graph.value(state.value).name);
  for (int i = 0; i < 2; ++i) {
    TensorMap feeds = optimizer_feeds(built.program, i);
    for (const Value& value : built.program.graph.values)
      if (is_fed(value) && values.count(value.name) > 0) feeds.insert(*values.find(value.name));
    for (auto& [name, tensor] : executor.step(feeds, built.asked.first_step).results)
      all[name + " of step " + std::to_string(i)] = std::move(tensor);
  }
  for (auto& [name, tensor] : executor.read(states)) all[name] = std::move(tensor);
  return all;
}

void check_bits(const Transformer& transformer) {
  const TensorMap expected = results_of_two_steps(transformer, RecomputePolicy::kNone);
  CHECK(expected.size() > 50);
  for (const RecomputePolicy policy : {RecomputePolicy::kAttention, RecomputePolicy::kLayers}) {
    const TensorMap found = results_of_two_steps(transformer, policy);
    CHECK(found.size() == expected.size());
    for (const auto& [name, tensor] : expected) {
      INFO(name_of(policy) << ": " << name);
      REQUIRE(found.count(name) == 1);
      CHECK(found.at(name).bytes == tensor.bytes);
    }
  }
}

}  // namespace

TEST_CASE("a step gives the same bits whatever is recomputed") {
  SECTION("LLaMA: grouped queries, dropout") { check_bits(llama(0.25)); }
  SECTION("BERT: masks") { check_bits(bert(0)); }
}

TEST_CASE("of layers that are recomputed their inputs alone are kept") {
  CHECK(differentiated(llama(0.25), RecomputePolicy::kLayers).kept ==
        std::set<std::string>{"model.embed_tokens", "model.layers.0.mlp_residual",
                              "model.layers.1.mlp_residual", "model.layers.2.mlp_residual",
                              "model.norm.inverse_rms", "loss.exponentials", "loss.inverse_sum"});
  CHECK(differentiated(bert(0.25), RecomputePolicy::kLayers).kept ==
        std::set<std::string>{"bert.embeddings.LayerNorm", "bert.encoder.layer.0.output.LayerNorm",
                              "bert.pooler", "loss.exponentials", "loss.inverse_sum"});
}

TEST_CASE("of attention that is recomputed two numbers a row take the place of the probabilities") {
  const std::set<std::string> all = differentiated(llama(0), RecomputePolicy::kNone).kept;
  std::set<std::string> expected = all;
  for (const char* layer : {"0", "1", "2"}) {
    const std::string p = std::string("model.layers.") + layer + ".self_attn.probabilities";
    CHECK(expected.erase(p) == 1);
    expected.insert({p + ".largest", p + ".inverse_sum"});
  }
  CHECK(differentiated(llama(0), RecomputePolicy::kAttention).kept == expected);
}

TEST_CASE("what recomputation keeps and computes again follows from the shapes") {
  const LlamaShape s = llama_shape();
  const std::int64_t n = s.layers, r = 2, h = s.hidden, i = s.intermediate;
  const std::int64_t q = s.heads * s.head_dim, kv = s.kv_heads * s.head_dim;
  const std::int64_t rows = kBatch * s.heads * kSequence, scores = rows * kSequence;
  const StepAccount none = differentiated(llama(0), RecomputePolicy::kNone).account;
  const StepAccount attention = differentiated(llama(0), RecomputePolicy::kAttention).account;
  const StepAccount layers = differentiated(llama(0), RecomputePolicy::kLayers).account;
  const auto again = [](const StepAccount& account) {
    return macs_of(account, kRecomputed.part, kRecomputed.pass);
  };

  CHECK(again(none) == 0);
  CHECK(again(attention) == n * scores * s.head_dim);  // q k^T
  CHECK(none.nonlinear_stash_bytes - attention.nonlinear_stash_bytes ==
        n * (4 * scores - 2 * 4 * rows));
  CHECK(attention.adapter_stash_bytes == none.adapter_stash_bytes);

  // All products of a layer but the last one, of which the adapter's first factor alone is needed.
  const std::int64_t linears = h * (q + 2 * kv) + q * h + 2 * h * i;
  const std::int64_t adapters =
      r * ((h + q) + 2 * (h + kv) + (q + h) + 2 * (h + i) + i);  // in + out; of the last one in
  CHECK(again(layers) == n * (kTokens * (linears + adapters) + 2 * scores * s.head_dim));
  // The inputs of layers and of the last norm, BF16, and its 1 / rms.
  CHECK(layers.nonlinear_stash_bytes == (n + 1) * 2 * kTokens * h + 4 * kTokens);
  CHECK(layers.adapter_stash_bytes == 0);
  CHECK(layers.loss_stash_bytes == none.loss_stash_bytes);

  for (const StepAccount& account : {attention, layers})
    CHECK(account.total_macs == none.total_macs + again(account));
  CHECK(2 * stash_bytes_of(layers) < stash_bytes_of(none));
  CHECK(layers.peak_bytes < none.peak_bytes);
}

TEST_CASE("a program tells the account of one that recomputes nothing beside its own") {
  OptimizerSettings optimizer;
  const TransformerProgram none = transformer_program(llama(0), optimizer);
  const TransformerProgram layers =
      transformer_program(llama(0), optimizer, RecomputePolicy::kLayers);
  CHECK_FALSE(none.without_recompute);
  REQUIRE(layers.without_recompute);
  CHECK(layers.without_recompute->peak_bytes == none.account.peak_bytes);
  CHECK(layers.account.peak_bytes < none.account.peak_bytes);
}

TEST_CASE("the statistics of a softmax are the largest score and 1 / the sum of its row") {
  constexpr float kLowest = std::numeric_limits<float>::lowest();
  Graph graph;
  const ValueId scores = add_value(graph, {"scores", {2, 2, 4}, DType::F32, Role::kInput});
  const ValueId mask = add_value(graph, {"mask", {2, 4}, DType::I64, Role::kInput});
  const ValueId p = add_softmax(graph, "p", scores, mask, true);
  auto& softmax = std::get<Softmax>(graph.ops.front());
  add_row_statistics(graph, softmax);
  SoftmaxFromStatistics again{scores, mask, true, *softmax.largest, *softmax.inverse_sum, -1};
  again.out = add_value(graph, {"again", {2, 2, 4}, DType::F32, Role::kResult});
  graph.ops.emplace_back(again);
  for (const ValueId id : {p, again.largest, again.inverse_sum})
    graph.value(id).role = Role::kResult;
  check(graph);
  TensorMap values;
  values["scores"] = Tensor(DType::F32, {2, 2, 4});
  // Query 0 sees key 0, query 1 keys 0 and 1; of the second sequence key 0 is masked.
  const float two = std::log(2.0f), three = std::log(3.0f);
  const std::vector<float> rows = {5, 9, 9, 9, two, three, 9, 9, 1, 2, 3, 4, 7, -1, 8, 8};
  std::copy(rows.begin(), rows.end(), values["scores"].data<float>());
  values["mask"] = Tensor(DType::I64, {2, 4});
  const std::vector<std::int64_t> visible = {1, 1, 1, 1, 0, 1, 1, 1};
  std::copy(visible.begin(), visible.end(), values["mask"].data<std::int64_t>());
  execute(graph, Numerics::kBf16, values);
  const auto floats = [&](const char* name, std::int64_t count) {
    const float* first = values.at(name).data<float>();
    return std::vector<float>(first, first + count);
  };
  CHECK(floats("p.largest", 4) == std::vector<float>{5, three, kLowest, -1});
  const std::vector<float> inverse = floats("p.inverse_sum", 4);
  CHECK(inverse[0] == 1);
  CHECK(inverse[1] == Approx(1 / (2.0 / 3 + 1)));
  CHECK(inverse[2] == 0.25f);  // nothing is left: uniform
  CHECK(inverse[3] == 1);
  CHECK(floats("again", 4) == std::vector<float>{1, 0, 0, 0});
  CHECK(floats("again", 8)[4] == Approx(0.4));
  CHECK(floats("again", 8)[5] == Approx(0.6));
  CHECK(values.at("again").bytes == values.at("p").bytes);
}
