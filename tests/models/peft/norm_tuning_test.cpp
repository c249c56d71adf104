#include "models/peft/norm_tuning.h"

#include <catch2/catch.hpp>

#include "models/graph/account.h"
#include "models/graph/differentiate.h"
#include "models/transformer/llama.h"
#include "tests/models/peft/adapted_models.h"

using namespace corank;
using Catch::Matchers::Equals;

namespace {

NormTuningPlan every_norm(const Transformer& model) {
  NormTuningPlan plan;
  for (const Module& module : model.modules)
    if (module.kind == ModuleKind::kNorm) plan.modules.push_back(module.name);
  return plan;
}

}  // namespace

TEST_CASE("the norms of whole models have derivatives that are central differences") {
  std::mt19937_64 generator(41);
  Transformer llama = test::random_llama(generator);
  apply_norm_tuning(llama, every_norm(llama));
  test::check_derivatives(llama, 2 * 2 + 1, generator);
  Transformer bert = test::random_bert(generator);
  apply_norm_tuning(bert, every_norm(bert));
  test::check_derivatives(bert, 2 * (2 * 2 + 1), generator);  // weights and biases
}

TEST_CASE("LayerNorm tuning stashes no more than what the norms' derivatives read") {
  LlamaShape shape;
  shape.vocabulary = 11;
  shape.hidden = 12;
  shape.intermediate = 20;
  shape.layers = 1;
  shape.heads = shape.kv_heads = 2;
  shape.head_dim = 6;
  constexpr std::int64_t kTokens = 2 * 5, kScores = 2 * 2 * 5 * 5;
  Transformer model = build_llama(shape, 2, 5);
  apply_norm_tuning(model, every_norm(model));
  const std::size_t forward_ops = model.graph.ops.size();
  differentiate(model.graph, {{}, {}, model.loss});
  const StepAccount account = account_of(model.graph, forward_ops, 2);
  CHECK(account.trainable_elements == 3 * 12);
  // Input and 1 / rms of each row: of the lowest norm, below which nothing is trained, for its
  // weight alone.
  constexpr std::int64_t kOfNorm = kTokens * 12 * 2 + kTokens * 4;
  CHECK(account.adapter_stash_bytes == kOfNorm);
  // q, k and v; P, F32; gate and up.
  CHECK(account.nonlinear_stash_bytes ==
        2 * kOfNorm + 3 * kTokens * 12 * 2 + kScores * 4 + 2 * kTokens * 20 * 2);
}

TEST_CASE("LayerNorm tuning refuses what is no normalisation, or stands there twice") {
  Transformer model = test::one_linear(1, 1, 1);
  CHECK_THROWS_WITH(apply_norm_tuning(model, {{"n"}}), Equals("the model has no module n"));
  CHECK_THROWS_WITH(apply_norm_tuning(model, {{"m"}}),
                    Equals("LayerNorm tuning: m is no normalisation, which it trains"));
  CHECK_THROWS_WITH(apply_norm_tuning(model, {{"norm", "norm"}}),
                    Equals("norm is listed twice as an adapter's module"));
}
