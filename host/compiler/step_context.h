// What is known of a step while it is planned and while its commands are made.
#pragma once

#include <variant>
#include <vector>

#include "host/compiler/compiler_config.h"
#include "host/compiler/ops/op_lowering.h"
#include "host/compiler/plan.h"
#include "models/graph/graph.h"
#include "sim/cycle/rehearsal.h"
#include "sim/machine/shape.h"

namespace corank {

/// References to what others own.
struct StepContext {
  const Graph& graph;
  const MachineShape& machine;
  const CompilerConfig& limits;
  const MemoryTiming& memory;
  const std::vector<OpLowering>& lowerings;  // by op
  const Programs& programs;
  const std::vector<GemmKind>& gemm_kinds;  // by the device's index of kinds
  const Plan& plan;                         // as far as it is decided

  const Op& op(int index) const { return graph.ops[static_cast<std::size_t>(index)]; }
  /// nullptr: it is element-wise.
  const Contraction* product(int index) const { return contraction_of(op(index)); }
  const OpLowering& lowering(int index) const { return lowerings[static_cast<std::size_t>(index)]; }
  const TensorLayout& layout(ValueId id) const {
    return plan.layouts[static_cast<std::size_t>(id)];
  }
  /// Where values of this format go.
  Space space_of(ValueId id) const {
    return layout(id).format == ElementFormat::kBf16 ? Space::kScratchpad : Space::kAccumulator;
  }
  /// It never leaves the local memories.
  bool is_local(ValueId id) const { return plan.local[static_cast<std::size_t>(id)]; }
  bool is_streamed(ValueId id) const { return plan.streamed[static_cast<std::size_t>(id)]; }
  /// nullptr: it is not packed.
  const PackedPlace* packed(ValueId id) const {
    const std::optional<PackedPlace>& weight = plan.packed[static_cast<std::size_t>(id)];
    return weight ? &*weight : nullptr;
  }
};

}  // namespace corank
