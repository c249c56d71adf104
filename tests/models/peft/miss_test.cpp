#include "models/peft/miss.h"

#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "models/graph/account.h"
#include "models/graph/differentiate.h"
#include "models/peft/ia3.h"
#include "models/reference/bit_exact.h"
#include "tests/models/peft/adapted_models.h"
#include "tests/models/tensors.h"

using namespace corank;
using Catch::Matchers::Equals;

namespace {

using Floats = std::vector<float>;

MissPlan every_linear(const Transformer& model, int rank, double dropout) {
  MissPlan plan{{}, rank, dropout, 5};
  for (const Module& module : model.modules)
    if (module.kind == ModuleKind::kLinear) plan.modules.push_back(module.name);
  return plan;
}

/// One token of `in` features, one output, W = 0, bias = 1, dy = 2.
TensorMap step(Transformer& model, const Floats& x, const Floats& block) {
  test::add_backward(model);
  const auto in = static_cast<std::int64_t>(x.size());
  TensorMap values;
  values["x"] = test::bf16({1, in}, x);
  values["m.weight"] = test::bf16({1, in}, Floats(x.size(), 0));
  values["m.bias"] = test::bf16({1}, {1});
  values["m.miss_block"] = test::f32({static_cast<std::int64_t>(block.size()), 1}, block);
  values["dy"] = test::bf16({1, 1}, {2});
  run_bit_exact(model.graph, values);
  return values;
}

}  // namespace

TEST_CASE("MiSS multiplies the sums of every r-th feature") {
  Transformer model = test::one_linear(1, 6, 1);
  apply_miss(model, {{"m"}, 2, 0, 0});
  TensorMap values = step(model, {1, 2, 3, 4, 5, 6}, {1, 10});
  CHECK(test::floats(values["m.fold"]) == Floats{1 + 3 + 5, 2 + 4 + 6});
  CHECK(test::floats(values["y"]) == Floats{9 + 120 + 1});
  CHECK(test::floats(values["m.miss_block_grad"]) == Floats{18, 24});
  CHECK(test::floats(values["dx"]) == Floats{2, 20, 2, 20, 2, 20});
}

TEST_CASE("Of a rank that does not divide the features the last block has zeros") {
  Transformer model = test::one_linear(1, 5, 1);
  apply_miss(model, {{"m"}, 3, 0, 0});
  TensorMap values = step(model, {1, 2, 3, 4, 5}, {1, 10, 20});
  CHECK(test::floats(values["m.fold"]) == Floats{1 + 4, 2 + 5, 3});
  CHECK(test::floats(values["y"]) == Floats{5 + 70 + 60 + 1});
  CHECK(test::floats(values["dx"]) == Floats{2, 20, 40, 2, 20});
}

TEST_CASE("Of a rank of all features MiSS trains a whole matrix") {
  Transformer model = test::one_linear(1, 2, 1);
  apply_miss(model, {{"m"}, 2, 0, 0});
  TensorMap values = step(model, {3, 4}, {1, 10});
  CHECK(test::floats(values["y"]) == Floats{44});
  CHECK(test::floats(values["m.miss_block_grad"]) == Floats{6, 8});
}

TEST_CASE("MiSS's blocks in whole models have derivatives that are central differences") {
  std::mt19937_64 generator(81);
  for (const double dropout : {0.0, 0.25}) {
    for (const int rank : {4, 5}) {
      for (Transformer model : {test::random_llama(generator), test::random_bert(generator)}) {
        const MissPlan plan = every_linear(model, rank, dropout);
        apply_miss(model, plan);
        test::check_derivatives(model, plan.modules.size(), generator);
      }
    }
  }
}

TEST_CASE("MiSS has half of a LoRA's products, and keeps the folded input alone") {
  Transformer model = test::one_linear(8, 6, 5);
  apply_miss(model, {{"m"}, 2, 0, 0});
  const std::size_t forward_ops = model.graph.ops.size();
  const ValueId dy = add_value(model.graph, {"dy", {8, 5}, DType::BF16, Role::kInput});
  differentiate(model.graph, {{{model.modules[0].out, dy}}, {}, {}});
  const StepAccount account = account_of(model.graph, forward_ops, 2);
  CHECK(account.adapter_stash_bytes == 8 * 2 * 2);
  CHECK(account.trainable_elements == 2 * 5);
  CHECK(account.total_macs == 8 * (6 * 5 + 2 * 5) + 8 * 2 * 5);  // W, D; dD
}

TEST_CASE("MiSS refuses what is no linear, stands there twice, or has another rank") {
  Transformer model = test::one_linear(1, 2, 1);
  CHECK_THROWS_WITH(apply_miss(model, {{"norm"}, 1, 0, 0}),
                    Equals("MiSS: norm is no linear, which an adapter needs"));
  CHECK_THROWS_WITH(apply_miss(model, {{"m"}, 3, 0, 0}),
                    Equals("MiSS: expected a rank from 1 to the 2 features that m reads, found 3"));
  CHECK_THROWS_WITH(apply_miss(model, {{"m", "m"}, 1, 0, 0}),
                    Equals("m is listed twice as an adapter's module"));
}
