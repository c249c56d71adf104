#include "models/program/linear_layers.h"

#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "models/base/numerics.h"
#include "models/reference/bit_exact.h"
#include "tests/models/tensors.h"

using namespace corank;

TEST_CASE("a layer step has the documented inputs and results") {
  LinearLayer step;
  step.tokens = 6;
  step.in = 5;
  step.out = 4;
  step.has_bias = true;
  step.lora = {8, 2, false};
  const Graph graph = linear_layers({step}).graph;
  const auto check_value = [&](const std::string& name, Role role, DType dtype,
                               const Shape& shape) {
    INFO(name);
    const auto id = find_value(graph, name);
    REQUIRE(id.has_value());
    CHECK(graph.value(*id).role == role);
    CHECK(graph.value(*id).dtype == dtype);
    CHECK(graph.value(*id).shape == shape);
  };
  check_value("x", Role::kInput, DType::BF16, {6, 5});
  check_value("dy", Role::kInput, DType::BF16, {6, 4});
  check_value("weight", Role::kFrozen, DType::BF16, {4, 5});
  check_value("bias", Role::kFrozen, DType::F32, {4});
  check_value("y", Role::kResult, DType::BF16, {6, 4});
  check_value("dx", Role::kResult, DType::BF16, {6, 5});
  check_value("u", Role::kIntermediate, DType::BF16, {6, 2});
  check_value("du", Role::kIntermediate, DType::BF16, {6, 2});
  const std::pair<std::string, Shape> masters[] = {{"lora_A", {2, 5}}, {"lora_B", {4, 2}}};
  for (const auto& [name, shape] : masters) {
    check_value(name, Role::kTrainable, DType::F32, shape);
    check_value(name + ".bf16", Role::kIntermediate, DType::BF16, shape);
    check_value(name + "_grad", Role::kResult, DType::F32, shape);
    check_value(name + ".new", Role::kResult, DType::F32, shape);
    for (const std::string moment : {".exp_avg", ".exp_avg_sq"}) {
      check_value(name + moment, Role::kState, DType::F32, shape);
      check_value(name + moment + ".new", Role::kResult, DType::F32, shape);
    }
  }
  check_value("adamw", Role::kConstants, DType::F32, {7});
  CHECK(graph.values.size() == 25);
  CHECK(graph.ops.size() == 10);  // 2 conversions, u, y, 4 gradients, 2 updates
  step.has_bias = false;
  CHECK_FALSE(find_value(linear_layers({step}).graph, "bias").has_value());
}

TEST_CASE("a layer step worked out by hand") {
  LinearLayer step;
  step.tokens = 2;
  step.in = 2;
  step.out = 2;
  step.has_bias = true;
  step.lora = {0.5, 1, false};
  OptimizerSettings optimizer;
  optimizer.adamw = {0.5, 0.5, 0.75, 0, 0.5};
  const TrainingProgram program = linear_layers({step}, optimizer);
  TensorMap values;
  values["x"] = test::bf16({2, 2}, {1, 2, 3, 4});
  values["weight"] = test::bf16({2, 2}, {1, 0, -1, 1});
  values["bias"] = test::f32({2}, {0.5f, -0.5f});
  values["lora_A"] = test::f32({1, 2}, {1, -1});
  values["lora_B"] = test::f32({2, 1}, {2, 1});
  values["dy"] = test::bf16({2, 2}, {1, 2, -1, 1});
  for (const std::string moment : {".exp_avg", ".exp_avg_sq"}) {
    values["lora_A" + moment] = test::f32({1, 2}, {0, 0});
    values["lora_B" + moment] = test::f32({2, 1}, {1, 1});
  }
  values = inputs_of(program, std::move(values));
  run_bit_exact(program.graph, values);
  using Floats = std::vector<float>;
  // x A^T = (-1, -1); x W^T = (1 1; 3 1); u B^T = (-1 -1/2; -1 -1/2).
  CHECK(test::floats(values["u"]) == Floats{-0.5f, -0.5f});
  CHECK(test::floats(values["y"]) == Floats{0.5f, 0, 2.5f, 0});
  // dy B = (4, -1); dy W = (-1 2; -2 1); du A = (2 -2; -1/2 1/2).
  CHECK(test::floats(values["du"]) == Floats{2, -0.5f});
  CHECK(test::floats(values["dx"]) == Floats{1, 0, -2.5f, 1.5f});
  CHECK(test::floats(values["lora_A_grad"]) == Floats{0.5f, 2});
  CHECK(test::floats(values["lora_B_grad"]) == Floats{0, -1.5f});
  // A: decay 3/4; m = g/2, v = g^2/4, d = (g/2) / (1/2) = g, step size 1: w = 3w/4 - 1/2.
  CHECK(test::floats(values["lora_A.exp_avg.new"]) == Floats{0.25f, 1});
  CHECK(test::floats(values["lora_A.exp_avg_sq.new"]) == Floats{0.0625f, 1});
  CHECK(test::floats(values["lora_A.new"]) == Floats{0.25f, -1.25f});
  // B, from m = v = 1: m = 1 + (g - 1)/2 = (1/2, -1/4), v = 3/4 + g^2/4 = (3/4, 21/16).
  CHECK(test::floats(values["lora_B.exp_avg.new"]) == Floats{0.5f, -0.25f});
  CHECK(test::floats(values["lora_B.exp_avg_sq.new"]) == Floats{0.75f, 1.3125f});
}
