#include "host/compiler/planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "host/compiler/block_choice.h"
#include "host/compiler/hidden_work.h"
#include "host/compiler/indexed_rows_emitter.h"
#include "host/compiler/layout_choice.h"
#include "host/compiler/local_halves.h"
#include "host/compiler/memory_map.h"
#include "host/compiler/region_emitter.h"
#include "host/compiler/row_blocks.h"
#include "host/compiler/streamed_weights.h"
#include "host/compiler/views.h"
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

// An op's own program is at its index; the others come behind.
Programs programs_of(const Graph& graph, std::vector<OpLowering>& lowerings) {
  std::vector<const VectorProgram*> programs;
  programs.reserve(lowerings.size());
  for (const OpLowering& lowering : lowerings) programs.push_back(&lowering.program);
  const auto add = [&](const VectorProgram& program, std::size_t& place) {
    place = programs.size();
    programs.push_back(&program);
  };
  for (OpLowering& lowering : lowerings) {
    for (Movement& movement : lowering.movements) {
      add(movement.copy, movement.copy_place);
      add(movement.fill, movement.fill_place);
    }
    for (GatheredRows& rows : lowering.gathered) add(rows.convert, rows.convert_place);
    for (ScatteredRows& rows : lowering.scattered) add(rows.add, rows.add_place);
    for (RegionPass& pass : lowering.passes) {
      add(pass.copy, pass.copy_place);
      if (pass.by_phases) {
        for (RowPhase& phase : pass.phases) add(phase.program, phase.program_place);
        continue;
      }
      for (RegionStep& step : pass.steps) {
        add(step.program, step.program_place);
        if (!step.continuation.empty()) add(step.continuation, step.continuation_place);
      }
    }
  }
  for (std::size_t op = 0; op < lowerings.size(); ++op) {
    const std::size_t most = lowerings[op].program.size();
    if (most <= interface::kProgramInstructions) continue;
    throw MachineError(fmt::format(
        "internal fault, please report it: the vector program of {} has {} instructions; the "
        "program memory holds {}",
        result_name(graph, graph.ops[op]), most, interface::kProgramInstructions));
  }
  return gather(programs);
}

// The lowerings name extras of their own; in the plan they are values behind those of the graph,
// equal constants once.
std::vector<Extra> gather_extras(const Graph& graph, std::vector<OpLowering>& lowerings) {
  std::vector<Extra> all;
  for (OpLowering& lowering : lowerings) {
    std::vector<ValueId> ids;
    for (const Extra& extra : lowering.extras) {
      const auto known = std::find_if(all.begin(), all.end(), [&](const Extra& other) {
        return !extra.contents.empty() && other.dtype == extra.dtype &&
               other.columns == extra.columns && other.contents == extra.contents;
      });
      ids.push_back(static_cast<ValueId>(graph.values.size()) +
                    static_cast<ValueId>(known - all.begin()));
      if (known == all.end()) all.push_back(extra);
    }
    const auto resolve = [&](ValueId& id) {
      if (id < -1) id = ids.at(static_cast<std::size_t>(extra_id(0) - id));
    };
    for (Movement& movement : lowering.movements) resolve(movement.to);
    for (GatheredRows& rows : lowering.gathered) resolve(rows.indices);
    for (ScatteredRows& rows : lowering.scattered) {
      resolve(rows.indices);
      resolve(rows.table);
    }
    for (RegionPass& pass : lowering.passes) {
      for (RegionBlock& block : pass.blocks) {
        resolve(block.operand);
        resolve(block.result);
      }
    }
  }
  return all;
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

// What is written and read on the blocks of one product, and by nobody else.
std::vector<bool> local_values(const Graph& graph, const DefUse& uses, const Plan& plan) {
  std::vector<bool> local(plan.layouts.size(), false);
  for (const Stage& stage : plan.stages) {
    if (stage.followers.empty()) continue;
    std::vector<int> writers{stage.op};
    writers.insert(writers.end(), stage.followers.begin(), stage.followers.end());
    for (const int op : writers) {
      for (const ValueId id : results_of(graph.ops[static_cast<std::size_t>(op)])) {
        const auto place = static_cast<std::size_t>(id);
        const std::vector<int>& readers = uses.readers[place];
        const bool is_inside = std::all_of(readers.begin(), readers.end(), [&](int reader) {
          return std::count(stage.followers.begin(), stage.followers.end(), reader) > 0;
        });
        local[place] = is_inside && !readers.empty() && plan.view_of[place] < 0 &&
                       graph.values[place].role == Role::kIntermediate;
      }
    }
  }
  return local;
}

// Behind the programs.
void place_values(const Graph& graph, const Programs& programs, std::uint64_t memory_size,
                  Plan& plan) {
  std::vector<bool> elsewhere = plan.streamed;
  for (std::size_t id = 0; id < graph.values.size(); ++id)
    if (graph.values[id].role == Role::kConstants || plan.local[id]) elsewhere[id] = true;
  plan.values_begin =
      kProgramAddress + whole_pages(static_cast<std::uint64_t>(rows_of(programs) * kPanelRowBytes));
  std::vector<std::uint64_t> bytes;
  for (std::size_t id = 0; id < graph.values.size(); ++id) bytes.push_back(plan.bytes_of(id));
  plan.values_end = place_values(graph, plan.stages, plan.states, elsewhere, plan.view_of,
                                 plan.values_begin, bytes, plan.layouts);
  for (std::size_t id = graph.values.size(); id < plan.layouts.size(); ++id) {
    plan.layouts[id].address = whole_pages(plan.values_end);
    plan.values_end = plan.layouts[id].address + plan.layouts[id].bytes();
  }
  for (std::size_t id = 0; id < graph.values.size(); ++id)
    if (plan.packed[id]) plan.packed[id]->layout.address = plan.layouts[id].address;
  plan.packed_tables = whole_pages(plan.values_end);
  plan.packed_table_bytes = place_tables(plan.packed, plan.packed_tables) - plan.packed_tables;
  if (plan.packed_table_bytes > 0) plan.values_end = plan.packed_tables + plan.packed_table_bytes;
  const std::uint64_t end = whole_pages(plan.values_end);
  check_memory(end, end - plan.values_begin, memory_size, "at least ");
}

// Layouts of all values; an op whose result is a view has nothing left to do.
void see_views(const StepContext& step, const DefUse& uses, std::vector<OpLowering>& lowerings,
               Plan& plan) {
  plan.layouts = choose_layouts(step);
  ValueViews views = choose_views(step, uses, plan.layouts);
  plan.layouts = std::move(views.layouts);
  plan.view_of = std::move(views.of);
  for (std::size_t op = 0; op < lowerings.size(); ++op) {
    if (!is_view(step.graph.ops[op], plan.view_of)) continue;
    lowerings[op] = {};
    lowerings[op].is_view = true;
  }
}

// An op with too large rows is refused before anything is made.
void check_regions(const StepContext& step) {
  for (std::size_t op = 0; op < step.lowerings.size(); ++op) {
    for (const RegionPass& pass : step.lowerings[op].passes)
      check_tiles(step, static_cast<int>(op), pass);
    check_indexed_rows(step, static_cast<int>(op));
  }
}

void add_buffers(const StepContext& step, Plan& plan) {
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const Stage& stage = plan.stages[i];
    const LocalAreas areas = areas_of(step, stage);
    if (step.product(stage.op) != nullptr) {
      plan.buffers.push_back(buffers_of_product(areas, use_of(step, stage), plan.blocks[i]));
    } else if (step.lowering(stage.op).is_region()) {
      plan.buffers.push_back(buffers_of_region(local_halves(step.machine, step.limits)));
    } else {
      plan.buffers.push_back(buffers_of_elementwise(areas));
    }
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

PlannedStep plan_values(const TrainingProgram& program, const DefUse& uses,
                        const CompileTarget& target, const FusionOptions& options) {
  const Graph& graph = program.graph;
  PlannedStep planned;
  Plan& plan = planned.plan;
  planned.lowerings = lowerings_of(graph);
  plan.states = program.states;
  plan.streamed = target.streamed ? streamed_values(graph, uses)
                                  : std::vector<bool>(graph.values.size(), false);
  plan.packed = packed_places(graph, uses, target.machine, target.packed);
  plan.ordered = ordered_values(graph, uses);
  planned.gemm_kinds = gemm_kinds_of(graph);
  plan.extras = gather_extras(graph, planned.lowerings);
  plan.streamed.resize(graph.values.size() + plan.extras.size(), false);
  plan.packed.resize(plan.streamed.size());
  plan.ordered.resize(plan.streamed.size(), false);
  for (std::size_t i = 0; i < plan.extras.size(); ++i)
    plan.ordered[graph.values.size() + i] = plan.extras[i].contents.empty();
  const StepContext step = planned.context(graph, target);
  plan.local.assign(plan.streamed.size(), false);
  see_views(step, uses, planned.lowerings, plan);
  choose_phases(step, planned.lowerings);
  check_regions(step);
  planned.programs = programs_of(graph, planned.lowerings);
  const Costs costs(step);
  plan.stages = fuse(schedule(graph, uses, plan.states, [&](int op) { return costs.of_op(op); }),
                     step, costs, options, plan);
  plan.stages = hide_vector_work(std::move(plan.stages), step, uses, costs);
  plan.local = local_values(graph, uses, plan);
  place_values(graph, planned.programs, target.memory_size_bytes, plan);
  check_commands(costs, plan.stages);
  return planned;
}

PlannedStep plan_step(const TrainingProgram& program, const DefUse& uses,
                      const CompileTarget& target, const FusionOptions& options) {
  PlannedStep planned = plan_values(program, uses, target, options);
  Plan& plan = planned.plan;
  const StepContext step = planned.context(program.graph, target);
  const Costs costs(step);
  BlockChoices chosen = BlockChoice(step, costs).choose();
  plan.blocks = std::move(chosen.blocks);
  planned.cycles = chosen.cycles;
  add_buffers(step, plan);
  return planned;
}

}  // namespace corank
