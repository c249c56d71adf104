#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "host/compiler/schedule.h"
#include "models/program/linear_layers.h"

using namespace corank;

namespace {

LinearLayer layer() {
  LinearLayer step;
  step.tokens = 64;
  step.in = 32;
  step.out = 48;
  step.lora = {8, 4, false};
  return step;
}

std::string name_of_op(const Graph& graph, int op) {
  return result_name(graph, graph.ops[static_cast<std::size_t>(op)]);
}

// "u(lora_B.bf16) u+y ...": each stage's op, before it what is fused with it, and in brackets what
// is overlapped with it.
std::string text_of(const Graph& graph, const std::vector<Stage>& stages) {
  std::string text;
  for (const Stage& stage : stages) {
    text += text.empty() ? "" : " ";
    if (stage.fused >= 0) text += name_of_op(graph, stage.fused) + "+";
    text += name_of_op(graph, stage.op);
    std::string overlapped;
    for (const int op : stage.overlapped)
      overlapped += (overlapped.empty() ? "" : ",") + name_of_op(graph, op);
    if (!overlapped.empty()) text += "(" + overlapped + ")";
  }
  return text;
}

// Every product takes 1000 cycles, every element-wise op `vector_cycles`.
std::string scheduled(const Graph& graph, std::int64_t vector_cycles, bool may_overlap = true) {
  return text_of(graph, schedule(graph, DefUse(graph), {}, [&](int op) {
                   OpCost cost;
                   if (std::holds_alternative<Contraction>(graph.ops[static_cast<std::size_t>(op)]))
                     cost.array_cycles = 1000;
                   else
                     cost = {0, vector_cycles, may_overlap};
                   return cost;
                 }));
}

}  // namespace

TEST_CASE(
    "copies are overlapped with the product before the one that reads them, updates with the next "
    "one",
    "[schedule]") {
  CHECK(scheduled(linear_layers({layer()}).graph, 100) ==
        "lora_A.bf16 u(lora_B.bf16) y lora_B_grad du(lora_B.new) lora_A_grad dx(lora_A.new)");
}

TEST_CASE("at most half of a product's time is filled with overlapped work", "[schedule]") {
  CHECK(scheduled(linear_layers({layer()}).graph, 500) ==
        "lora_A.bf16 u(lora_B.bf16) y lora_B_grad du(lora_B.new) lora_A_grad dx(lora_A.new)");
  CHECK(scheduled(linear_layers({layer()}).graph, 501) ==
        "lora_A.bf16 u lora_B.bf16 y lora_B_grad du lora_A_grad dx lora_A.new lora_B.new");
}

TEST_CASE(
    "gradients of parameters may be overlapped with the input gradient, their updates behind them",
    "[schedule]") {
  const Graph graph = linear_layers({layer()}).graph;
  const auto narrow = [&](int op) {
    const auto* product = std::get_if<Contraction>(&graph.ops[static_cast<std::size_t>(op)]);
    return product != nullptr && product->terms.size() == 1;
  };
  const auto cost = [&](int op) {
    const bool product =
        std::holds_alternative<Contraction>(graph.ops[static_cast<std::size_t>(op)]);
    return OpCost{!product     ? 0
                  : narrow(op) ? 100
                               : 1000,
                  product ? 0 : 100, !product || narrow(op)};
  };
  // Copies come before the first product that needs them, where the narrow one has no time to
  // spare.
  CHECK(text_of(graph, schedule(graph, DefUse(graph), {}, cost)) ==
        "lora_A.bf16 u lora_B.bf16 y du dx(lora_B_grad,lora_A_grad,lora_A.new,lora_B.new)");
}

TEST_CASE(
    "a product is fused with the next one that has the same moving operand and needs its result",
    "[schedule]") {
  // The gradients read dy and x too, but no product reads them: they are not fused, and where they
  // are in between, nothing else does.
  const Graph graph = linear_layers({layer(), layer()}).graph;
  for (const bool gradients_overlap : {false, true}) {
    const auto cost = [&](int op) {
      const auto* product = std::get_if<Contraction>(&graph.ops[static_cast<std::size_t>(op)]);
      const bool gradient =
          product != nullptr && product->terms.front().kind.pass == Pass::kWeightGradient;
      return OpCost{product != nullptr ? (gradient ? 100 : 1000) : 0, 0,
                    gradient && gradients_overlap, product != nullptr};
    };
    const std::string forward =
        "0.lora_A.bf16 0.lora_B.bf16 0.u+0.y 1.lora_A.bf16 1.lora_B.bf16 1.u+1.y ";
    const std::string backward =
        gradients_overlap
            ? "1.du+1.dx(1.lora_B_grad,1.lora_A_grad) 0.du+0.dx(0.lora_B_grad,0.lora_A_grad) "
            : "1.lora_B_grad 1.du 1.lora_A_grad 1.dx 0.lora_B_grad 0.du 0.lora_A_grad 0.dx ";
    CHECK(text_of(graph, schedule(graph, DefUse(graph), {}, cost)) ==
          forward + backward + "1.lora_A.new 1.lora_B.new 0.lora_A.new 0.lora_B.new");
  }
}

TEST_CASE("what cannot be overlapped with a product runs alone, before its reader or at the end",
          "[schedule]") {
  CHECK(scheduled(linear_layers({layer()}).graph, 100, false) ==
        "lora_A.bf16 u lora_B.bf16 y lora_B_grad du lora_A_grad dx lora_A.new lora_B.new");
}

TEST_CASE(
    "the layers of a step go forward in order, backward in reverse, each with its own gradients",
    "[schedule]") {
  CHECK(scheduled(linear_layers({layer(), layer()}).graph, 100) ==
        "0.lora_A.bf16 0.u(0.lora_B.bf16) 0.y(1.lora_A.bf16) 1.u(1.lora_B.bf16) 1.y "
        "1.lora_B_grad 1.du(1.lora_B.new) 1.lora_A_grad 1.dx(1.lora_A.new) "
        "0.lora_B_grad 0.du(0.lora_B.new) 0.lora_A_grad 0.dx(0.lora_A.new)");
}

TEST_CASE("every op is carried out once, after everything that it reads", "[schedule]") {
  const Graph graph = linear_layers({layer(), layer(), layer()}).graph;
  for (const std::int64_t cycles : {1, 300, 2000}) {
    const std::vector<Stage> stages = schedule(graph, DefUse(graph), {}, [&](int op) {
      return OpCost{op % 3 * 700, cycles, op % 2 == 0};
    });
    std::vector<int> stage_of(graph.ops.size(), -1);
    for (std::size_t i = 0; i < stages.size(); ++i) {
      std::vector<int> ops = stages[i].overlapped;
      ops.push_back(stages[i].op);
      for (const int op : ops) {
        CHECK(stage_of[static_cast<std::size_t>(op)] == -1);
        stage_of[static_cast<std::size_t>(op)] = static_cast<int>(i);
      }
    }
    for (std::size_t reader = 0; reader < graph.ops.size(); ++reader) {
      REQUIRE(stage_of[reader] >= 0);
      for (std::size_t writer = 0; writer < graph.ops.size(); ++writer) {
        for (const ValueId id : results_of(graph.ops[writer])) {
          const std::vector<ValueId> operands = operands_of(graph.ops[reader]);
          if (std::find(operands.begin(), operands.end(), id) != operands.end())
            CHECK(stage_of[writer] < stage_of[reader]);
        }
      }
    }
  }
}

TEST_CASE(
    "element-wise ops that need each other come in their order before the product that reads them",
    "[schedule]") {
  Graph graph;
  const ValueId scores = add_value(graph, {"scores", {1, 4, 6}, DType::F32, Role::kInput});
  const ValueId keys = add_value(graph, {"keys", {1, 6, 8}, DType::BF16, Role::kInput});
  const ValueId first = add_softmax(graph, "first", scores, std::nullopt, false);
  const ValueId second = add_convert(graph, "second", first);
  const ValueId third = add_scale(graph, "third", second, 2, DType::BF16);
  const auto context = [&](const char* name, ValueId left) {
    return add_contraction(graph, name, {{left, false, keys, false, {}}}, 1.0f, {}, DType::BF16,
                           Role::kIntermediate);
  };
  const ValueId product = context("product", third);
  add_scale(graph, "result", product, 2, DType::BF16);
  CHECK(scheduled(graph, 100) == "first second third product result");
}

TEST_CASE("a gradient that is made of an input gradient's result stays behind it", "[schedule]") {
  Graph graph;
  const ValueId dy = add_value(graph, {"dy", {4, 6}, DType::BF16, Role::kInput});
  const ValueId w = add_value(graph, {"w", {6, 8}, DType::BF16, Role::kInput});
  const ValueId dx =
      add_contraction(graph, "dx", {{dy, false, w, false, {Part::kFrozen, Pass::kInputGradient}}},
                      1.0f, {}, DType::BF16, Role::kIntermediate);
  const ValueId twice = add_scale(graph, "twice", dx, 2, DType::BF16);
  add_contraction(graph, "gradient",
                  {{dy, true, twice, false, {Part::kFrozen, Pass::kWeightGradient}}}, 1.0f, {},
                  DType::F32, Role::kResult);
  CHECK(scheduled(graph, 100, false) == "dx twice gradient");
}

TEST_CASE("what an overlapped product needs comes before all its readers", "[schedule]") {
  Graph graph;
  const ValueId x = add_value(graph, {"x", {4, 4}, DType::BF16, Role::kInput});
  const ValueId scaled = add_scale(graph, "scaled", x, 2, DType::BF16);
  const auto add = [&](const char* name) {
    add_contraction(graph, name, {{scaled, false, x, false, {}}}, 1.0f, {}, DType::F32,
                    Role::kResult);
  };
  add("narrow");
  add("wide");
  const auto cost = [&](int op) {
    const bool product =
        std::holds_alternative<Contraction>(graph.ops[static_cast<std::size_t>(op)]);
    return OpCost{product ? 1000 : 0, 0, product && name_of_op(graph, op) == "narrow"};
  };
  CHECK(text_of(graph, schedule(graph, DefUse(graph), {}, cost)) == "scaled wide narrow");
}

TEST_CASE("a state is overwritten when all others have read it", "[schedule]") {
  Graph graph;
  const ValueId x = add_value(graph, {"x", {4, 4}, DType::BF16, Role::kInput});
  const ValueId state = add_value(graph, {"state", {4, 4}, DType::F32, Role::kState});
  const ValueId next = add_scale(graph, "next", state, 0.5f, DType::F32);
  const auto product = [&](const char* name, ValueId left) {
    return add_contraction(graph, name, {{left, false, x, false, {}}}, 1.0f, {}, DType::BF16,
                           Role::kResult);
  };
  const ValueId first = product("first", x);
  product("second", add_multiply(graph, "used", first, state));
  const auto cost = [&](int op) {
    const bool is_product =
        std::holds_alternative<Contraction>(graph.ops[static_cast<std::size_t>(op)]);
    return OpCost{is_product ? 1000 : 0, is_product ? 0 : 100, !is_product};
  };
  CHECK(text_of(graph, schedule(graph, DefUse(graph), {}, cost)) == "first(next) used second");
  CHECK(text_of(graph, schedule(graph, DefUse(graph), {{state, next}}, cost)) ==
        "first used second(next)");
}

TEST_CASE("what is recomputed stays behind the input gradient that it comes after", "[schedule]") {
  // A value of the forward pass is scaled again for the backward pass: nothing but the order of the
  // graph keeps that from following the product that computes it, or from its overlap.
  Graph graph;
  const ValueId x = add_value(graph, {"x", {4, 4}, DType::BF16, Role::kInput});
  const auto product = [&](const char* name, ValueId left, Pass pass) {
    return add_contraction(graph, name, {{left, false, x, false, {Part::kFrozen, pass}}}, 1.0f, {},
                           DType::BF16, Role::kIntermediate);
  };
  const ValueId y = product("y", x, Pass::kForward);
  const ValueId z = product("z", y, Pass::kForward);
  const ValueId dz = product("dz", z, Pass::kInputGradient);
  const ValueId again = add_scale(graph, "again", y, 2, DType::BF16);
  const ValueId dy = product("dy", dz, Pass::kInputGradient);
  add_multiply(graph, "slope", dy, again);
  const auto cost = [&](int op) {
    const bool is_product =
        std::holds_alternative<Contraction>(graph.ops[static_cast<std::size_t>(op)]);
    return OpCost{is_product ? 1000 : 0, is_product ? 0 : 100, !is_product, false, !is_product};
  };
  const auto place_of_again = [&] {
    const std::vector<Stage> stages = schedule(graph, DefUse(graph), {}, cost);
    const auto stage = std::find_if(stages.begin(), stages.end(), [&](const Stage& one) {
      const std::vector<int> ops = one.ops();
      return std::any_of(ops.begin(), ops.end(),
                         [&](int op) { return name_of_op(graph, op) == "again"; });
    });
    return name_of_op(graph, stage->op);
  };
  CHECK(anchors_of(graph) == std::vector<int>{-1, -1, -1, -1, -1, -1});
  CHECK(place_of_again() == "y");
  graph.value(again).origin.kind = kRecomputed;
  CHECK(anchors_of(graph) == std::vector<int>{-1, -1, -1, 2, -1, -1});
  CHECK(place_of_again() == "dy");
}
