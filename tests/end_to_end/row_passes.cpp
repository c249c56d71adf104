#include "tests/end_to_end/row_passes.h"

#include "host/compiler/planner.h"
#include "host/run/simulate.h"

namespace corank::test {

RowPasses row_passes(const TrainingProgram& program, const Config& config) {
  const DefUse uses(program.graph);
  CompilerConfig limits = config.compiler;
  limits.rehearse = false;
  const MemoryTiming memory = memory_timing_of(config);
  const PlannedStep planned = plan_step(
      program, uses, {config.machine, limits, memory, std::uint64_t{1} << 32}, FusionOptions{});
  RowPasses passes;
  for (const OpLowering& lowering : planned.lowerings) {
    for (const RegionPass& pass : lowering.passes) {
      passes.all += pass.phases.empty() ? 0 : 1;
      passes.by_phases += pass.by_phases ? 1 : 0;
    }
  }
  return passes;
}

}  // namespace corank::test
