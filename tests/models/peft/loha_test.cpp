#include "models/peft/loha.h"

#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "models/graph/account.h"
#include "models/graph/differentiate.h"
#include "models/reference/bit_exact.h"
#include "tests/models/peft/adapted_models.h"
#include "tests/models/tensors.h"

using namespace corank;
using Catch::Matchers::Equals;

TEST_CASE("LoHa's change of a weight is the product of two low-rank ones, element by element") {
  using Floats = std::vector<float>;
  Transformer model = test::one_linear(1, 2, 2);
  apply_loha(model, {{{"m", {2, 1, false}}}});
  test::add_backward(model);
  TensorMap values;
  values["x"] = test::bf16({1, 2}, {1, 2});
  values["m.weight"] = test::bf16({2, 2}, {1, 0, 0, 1});
  values["m.bias"] = test::bf16({2}, {0.5f, -1});
  values["m.hada_w1_a"] = test::f32({2, 1}, {1, 2});
  values["m.hada_w1_b"] = test::f32({1, 2}, {3, 1});
  values["m.hada_w2_a"] = test::f32({2, 1}, {2, -1});
  values["m.hada_w2_b"] = test::f32({1, 2}, {1, 4});
  values["dy"] = test::bf16({1, 2}, {1, 2});
  run_bit_exact(model.graph, values);
  // 2 [[3, 1], [6, 2]] * [[2, 8], [-1, -4]]
  CHECK(test::floats(values["m.weight_change"]) == Floats{12, 16, -12, -16});
  CHECK(test::floats(values["y"]) == Floats{1 + 12 + 32 + 0.5f, 2 - 12 - 32 - 1});
  // dD = dy^T x = [[1, 2], [2, 4]]; d(w1_a w1_b) = 2 dD * [[2, 8], [-1, -4]] = [[4, 32], [-4, -32]]
  CHECK(test::floats(values["m.hada_w1_a_grad"]) == Floats{12 + 32, -12 - 32});
  CHECK(test::floats(values["m.hada_w1_b_grad"]) == Floats{4 - 8, 32 - 64});
  // d(w2_a w2_b) = 2 dD * [[3, 1], [6, 2]] = [[6, 4], [24, 16]]
  CHECK(test::floats(values["m.hada_w2_a_grad"]) == Floats{6 + 16, 24 + 64});
  CHECK(test::floats(values["m.hada_w2_b_grad"]) == Floats{12 - 24, 8 - 16});
}

TEST_CASE("LoHa's factors in whole models have derivatives that are central differences") {
  std::mt19937_64 generator(101);
  for (Transformer model : {test::random_llama(generator), test::random_bert(generator)}) {
    LohaPlan plan;
    for (const Module& module : model.modules)
      if (module.kind == ModuleKind::kLinear) plan.adapters.push_back({module.name, {5, 3, false}});
    apply_loha(model, plan);
    test::check_derivatives(model, 4 * plan.adapters.size(), generator);
  }
}

TEST_CASE("LoHa brings the dense product of a weight's gradient back") {
  Transformer model = test::one_linear(8, 6, 5);
  apply_loha(model, {{{"m", {2, 2, false}}}});
  const std::size_t forward_ops = model.graph.ops.size();
  const ValueId dy = add_value(model.graph, {"dy", {8, 5}, DType::BF16, Role::kInput});
  differentiate(model.graph, {{{model.modules[0].out, dy}}, {}, {}});
  const StepAccount account = account_of(model.graph, forward_ops, 2);
  // x W^T, x D^T and the two low-rank matrices; dy^T x, and two products of each matrix.
  CHECK(account.total_macs == 2 * 8 * 6 * 5 + 2 * 6 * 5 * 2 + 8 * 6 * 5 + 4 * 6 * 5 * 2);
}

TEST_CASE("LoHa refuses what is no linear, stands there twice, or has no rank") {
  Transformer model = test::one_linear(1, 1, 1);
  CHECK_THROWS_WITH(apply_loha(model, {{{"norm", {1, 1, false}}}}),
                    Equals("LoHa: norm is no linear, which an adapter needs"));
  CHECK_THROWS_WITH(apply_loha(model, {{{"m", {1, 1, false}}, {"m", {1, 1, false}}}}),
                    Equals("m is listed twice as an adapter's module"));
  CHECK_THROWS_AS(apply_loha(model, {{{"m", {1, 0, false}}}}), InputError);
}
