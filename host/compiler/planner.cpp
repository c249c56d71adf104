#include "host/compiler/planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "host/compiler/block_choice.h"
#include "host/compiler/layout_choice.h"
#include "host/compiler/memory_map.h"
#include "host/compiler/streamed_weights.h"
#include "models/base/error.h"
#include "models/base/host_memory.h"

namespace corank {
namespace {

// What the device both writes and reads, and whatever shares its memory with others: read-only
// inputs, which are most of a model, have no dependences.
std::vector<bool> ordered_values(const Graph& graph, const DefUse& uses) {
  std::vector<bool> ordered;
  for (std::size_t id = 0; id < graph.values.size(); ++id) {
    ordered.push_back((uses.writer[id] >= 0 && !uses.readers[id].empty()) ||
                      graph.values[id].role == Role::kIntermediate);
  }
  return ordered;
}

std::vector<GemmKind> gemm_kinds_of(const Graph& graph) {
  std::set<GemmKind> kinds;
  for (const Op& op : graph.ops) {
    const Contraction* product = contraction_of(op);
    if (product == nullptr) continue;
    for (const Term& term : product->terms) kinds.insert(term.kind);
  }
  return {kinds.begin(), kinds.end()};
}

Programs programs_of(const std::vector<OpLowering>& lowerings) {
  std::vector<const VectorProgram*> programs;
  programs.reserve(lowerings.size());
  for (const OpLowering& lowering : lowerings) programs.push_back(&lowering.program);
  Programs all = gather(programs);
  const auto instructions = static_cast<std::int64_t>(all.instructions.size());
  if (instructions <= interface::kProgramInstructions) return all;
  throw KeyError(
      {"workload.optimizer.accumulate", "workload.shapes", "workload.capture", "workload.captures"},
      fmt::format("the step's vector programs have {} instructions; the program memory holds {}",
                  instructions, interface::kProgramInstructions));
}

// The commands of all ops, before any is made: their number has 31 bits in the dependencies, and
// they must find room.
void check_commands(const Costs& costs, const std::vector<Stage>& stages) {
  double commands = 0;
  for (const Stage& stage : stages) {
    for (const int op : stage.ops()) commands += costs.alone(op).commands;
  }
  const double bytes = commands * sizeof(CompiledCommand);
  const auto room = static_cast<double>(host_memory_bytes());
  if (bytes <= room && commands < std::numeric_limits<std::int32_t>::max()) return;
  throw KeyError({"compiler.block.rows", "compiler.block.columns", "compiler.block.depth",
                  "workload.shapes", "workload.capture", "workload.captures"},
                 fmt::format("the step has about {:.0f} commands, which need {:.0f} bytes; this "
                             "computer has {:.0f}",
                             commands, bytes, room));
}

// Behind the programs.
void place_values(const Graph& graph, const Programs& programs, std::uint64_t memory_size,
                  Plan& plan) {
  std::vector<bool> elsewhere = plan.streamed;
  for (std::size_t id = 0; id < elsewhere.size(); ++id)
    if (graph.values[id].role == Role::kConstants) elsewhere[id] = true;
  plan.values_begin =
      kProgramAddress + whole_pages(static_cast<std::uint64_t>(rows_of(programs) * kPanelRowBytes));
  plan.values_end =
      place_values(graph, plan.stages, plan.states, elsewhere, plan.values_begin, plan.layouts);
  const std::uint64_t end = whole_pages(plan.values_end);
  check_memory(end, end - plan.values_begin, memory_size, "at least ");
}

void add_buffers(const StepContext& step, Plan& plan) {
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const Stage& stage = plan.stages[i];
    const LocalAreas areas = areas_of(step, stage);
    plan.buffers.push_back(step.product(stage.op) != nullptr
                               ? buffers_of_product(areas, use_of(step, stage), plan.blocks[i])
                               : buffers_of_elementwise(areas));
  }
  const std::vector<std::string> wrong = violations(plan, step.graph, step.machine);
  if (!wrong.empty())
    throw MachineError("internal fault, please report it: the plan of the step is wrong: " +
                       wrong.front());
}

}  // namespace

void check_memory(std::uint64_t bytes, std::uint64_t values, std::uint64_t size,
                  const char* how_many) {
  if (bytes <= size) return;
  throw KeyError(kMemoryKeys,
                 fmt::format("the step needs {}{} bytes of device memory (values {}); {} gives {} "
                             "bytes",
                             how_many, bytes, values, kMemoryKeys.front(), size));
}

PlannedStep plan_step(const TrainingProgram& program, const DefUse& uses,
                      const CompileTarget& target, const FusionOptions& options) {
  const Graph& graph = program.graph;
  PlannedStep planned;
  Plan& plan = planned.plan;
  planned.lowerings = lowerings_of(graph);
  plan.states = program.states;
  plan.streamed = target.streamed ? streamed_values(graph, uses)
                                  : std::vector<bool>(graph.values.size(), false);
  plan.ordered = ordered_values(graph, uses);
  planned.gemm_kinds = gemm_kinds_of(graph);
  planned.programs = programs_of(planned.lowerings);
  const StepContext step = planned.context(graph, target);
  plan.layouts = choose_layouts(step);
  const Costs costs(step);
  plan.stages = fuse(schedule(graph, uses, plan.states, [&](int op) { return costs.of_op(op); }),
                     step, costs, options, plan);
  place_values(graph, planned.programs, target.memory_size_bytes, plan);
  check_commands(costs, plan.stages);
  BlockChoices chosen = BlockChoice(step, costs).choose();
  plan.blocks = std::move(chosen.blocks);
  planned.cycles = chosen.cycles;
  add_buffers(step, plan);
  return planned;
}

}  // namespace corank
