#include "models/peft/ia3.h"

#include <catch2/catch.hpp>
#include <functional>

#include "models/base/error.h"
#include "models/graph/account.h"
#include "models/graph/differentiate.h"
#include "models/peft/lora.h"
#include "models/reference/bit_exact.h"
#include "models/reference/execute.h"
#include "tests/models/peft/adapted_models.h"
#include "tests/models/tensors.h"

using namespace corank;
using Catch::Matchers::Equals;

namespace {

using Floats = std::vector<float>;

/// Every linear gets a vector, every second one of its input; all trained vectors are checked.
void check_every_linear(Transformer model, std::mt19937_64& generator) {
  Ia3Plan plan;
  for (const Module& module : model.modules) {
    if (module.kind == ModuleKind::kLinear)
      plan.modules.push_back({module.name, plan.modules.size() % 2 == 1});
  }
  apply_ia3(model, plan);
  test::check_derivatives(model, plan.modules.size(), generator);
}

/// Forward and backward pass of a linear of two features, two tokens, with an l of (2, -3).
TensorMap small_step(bool feedforward) {
  Transformer model = test::one_linear(2, 2, 2);
  apply_ia3(model, {{{"m", feedforward}}});
  test::add_backward(model);
  TensorMap values;
  values["x"] = test::bf16({2, 2}, {1, 2, 3, -1});
  values["m.weight"] = test::bf16({2, 2}, {1, 1, 2, 0});
  values["m.bias"] = test::bf16({2}, {0.5f, -1});
  values["m.ia3_l"] = test::f32({2}, {2, -3});
  values["dy"] = test::bf16({2, 2}, {1, 1, 2, -1});
  run_bit_exact(model.graph, values);
  return values;
}

}  // namespace

TEST_CASE("l scales what a linear computes, its bias as well") {
  TensorMap values = small_step(false);
  // x W^T + bias = [[3.5, 1], [2.5, 5]]
  CHECK(test::floats(values["m.base"]) == Floats{3.5f, 1, 2.5f, 5});
  CHECK(test::floats(values["y"]) == Floats{7, -3, 5, -15});
  // dl = the sum over the tokens of dy * (x W^T + bias)
  CHECK(test::floats(values["m.ia3_l_grad"]) == Floats{3.5f + 5, 1 - 5});
  // dx = (dy * l) W = [[2, -3], [4, 3]] W
  CHECK(test::floats(values["dx"]) == Floats{2 - 6, 2, 4 + 6, 4});
}

TEST_CASE("l of a feed-forward linear scales what it reads, and not its bias") {
  TensorMap values = small_step(true);
  CHECK(test::floats(values["m.scaled"]) == Floats{2, -6, 6, 3});
  CHECK(test::floats(values["y"]) == Floats{-3.5f, 3, 9.5f, 11});
  // dx' = dy W = [[3, 1], [0, 2]]; dl = the sum of dx' * x; dx = dx' * l
  CHECK(test::floats(values["m.ia3_l_grad"]) == Floats{3, 2 - 2});
  CHECK(test::floats(values["dx"]) == Floats{6, -3, 0, -6});
}

TEST_CASE("in bf16 the products are rounded once, and l never") {
  Transformer model = test::one_linear(1, 1, 1);
  apply_ia3(model, {{{"m", false}}});
  test::add_backward(model);
  TensorMap values;
  values["x"] = test::bf16({1, 1}, {1.0078125f});  // 1 + 2^-7
  values["m.weight"] = test::bf16({1, 1}, {1.0078125f});
  values["m.bias"] = test::bf16({1}, {0});
  values["m.ia3_l"] = test::f32({1}, {1.00390625f});  // 1 + 2^-8: 1 if it were rounded
  values["dy"] = test::bf16({1, 1}, {1.0078125f});
  run_bit_exact(model.graph, values);
  // (1 + 2^-7)^2 = 1 + 2^-6 + 2^-14, rounded to 1 + 2^-6
  CHECK(test::floats(values["m.base"]) == Floats{1.015625f});
  // (1 + 2^-6) l = 1 + 2^-6 + 2^-8 + 2^-14 lies above the middle, 1 + 2^-6 + 2^-8
  CHECK(test::floats(values["y"]) == Floats{1.0234375f});
  // dy l = 1 + 2^-7 + 2^-8 + 2^-15 as well; dl is not rounded to BF16
  CHECK(test::floats(values["m.dbase"]) == Floats{1.015625f});
  CHECK(test::floats(values["m.ia3_l_grad"]) == Floats{1.0078125f * 1.015625f});
}

TEST_CASE("the vectors of whole models have derivatives that are central differences") {
  std::mt19937_64 generator(31);
  check_every_linear(test::random_llama(generator), generator);
  check_every_linear(test::random_bert(generator), generator);
}

TEST_CASE("of two methods on one linear the later one is the outer one") {
  using Method = std::function<void(Transformer&)>;
  const Method lora = [](Transformer& model) { apply_lora(model, {{{"m", {2, 1, false}}}, 0, 0}); };
  const Method input = [](Transformer& model) { apply_ia3(model, {{{"m", true}}}); };
  const Method output = [](Transformer& model) { apply_ia3(model, {{{"m", false}}}); };
  // x = 3, W = 5, bias = 1, l = 7; s B A = 2 * 11 * 13 = 286
  const auto y = [](const Method& inner, const Method& outer) {
    Transformer model = test::one_linear(1, 1, 1);
    inner(model);
    outer(model);
    TensorMap values;
    values["x"] = test::bf16({1, 1}, {3});
    values["m.weight"] = test::bf16({1, 1}, {5});
    values["m.bias"] = test::bf16({1}, {1});
    values["m.ia3_l"] = test::f32({1}, {7});
    values["m.lora_A.weight"] = test::f32({1, 1}, {11});
    values["m.lora_B.weight"] = test::f32({1, 1}, {13});
    execute(model.graph, Numerics::kFp32, values);
    return test::floats(values.at("y")).front();
  };
  CHECK(y(lora, output) == 7 * (3 * 5 + 1 + 286 * 3));
  CHECK(y(output, lora) == 7 * (3 * 5 + 1) + 286 * 3);
  CHECK(y(lora, input) == 7 * 3 * 5 + 1 + 286 * 7 * 3);
  CHECK(y(input, lora) == 7 * 3 * 5 + 1 + 286 * 3);
}

TEST_CASE("an account counts the scaled activations as the adapters' stash, and no products") {
  const auto account = [](bool feedforward) {
    Transformer model = test::one_linear(8, 3, 5);
    // x is computed here: what is given is no stash.
    Graph& graph = model.graph;
    const ValueId given = add_value(graph, {"given", {8, 3}, DType::BF16, Role::kInput});
    graph.value(model.modules[0].in).role = Role::kIntermediate;
    GraphRewriter(graph).insert_first([&] {
      graph.ops.push_back(Scale{given, model.modules[0].in, 2.0f});
    });
    apply_ia3(model, {{{"m", feedforward}}});
    const std::size_t forward_ops = graph.ops.size();
    const ValueId dy = add_value(graph, {"dy", {8, 5}, DType::BF16, Role::kInput});
    differentiate(graph, {{{model.modules[0].out, dy}}, {}, {}});
    return account_of(graph, forward_ops, 2);
  };
  CHECK(account(false).adapter_stash_bytes == 8 * 5 * 2);  // x W^T + bias
  CHECK(account(true).adapter_stash_bytes == 8 * 3 * 2);   // x
  for (const bool feedforward : {false, true}) {
    const StepAccount a = account(feedforward);
    CHECK(a.nonlinear_stash_bytes == 0);
    CHECK(a.trainable_elements == (feedforward ? 3 : 5));
    // The linear alone, and its input gradient where l lies below it.
    CHECK(a.total_macs == 8 * 3 * 5 * (feedforward ? 2 : 1));
  }
}

TEST_CASE("(IA)^3 refuses what is not a linear, or stands there twice") {
  Transformer model = test::one_linear(1, 1, 1);
  CHECK_THROWS_WITH(apply_ia3(model, {{{"n", false}}}), Equals("the model has no module n"));
  CHECK_THROWS_WITH(apply_ia3(model, {{{"norm", false}}}),
                    Equals("(IA)^3: norm is no linear, which an adapter needs"));
  CHECK_THROWS_WITH(apply_ia3(model, {{{"m", false}, {"m", true}}}),
                    Equals("m is listed twice as an adapter's module"));
}
