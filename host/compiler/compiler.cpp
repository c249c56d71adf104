#include "host/compiler/compiler.h"

#include <array>
#include <optional>
#include <utility>

#include "host/compiler/memory_map.h"
#include "host/compiler/planner.h"
#include "host/compiler/stage_emitter.h"
#include "host/compiler/streamed_weights.h"
#include "models/base/error.h"

namespace corank {
namespace {

using namespace interface;

// The host fills the ring before the step begins and goes on as the device empties it: enough that
// the device does not wait for a link that keeps up, few enough that their coming takes memory's
// time in small pieces.
constexpr std::uint64_t kMostRingEntries = 4096;

// In the order in which they are tried; a long step is planned by the first ones.
constexpr std::array<FusionOptions, 3> kFusionOptions = {
    {{true, true}, {false, true}, {false, false}}};

// The fastest of several plans, as far as rehearsals tell: in a short step the stages overlap much,
// and the estimates of what pays are rough.
PlannedStep best_plan(const TrainingProgram& program, const CompileTarget& target) {
  const DefUse uses(program.graph);
  std::optional<PlannedStep> best;
  for (const FusionOptions& options : kFusionOptions) {
    std::optional<PlannedStep> planned;
    try {
      planned = plan_step(program, uses, target, options);
    } catch (const KeyError&) {
      if (!best) throw;
      continue;  // what the first one put together does not fit by itself
    }
    const bool rehearsed = planned->cycles.has_value();
    if (!best || (rehearsed && *planned->cycles < best->cycles.value_or(0)))
      best = std::move(planned);
    if (!rehearsed) break;
  }
  return std::move(*best);
}

std::map<int, BlockSize> blocks_of(const StepContext& step) {
  std::map<int, BlockSize> blocks;
  for (std::size_t i = 0; i < step.plan.stages.size(); ++i) {
    const Stage& stage = step.plan.stages[i];
    const LocalAreas areas = areas_of(step, stage);
    if (step.lowering(stage.op).is_region()) continue;
    const bool alone = step.product(stage.op) == nullptr;
    blocks[stage.op] =
        alone ? tile_size(step, stage.op, alone_buffers(areas), areas) : step.plan.blocks[i];
    for (const int op : stage.followers) blocks[op] = step.plan.blocks[i];
    for (const int op : stage.overlapped) {
      if (step.lowering(op).is_region()) continue;
      blocks[op] = step.product(op) != nullptr ? overlapped_tile(step, op).value()
                                               : tile_size(step, op, overlap_buffers(areas), areas);
    }
  }
  return blocks;
}

}  // namespace

Plan plan_memory(const TrainingProgram& program, const MachineShape& machine,
                 const CompilerConfig& limits, std::uint64_t memory_size_bytes,
                 const WeightStream& stream, const MemoryTiming& memory,
                 const QuantizedMap& packed) {
  const CompileTarget target{machine, limits, memory, memory_size_bytes, stream.streamed, &packed};
  return plan_values(program, DefUse(program.graph), target, kFusionOptions.front()).plan;
}

CompiledStep compile(const TrainingProgram& program, const MachineShape& machine,
                     const CompilerConfig& limits, std::uint64_t memory_size_bytes,
                     const WeightStream& stream, const MemoryTiming& memory,
                     const QuantizedMap& packed) {
  const CompileTarget target{machine, limits, memory, memory_size_bytes, stream.streamed, &packed};
  PlannedStep planned = best_plan(program, target);
  const StepContext context = planned.context(program.graph, target);
  const Plan& plan = planned.plan;
  StageEmitter emitter(context);
  for (std::size_t i = 0; i < plan.stages.size(); ++i) emitter.emit(plan.stages[i], plan.blocks[i]);
  CommandEmitter::Made made = emitter.take();

  CompiledStep step;
  step.commands = std::move(made.commands);
  step.traffic = std::move(made.traffic);
  step.tiles = std::move(made.tiles);
  step.blocks = blocks_of(context);
  step.program_address = kProgramAddress;
  step.tile_ring_address = whole_pages(plan.values_end);
  const std::uint64_t values_end = place_tiles(step, stream.ring_tiles);
  step.commands.push_back({encode(HaltCommand{}), -1, kNoWaits});
  step.ring_address = whole_pages(values_end);
  step.ring_entries = 64;
  while (step.ring_entries < step.commands.size() && step.ring_entries < kMostRingEntries)
    step.ring_entries *= 2;
  step.memory_bytes = step.ring_address + step.ring_entries * sizeof(CommandWords);
  check_memory(step.memory_bytes, values_end - plan.values_begin, memory_size_bytes, "");
  step.gemm_kinds = std::move(planned.gemm_kinds);
  step.instructions = std::move(planned.programs.instructions);
  step.fed = std::move(planned.programs.fed);
  step.plan = std::move(planned.plan);
  return step;
}

}  // namespace corank
