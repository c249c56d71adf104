#include "models/graph/layer_step.h"

#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "models/base/numerics.h"
#include "models/reference/bit_exact.h"
#include "tests/models/tensors.h"

using namespace corank;

namespace {

std::vector<std::uint32_t> bits_of_constants(const AdamWConstants& constants) {
  return {bits_of(constants.decay),
          bits_of(constants.one_minus_beta1),
          bits_of(constants.beta2),
          bits_of(constants.one_minus_beta2),
          bits_of(constants.root_bias_correction2),
          bits_of(constants.epsilon),
          bits_of(constants.negative_step_size)};
}

}  // namespace

TEST_CASE("AdamW's constants are computed in double and rounded once") {
  // Literals from double arithmetic and an exact rounding by rational numbers, outside this
  // program.
  CHECK(bits_of_constants(constants_of(AdamWOptions{}, 1)) ==
        std::vector<std::uint32_t>{0x3F7FFF58, 0x3DCCCCCD, 0x3F7FBE77, 0x3A83126F, 0x3D0186E2,
                                   0x322BCC77, 0xBC23D70A});
  CHECK(bits_of_constants(constants_of(AdamWOptions{}, 10)) ==
        std::vector<std::uint32_t>{0x3F7FFF58, 0x3DCCCCCD, 0x3F7FBE77, 0x3A83126F, 0x3DCC5704,
                                   0x322BCC77, 0xBAC93D76});
  CHECK(bits_of_constants(constants_of(AdamWOptions{2e-4, 0.9, 0.95, 1e-6, 0.0}, 3)) ==
        std::vector<std::uint32_t>{0x3F800000, 0x3DCCCCCD, 0x3F733333, 0x3D4CCCCD, 0x3EC15C4B,
                                   0x358637BD, 0xBA4176D6});
}

TEST_CASE("AdamW refuses what torch refuses") {
  CHECK_THROWS_WITH(constants_of(AdamWOptions{1e-3, 1.0, 0.999, 1e-8, 0.01}, 1),
                    "AdamW: expected beta1 from 0 to below 1, found 1");
  CHECK_THROWS_AS(constants_of(AdamWOptions{-1e-3, 0.9, 0.999, 1e-8, 0.01}, 1), InputError);
  CHECK_THROWS_AS(constants_of(AdamWOptions{1e-3, 0.9, -0.1, 1e-8, 0.01}, 1), InputError);
  CHECK_THROWS_AS(constants_of(AdamWOptions{1e-3, 0.9, 0.999, -1e-8, 0.01}, 1), InputError);
  CHECK_THROWS_AS(constants_of(AdamWOptions{1e-3, 0.9, 0.999, 1e-8, -0.01}, 1), InputError);
  CHECK_THROWS_AS(constants_of(AdamWOptions{}, 0), InputError);
}

TEST_CASE("a layer step has the documented inputs and results") {
  LayerStep step;
  step.tokens = 6;
  step.in = 5;
  step.out = 4;
  step.has_bias = true;
  step.lora = {8, 2, false};
  const Graph graph = build_layer_step(step);
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
  CHECK(graph.values.size() == 24);
  CHECK(graph.ops.size() == 10);  // 2 conversions, u, y, 4 gradients, 2 updates
  step.has_bias = false;
  CHECK_FALSE(find_value(build_layer_step(step), "bias").has_value());
}

TEST_CASE("a layer step worked out by hand") {
  LayerStep step;
  step.tokens = 2;
  step.in = 2;
  step.out = 2;
  step.has_bias = true;
  step.lora = {0.5, 1, false};
  step.adamw.lr = 0.5;
  step.adamw.beta1 = 0.5;
  step.adamw.beta2 = 0.75;
  step.adamw.eps = 0;
  step.adamw.weight_decay = 0.5;
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
  run_bit_exact(build_layer_step(step), values);
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
