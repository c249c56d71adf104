#include "models/program/training_program.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <string>

#include "models/program/linear_layers.h"
#include "models/reference/bit_exact.h"
#include "models/reference/reference_executor.h"
#include "tests/models/tensors.h"

using namespace corank;

namespace {

using Floats = std::vector<float>;

LinearLayer small_layer() {
  LinearLayer layer;
  layer.tokens = 2;
  layer.in = 2;
  layer.out = 2;
  layer.lora = {1, 1, false};
  return layer;
}

OptimizerSettings plain_sgd(double lr) {
  OptimizerSettings optimizer;
  optimizer.kind = OptimizerKind::kSgd;
  optimizer.sgd.lr = lr;
  return optimizer;
}

/// What the layer is given once: A = (1 -1), B = (2 1)^T.
TensorMap given() {
  return {{"weight", test::bf16({2, 2}, {1, 0, -1, 1})},
          {"lora_A", test::f32({1, 2}, {1, -1})},
          {"lora_B", test::f32({2, 1}, {2, 1})}};
}

/// Every value of the first step with x = (1 0; 0 0) and dy = (1 0; 0 0).
TensorMap first_step(const TrainingProgram& program) {
  TensorMap values = given();
  values["x"] = test::bf16({2, 2}, {1, 0, 0, 0});
  values["dy"] = test::bf16({2, 2}, {1, 0, 0, 0});
  values = inputs_of(program, std::move(values));
  run_bit_exact(program.graph, values);
  return values;
}

}  // namespace

TEST_CASE("the gradients of micro-batches are summed up by their shares, and one update follows") {
  OptimizerSettings optimizer = plain_sgd(1);
  optimizer.accumulate = 2;
  const TrainingProgram program = linear_layers({small_layer()}, optimizer);
  TensorMap values = given();
  // dA = (dy B)^T x: of the first (1 0; 0 0) and dy (1 1; 0 0), 3 * (1 0); of the second, with x
  // twice and dy once as large, 3 * (2 0).
  values["x@0"] = test::bf16({2, 2}, {1, 0, 0, 0});
  values["x@1"] = test::bf16({2, 2}, {2, 0, 0, 0});
  for (const char* dy : {"dy@0", "dy@1"}) values[dy] = test::bf16({2, 2}, {1, 1, 0, 0});
  values["share@0"] = test::f32({1}, {0.25f});
  values["share@1"] = test::f32({1}, {0.75f});
  for (auto& feed : optimizer_feeds(program, 0)) values.insert(std::move(feed));
  run_bit_exact(program.graph, values);
  CHECK(test::floats(values["lora_A_grad"]) == Floats{0.25f * 3 + 0.75f * 6, 0});
  CHECK(test::floats(values["lora_A.new"]) == Floats{1 - 5.25f, -1});
  // The copies of the masters are the same for both, so they are made once.
  CHECK(values.count("lora_A.bf16") == 1);
  CHECK(find_value(program.graph, "y@1").has_value());
}

TEST_CASE("gradients are clipped together, by the norm of all of them") {
  OptimizerSettings optimizer = plain_sgd(1);
  optimizer.clip_norm = 1;
  const TrainingProgram program = linear_layers({small_layer()}, optimizer);
  const TensorMap values = first_step(program);
  // dA = (2 0), dB = dy^T (x A^T) = (1 0)^T: the norm is the root of 5.
  const float factor = 1.0f / (std::sqrt(5.0f) + 1e-6f);
  CHECK(test::floats(values.at("lora_A_grad")) == Floats{2, 0});
  CHECK(test::floats(values.at("lora_A.new")) == Floats{1 - 2 * factor, -1});
  CHECK(test::floats(values.at("lora_B.new")) == Floats{2 - factor, 1});
}

TEST_CASE("the norm sums up columns of narrow gradients of products, and rows of others") {
  OptimizerSettings optimizer = plain_sgd(1);
  optimizer.clip_norm = 1;
  optimizer.accumulate = 2;
  LinearLayer layer = small_layer();
  layer.out = 3;
  const TrainingProgram program = linear_layers({layer}, optimizer);
  std::map<std::string, bool> by_columns;
  for (const Op& op : program.graph.ops) {
    if (const auto* sums = std::get_if<SquareSums>(&op))
      by_columns[program.graph.value(sums->in).name] = sums->by_columns;
  }
  CHECK(by_columns == std::map<std::string, bool>{{"lora_A_grad", false}, {"lora_B_grad", true}});
}

TEST_CASE("clipping leaves gradients alone that are small enough") {
  OptimizerSettings optimizer = plain_sgd(1);
  optimizer.clip_norm = 100;
  const TrainingProgram program = linear_layers({small_layer()}, optimizer);
  const TensorMap values = first_step(program);
  CHECK(test::floats(values.at("lora_A.new")) == Floats{-1, -1});
}

TEST_CASE("the reference goes on from step to step with the states that the last one left") {
  OptimizerSettings optimizer = plain_sgd(0.5);
  optimizer.sgd.momentum = 0.5;
  const TrainingProgram program = linear_layers({small_layer()}, optimizer);
  REQUIRE(program.states.size() == 4);  // two masters, two momentum buffers
  TensorMap values = given();
  for (auto& moment : initial_moments(program)) values.insert(std::move(moment));
  ReferenceExecutor reference(program, Numerics::kBf16);
  reference.load(values);
  // With x = 0 for B, dB stays 0, and dA = (dy B)^T x = 2 x of the first row.
  const TensorMap batch = {{"x", test::bf16({2, 2}, {1, 1, 0, 0})},
                           {"dy", test::bf16({2, 2}, {1, 0, 0, 0})}};
  const auto step = [&](std::int64_t index) {
    TensorMap feeds = optimizer_feeds(program, index);
    feeds.insert(batch.begin(), batch.end());
    return reference.step(feeds, {"lora_A_grad"}).results;
  };
  // Row 0: x A^T = 0 as long as A = (a, -a): both elements of dA are equal, so u = x A^T moves.
  CHECK(test::floats(step(0).at("lora_A_grad")) == Floats{2, 2});
  // b = g, A = (1 -1) - b / 2; dB = dy^T u = 0.
  CHECK(test::floats(reference.read({"lora_A"}).at("lora_A")) == Floats{0, -2});
  CHECK(test::floats(reference.read({"lora_A.momentum_buffer"}).at("lora_A.momentum_buffer")) ==
        Floats{2, 2});
  // u = x A^T = -2, dB = (-2 0)^T; b = 2/2 + 2, A = (0 -2) - 3/2.
  CHECK(test::floats(step(1).at("lora_A_grad")) == Floats{2, 2});
  CHECK(test::floats(reference.read({"lora_A"}).at("lora_A")) == Floats{-1.5f, -3.5f});
  CHECK(test::floats(reference.read({"lora_B"}).at("lora_B")) == Floats{3, 1});
  CHECK(test::floats(values.at("lora_A")) == Floats{1, -1});  // stays as it was given
}

TEST_CASE("layers with adapters of different ages are fed constants of their own") {
  LinearLayer young = small_layer(), old = small_layer();
  old.next_update = 5;
  const TrainingProgram program = linear_layers({young, old, young});
  REQUIRE(program.optimizer_feeds.size() == 2);
  const TensorMap feeds = optimizer_feeds(program, 3);
  CHECK(test::bits(feeds.at("adamw")) == test::bits(optimizer_constants(program.optimizer, 3, 4)));
  CHECK(test::bits(feeds.at("adamw.5")) ==
        test::bits(optimizer_constants(program.optimizer, 3, 8)));
}

TEST_CASE("every op says which layer it comes from, and in which pass") {
  const TrainingProgram program = linear_layers({small_layer(), small_layer()});
  for (const Op& op : program.graph.ops) {
    const std::string& name = result_name(program.graph, op);
    INFO(name);
    CHECK(origin_of(program.graph, op).group == (name[0] == '0' ? 0 : 1));
  }
  const auto kind_of = [&](const char* name) {
    return to_string(program.graph.value(*find_value(program.graph, name)).origin.kind);
  };
  CHECK(kind_of("1.y") == "frozen forward");
  CHECK(kind_of("1.u") == "adapter down forward");
  CHECK(kind_of("1.dx") == "frozen input gradient");
  CHECK(kind_of("1.lora_B_grad") == "adapter up weight gradient");
  CHECK(kind_of("1.lora_B.new") == "adapter up update");
}
