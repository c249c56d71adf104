// The verifier of plans: right ones of many machines, and ones that were made wrong.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "host/compiler/compiler.h"
#include "models/program/linear_layers.h"

using namespace corank;
using Catch::Matchers::Contains;

namespace {

/// softmax -> convert -> product: attention's probabilities on their way to the values.
Graph attention_tail() {
  Graph graph;
  const ValueId scores = add_value(graph, {"scores", {1, 4, 6}, DType::F32, Role::kInput});
  const ValueId values = add_value(graph, {"values", {1, 6, 8}, DType::BF16, Role::kInput});
  const ValueId wide = add_softmax(graph, "probabilities", scores, std::nullopt, false);
  const ValueId narrow = add_convert(graph, "probabilities.bf16", wide);
  add_contraction(graph, "context", {{narrow, false, values, false, {}}}, 1.0f, {}, DType::F32,
                  Role::kResult);
  return graph;
}

/// A plan of stages of one op each, every value in memory of its own; without local buffers.
Plan plan_of(const Graph& graph, const std::vector<int>& ops) {
  Plan plan;
  for (const int op : ops) plan.stages.push_back({op, {}});
  plan.blocks.resize(ops.size());
  plan.buffers.resize(ops.size());
  plan.streamed.assign(graph.values.size(), false);
  plan.local.assign(graph.values.size(), false);
  plan.packed.resize(graph.values.size());
  plan.view_of.assign(graph.values.size(), -1);
  for (const Value& value : graph.values) {
    const std::int64_t columns = value.shape.back();
    TensorLayout layout =
        layout_of(value.dtype, element_count(value.shape) / columns, columns, false);
    layout.address = plan.values_end;
    plan.values_end += layout.bytes();
    plan.layouts.push_back(layout);
  }
  return plan;
}

std::string first_violation(const Plan& plan, const Graph& graph) {
  const auto found = violations(plan, graph, {});
  return found.empty() ? "" : found.front();
}

LinearLayer layer() {
  LinearLayer step;
  step.tokens = 70;
  step.in = 130;
  step.out = 90;
  step.lora = {16, 5, false};
  step.has_bias = true;
  return step;
}

}  // namespace

TEST_CASE("the plan of a step is right, on any machine and memory", "[compiler][plan]") {
  const TrainingProgram program = linear_layers({layer()});
  for (const int array : {2, 8, 32}) {
    for (const double bytes_per_cycle : {1.0, 60.0}) {
      MachineShape machine;
      machine.array_rows = machine.array_columns = machine.vector_lanes = array;
      CompilerConfig limits;
      limits.rehearse = false;
      const CompiledStep step = compile(program, machine, limits, 64 << 20, {}, {bytes_per_cycle});
      CHECK(violations(step.plan, program.graph, machine).empty());
      CHECK(step.plan.stages.size() == step.plan.buffers.size());
    }
  }
}

TEST_CASE("a convert before the softmax that computes its operand is refused", "[compiler][plan]") {
  const Graph graph = attention_tail();
  CHECK(first_violation(plan_of(graph, {0, 1, 2}), graph) == "");
  CHECK(first_violation(plan_of(graph, {1, 0, 2}), graph) ==
        "stage 0: probabilities.bf16 reads probabilities before it is computed");
}

TEST_CASE("what is overlapped with a product must not need its result nor give an operand of it",
          "[compiler][plan]") {
  const Graph graph = attention_tail();
  Plan plan = plan_of(graph, {0});
  plan.stages.push_back({2, {1}});
  plan.blocks.resize(2);
  plan.buffers.resize(2);
  CHECK(first_violation(plan, graph) ==
        "stage 1: context reads probabilities.bf16 before it is computed");
}

TEST_CASE("a state that is read when its next value has its place is refused", "[compiler][plan]") {
  Graph graph;
  const ValueId state = add_value(graph, {"state", {4, 6}, DType::F32, Role::kState});
  const ValueId next = add_scale(graph, "next", state, 2.0f, DType::F32);
  add_scale(graph, "other", state, 3.0f, DType::F32);
  Plan plan = plan_of(graph, {1, 0});
  plan.states = {{state, next}};
  plan.layouts[static_cast<std::size_t>(next)].address =
      plan.layouts[static_cast<std::size_t>(state)].address;
  CHECK(first_violation(plan, graph) == "");
  std::swap(plan.stages[0], plan.stages[1]);
  CHECK(first_violation(plan, graph) == "stage 1: other reads state when next has taken its place");
  plan.states.clear();
  CHECK_THAT(first_violation(plan, graph), Contains("live at the same time and overlap"));
}

TEST_CASE("an op that is missing or carried out twice is refused", "[compiler][plan]") {
  const Graph graph = attention_tail();
  CHECK(first_violation(plan_of(graph, {0, 1}), graph) == "context is carried out 0 times");
  CHECK(first_violation(plan_of(graph, {0, 1, 1, 2}), graph) ==
        "probabilities.bf16 is carried out 2 times");
}

TEST_CASE("a layout that holds a part of a value of three dimensions is refused",
          "[compiler][plan]") {
  Graph graph;
  const ValueId wide = add_value(graph, {"wide", {3, 4, 6}, DType::F32, Role::kInput});
  add_convert(graph, "narrow", wide);
  Plan plan = plan_of(graph, {0});
  CHECK(first_violation(plan, graph) == "");
  plan.layouts[0] = layout_of(DType::F32, 3, 6, false);  // shape[0] x shape.back()
  CHECK(first_violation(plan, graph) == "wide: a layout of 3 x 6 does not hold [3, 4, 6]");
}

TEST_CASE("a view beyond its matrix, or a result whose elements share a place, is refused",
          "[compiler][plan]") {
  Graph graph;
  const ValueId wide = add_value(graph, {"wide", {4, 6}, DType::F32, Role::kInput});
  add_convert(graph, "narrow", wide);
  Plan plan = plan_of(graph, {0});
  const TensorLayout larger = layout_of(DType::F32, 8, 6, false);
  plan.layouts[0] = sliced(larger, 1, 4, 4);
  plan.layouts[1].address += larger.bytes();
  plan.values_end += larger.bytes();
  CHECK(first_violation(plan, graph) == "");
  plan.layouts[0] = sliced(larger, 1, 5, 4);
  CHECK(first_violation(plan, graph) == "wide: elements lie outside of the stored matrix of 8 x 6");
  plan.layouts[0] = sliced(larger, 1, 4, 4);
  plan.layouts[1].dimensions[3].row_stride = 0;
  CHECK(first_violation(plan, graph) ==
        "narrow: is computed, but several of its elements lie in one place");
}

TEST_CASE("values that live at the same time and overlap in memory are refused",
          "[compiler][plan]") {
  const Graph graph = attention_tail();
  Plan plan = plan_of(graph, {0, 1, 2});
  plan.layouts[3].address = plan.layouts[2].address;  // probabilities and their copy
  CHECK_THAT(first_violation(plan, graph),
             Contains("probabilities") && Contains("live at the same time and overlap"));
  plan = plan_of(graph, {0, 1, 2});
  plan.layouts[4].address = plan.layouts[2].address;  // read before context is written ...
  CHECK_THAT(first_violation(plan, graph), Contains("overlap"));  // ... but that is a result
  plan.values_end -= 1;
  CHECK(violations(plan, graph, {}).size() == 1);
}

TEST_CASE("two live buffers in one bank, on the same lines or beyond the memory are refused",
          "[compiler][plan]") {
  const Graph graph = attention_tail();
  Plan plan = plan_of(graph, {0, 1, 2});
  // 64 KiB of 8 BF16 elements a line in 8 banks: 512 lines each.
  const LocalBuffer moving{"moving operand", Space::kScratchpad, 0, 600, 0};
  plan.buffers[2] = {moving, {"stationary operand", Space::kScratchpad, 1024, 512, 1}};
  CHECK(first_violation(plan, graph) == "");
  plan.buffers[2][1].line = 700;
  CHECK(first_violation(plan, graph) ==
        "stage 2: the buffers of moving operand and of stationary operand share a bank");
  plan.buffers[2][1].user = 0;  // never in use in the same cycle
  CHECK(first_violation(plan, graph) == "");
  plan.buffers[2][1].line = 599;
  CHECK(first_violation(plan, graph) ==
        "stage 2: the buffers of moving operand and of stationary operand share lines");
  plan.buffers[2][1].space = Space::kAccumulator;
  CHECK(first_violation(plan, graph) == "");
  plan.buffers[2][0].lines = 4097;
  CHECK(first_violation(plan, graph) ==
        "stage 2: the buffer of moving operand ends at line 4097 of 4096");
}
