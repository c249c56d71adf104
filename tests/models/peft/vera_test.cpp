#include "models/peft/vera.h"

#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "models/graph/account.h"
#include "models/graph/differentiate.h"
#include "models/reference/bit_exact.h"
#include "tests/models/peft/adapted_models.h"
#include "tests/models/tensors.h"

using namespace corank;
using Catch::Matchers::Equals;

namespace {

using Floats = std::vector<float>;

VeraPlan every_linear(const Transformer& model, int rank, double dropout) {
  VeraPlan plan{{}, rank, dropout, 5};
  for (const Module& module : model.modules)
    if (module.kind == ModuleKind::kLinear) plan.modules.push_back(module.name);
  return plan;
}

}  // namespace

TEST_CASE("VeRA scales what frozen matrices make of x, twice") {
  Transformer model = test::one_linear(2, 2, 1);
  apply_vera(model, {{"m"}, 2, 0, 0});
  test::add_backward(model);
  TensorMap values;
  values["x"] = test::bf16({2, 2}, {1, 2, 3, -1});
  values["m.weight"] = test::bf16({1, 2}, {1, 1});
  values["m.bias"] = test::bf16({1}, {0.5f});
  values["vera_A"] = test::bf16({2, 2}, {1, 0, 1, 1});
  values["vera_B"] = test::bf16({1, 2}, {2, -1});
  values["m.vera_lambda_d"] = test::f32({2}, {3, 2});
  values["m.vera_lambda_b"] = test::f32({1}, {4});
  values["dy"] = test::bf16({2, 1}, {1, 2});
  run_bit_exact(model.graph, values);
  CHECK(test::floats(values["m.u"]) == Floats{1, 3, 3, 2});
  CHECK(test::floats(values["m.v"]) == Floats{3, 6, 9, 4});
  CHECK(test::floats(values["m.p"]) == Floats{0, 14});
  CHECK(test::floats(values["y"]) == Floats{3.5f, 2.5f + 56});
  // db = the sum of dy * p; dp = dy * 4 = [4, 8]; dv = dp B = [[8, -4], [16, -8]]
  CHECK(test::floats(values["m.vera_lambda_b_grad"]) == Floats{28});
  CHECK(test::floats(values["m.vera_lambda_d_grad"]) == Floats{8 + 48, -12 - 16});
  // dx = dy W + (dv * d) A, dv * d = [[24, -8], [48, -16]]
  CHECK(test::floats(values["dx"]) == Floats{1 + 16, 1 - 8, 2 + 32, 2 - 16});
}

TEST_CASE("Modules of all sizes share the leading columns of A and rows of B") {
  Transformer model = test::one_linear(1, 1, 2);
  Graph& graph = model.graph;
  const ValueId wide = add_value(graph, {"wide", {1, 3}, DType::BF16, Role::kInput});
  const ValueId w = add_value(graph, {"n.weight", {1, 3}, DType::BF16, Role::kFrozen});
  const ValueId z = add_contraction(graph, "z", {{wide, false, w, true, {}}}, 1.0f, std::nullopt,
                                    DType::BF16, Role::kResult);
  model.modules.push_back({"n", ModuleKind::kLinear, wide, w, std::nullopt, z});
  apply_vera(model, {{"m", "n"}, 1, 0, 0});
  TensorMap values;
  values["x"] = test::bf16({1, 1}, {1});
  values["wide"] = test::bf16({1, 3}, {1, 1, 1});
  values["m.weight"] = test::bf16({2, 1}, {0, 0});
  values["n.weight"] = test::bf16({1, 3}, {0, 0, 0});
  values["m.bias"] = test::bf16({2}, {0, 0});
  values["vera_A"] = test::bf16({1, 3}, {1, 2, 4});
  values["vera_B"] = test::bf16({2, 1}, {3, 5});
  for (const char* name : {"m", "n"}) {
    values[std::string(name) + ".vera_lambda_d"] = test::f32({1}, {1});
    values[std::string(name) + ".vera_lambda_b"] =
        name[0] == 'm' ? test::f32({2}, {1, 1}) : test::f32({1}, {1});
  }
  run_bit_exact(graph, values);
  CHECK(test::floats(values["y"]) == Floats{3, 5});
  CHECK(test::floats(values["z"]) == Floats{7 * 3});
}

TEST_CASE("VeRA's vectors in whole models have derivatives that are central differences") {
  std::mt19937_64 generator(71);
  for (const double dropout : {0.0, 0.25}) {
    for (Transformer model : {test::random_llama(generator), test::random_bert(generator)}) {
      const VeraPlan plan = every_linear(model, 5, dropout);
      apply_vera(model, plan);
      test::check_derivatives(model, 2 * plan.modules.size(), generator);
    }
  }
}

TEST_CASE("VeRA has no gradients of matrices, and keeps u and p alone") {
  Transformer model = test::one_linear(8, 3, 5);
  apply_vera(model, {{"m"}, 4, 0, 0});
  const std::size_t forward_ops = model.graph.ops.size();
  const ValueId dy = add_value(model.graph, {"dy", {8, 5}, DType::BF16, Role::kInput});
  differentiate(model.graph, {{{model.modules[0].out, dy}}, {}, {}});
  const StepAccount account = account_of(model.graph, forward_ops, 2);
  CHECK(account.adapter_stash_bytes == 8 * (4 + 5) * 2);
  CHECK(account.trainable_elements == 4 + 5);
  // W, A, B forward; dv = dp B.
  CHECK(account.total_macs == 8 * (3 * 5 + 3 * 4 + 4 * 5) + 8 * 5 * 4);
}

TEST_CASE("VeRA refuses what is no linear, stands there twice, or has no rank") {
  Transformer model = test::one_linear(1, 1, 1);
  CHECK_THROWS_WITH(apply_vera(model, {{"norm"}, 1, 0, 0}),
                    Equals("VeRA: norm is no linear, which an adapter needs"));
  CHECK_THROWS_WITH(apply_vera(model, {{"m", "m"}, 1, 0, 0}),
                    Equals("m is listed twice as an adapter's module"));
  CHECK_THROWS_WITH(apply_vera(model, {{"m"}, 0, 0, 0}),
                    Equals("VeRA: expected a rank of at least 1, found 0"));
  CHECK_THROWS_WITH(apply_vera(model, {{"m"}, 1, 1, 0}),
                    Equals("VeRA: expected a dropout from 0 to below 1, found 1"));
}
