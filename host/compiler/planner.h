// Decides everything that a step's commands follow from.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "host/compiler/compiler.h"
#include "host/compiler/fusion.h"
#include "models/graph/def_use.h"

namespace corank {

/// What a step is compiled for.
struct CompileTarget {
  const MachineShape& machine;
  const CompilerConfig& limits;
  const MemoryTiming& memory;
  std::uint64_t memory_size_bytes = 0;
  bool streamed = false;                 // frozen weights are
  const QuantizedMap* packed = nullptr;  // those that are known; nullptr: none is
};

struct PlannedStep {
  std::vector<OpLowering> lowerings;  // by op
  Programs programs;
  std::vector<GemmKind> gemm_kinds;
  Plan plan;
  std::optional<double> cycles;  // in a rehearsal, if the step is so short that it has one

  StepContext context(const Graph& graph, const CompileTarget& target) const {
    return {graph,     target.machine, target.limits, target.memory,
            lowerings, programs,       gemm_kinds,    plan};
  }
};

/// Throws InputError for an op that the accelerator does not run; KeyError, with the sizes, where
/// the local memories, the device memory, the program memory or this computer are too small; and
/// MachineError if the plan is wrong, a defect of the compiler.
PlannedStep plan_step(const TrainingProgram& program, const DefUse& uses,
                      const CompileTarget& target, const FusionOptions& options);

/// The same without blocks and buffers: in which order, what together, and where values lie.
PlannedStep plan_values(const TrainingProgram& program, const DefUse& uses,
                        const CompileTarget& target, const FusionOptions& options);

/// Throws KeyError if the device memory does not have so many bytes, of which values take some.
void check_memory(std::uint64_t bytes, std::uint64_t values, std::uint64_t size,
                  const char* how_many);

}  // namespace corank
