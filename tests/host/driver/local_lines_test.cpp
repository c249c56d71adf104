// Which lines of the local memories the commands of compiled steps touch, as footprint.h has it
// from the commands alone: those of buffers that the plan gives their stage, and of no others.
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "host/driver/footprint.h"
#include "host/run/simulate.h"
#include "host/verify/case_memory.h"
#include "host/verify/graph_case.h"

using namespace corank;

namespace {

Space space_of(Storage storage) {
  return storage == Storage::kScratchpad ? Space::kScratchpad : Space::kAccumulator;
}

// The first line of a use that lies in none of the buffers; its end: there is no such line.
std::int64_t first_outside(const Use& use, const std::vector<LocalBuffer>& buffers) {
  std::int64_t line = use.begin;
  for (bool moves = true; moves && line < use.end;) {
    moves = false;
    for (const LocalBuffer& buffer : buffers) {
      if (buffer.space != space_of(use.storage) || line < buffer.line ||
          line >= buffer.line + buffer.lines)
        continue;
      line = buffer.line + buffer.lines;
      moves = true;
    }
  }
  return std::min(line, use.end);
}

/// The first command that leaves the buffers of its stage, and where; "": all stay there.
std::string first_to_leave(const CompiledStep& step, const Graph& graph,
                           const MachineShape& machine) {
  std::vector<std::size_t> stage_of(graph.ops.size());
  for (std::size_t stage = 0; stage < step.plan.stages.size(); ++stage)
    for (const int op : step.plan.stages[stage].ops())
      stage_of[static_cast<std::size_t>(op)] = stage;
  Footprints footprints(step, machine);
  for (std::size_t i = 0; i < step.commands.size(); ++i) {
    const std::vector<Use>& uses = footprints.next(step.commands[i].words);
    if (step.commands[i].op < 0) continue;  // programs
    const std::size_t stage = stage_of[static_cast<std::size_t>(step.commands[i].op)];
    for (const Use& use : uses) {
      if (use.storage > Storage::kAccumulator) continue;
      const std::int64_t line = first_outside(use, step.plan.buffers[stage]);
      if (line < use.end)
        return fmt::format("{}: line {} of {}", describe_command(step, graph, i), line,
                           use.storage == Storage::kScratchpad ? "the scratchpad" : "the sums");
    }
  }
  return "";
}

CompiledStep compiled(const TrainingProgram& program, const MachineShape& machine,
                      CompilerConfig limits = {}, const MemoryTiming& memory = {}) {
  limits.rehearse = false;
  return compile(program, machine, limits, 64 << 20, {}, memory);
}

/// 512 lines of 8 BF16 numbers, and as many of FP32 numbers.
MachineShape small_machine() {
  MachineShape shape;
  shape.array_rows = 8;
  shape.array_columns = 5;
  shape.vector_lanes = 2;
  shape.scratchpad_kib = 8;
  shape.scratchpad_banks = 32;
  shape.accumulator_kib = 16;
  shape.accumulator_banks = 4;
  shape.axi_data_bits = 64;
  return shape;
}

/// 2 x 2, with lines of 4 elements, 1024 of either memory.
MachineShape tiny_machine() {
  MachineShape shape = small_machine();
  shape.array_rows = shape.array_columns = 2;
  return shape;
}

ValueId input(Graph& graph, const std::string& name, const Shape& shape,
              DType dtype = DType::BF16) {
  return add_value(graph, {name, shape, dtype, Role::kInput});
}

}  // namespace

TEST_CASE("ops follow a product as long as there is room for what all of them load and give",
          "[lines]") {
  // In the scratchpad two buffers of 32 lines are for them. A row of 63 elements takes 8, and each
  // op has two that are not there, a factor and its result: two of the five follow.
  TrainingProgram program;
  Graph& graph = program.graph;
  const ValueId x = input(graph, "x", {3, 16}), weight = input(graph, "w", {63, 16});
  ValueId value = add_contraction(graph, "y", {{x, false, weight, true, {}}}, 1.0f, std::nullopt,
                                  DType::BF16, Role::kResult);
  for (int i = 0; i < 5; ++i) {
    const ValueId factor = input(graph, fmt::format("f{}", i), {3, 63});
    value = add_multiply(graph, fmt::format("y{}", i), value, factor);
    graph.value(value).role = Role::kResult;
  }
  const CompiledStep step = compiled(program, small_machine());
  CHECK(step.plan.stages.front().followers == std::vector<int>{1, 2});
  CHECK(step.plan.stages.size() == 4);
  CHECK(first_to_leave(step, graph, small_machine()) == "");
}

TEST_CASE("vectors of few rows have room beside the rows", "[lines]") {
  // Half of what the limit leaves of the accumulators are 48 lines. A row of 340 logits takes 43;
  // labels and losses, of which each row has one, take three lines each: two for all 14 rows, one
  // for those of a tile. So a tile has no whole row, though the memory is so slow
  // that reading rows again for every phase takes longest.
  TrainingProgram program;
  Graph& graph = program.graph;
  const ValueId logits = input(graph, "logits", {14, 340}, DType::F32);
  const ValueId labels = input(graph, "labels", {14}, DType::I64);
  const ValueId loss = add_cross_entropy(graph, "loss", logits, labels, false, std::nullopt);
  graph.value(loss).role = Role::kResult;
  CompilerConfig limits;
  limits.scratchpad_kib = limits.accumulator_kib = 3;
  const CompiledStep step = compiled(program, small_machine(), limits, {0.01});
  CHECK(first_to_leave(step, graph, small_machine()) == "");
}

TEST_CASE("rows that half of a local memory does not hold are moved in parts", "[lines]") {
  // Half of the scratchpad holds 2048 elements.
  TrainingProgram program;
  Graph& graph = program.graph;
  const ValueId in = input(graph, "in", {3, 5000});
  const ValueId out = add_select_rows(graph, "out", in, {2, 0});
  graph.value(out).role = Role::kResult;
  const CompiledStep step = compiled(program, small_machine());
  CHECK(first_to_leave(step, graph, small_machine()) == "");
}

TEST_CASE("the columns of a block have no more biases than there is room for", "[lines]") {
  // 32 lines of the scratchpad are for biases of BF16, which are 128 numbers.
  TrainingProgram program;
  Graph& graph = program.graph;
  const ValueId x = input(graph, "x", {1, 3}), weight = input(graph, "w", {256, 3});
  const ValueId bias = input(graph, "b", {256});
  add_contraction(graph, "y", {{x, false, weight, true, {}}}, 1.0f, bias, DType::BF16,
                  Role::kResult);
  CompilerConfig limits;
  limits.block_columns = 256;
  limits.block_rows = 8;
  CHECK_THROWS_AS(compiled(program, tiny_machine(), limits), InputError);
  const CompiledStep step = compiled(program, tiny_machine());
  CHECK(first_to_leave(step, graph, tiny_machine()) == "");
}

TEST_CASE("the commands of random graphs stay in the buffers of their stage", "[lines]") {
  CaseSource source;
  source.machines = {small_machine(), tiny_machine()};
  source.machines.push_back(small_machine());  // a single wide row of followers
  source.machines.back().accumulator_kib = 8;
  source.machines.back().accumulator_banks = 16;
  source.drams = dram_memories();
  for (int number = 0; number < 60; ++number) {
    GraphCase graph = make_graph_case(source, 5, number);
    graph.config.compiler.rehearse = false;
    INFO(describe(graph));
    const CompiledStep step = compile_for(graph.config, graph.program);
    CHECK(first_to_leave(step, graph.program.graph, graph.config.machine) == "");
  }
}
