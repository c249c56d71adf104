// Which of the values that are computed and needed only inside of a step are alive when: of a plan
// stage by stage, of a graph that has none op by op.
#pragma once

#include <cstdint>
#include <vector>

#include "host/compiler/plan.h"
#include "models/graph/graph.h"

namespace corank {

/// Bytes of intermediates: of the forward pass and kept for the backward pass, and all others.
struct AliveBytes {
  std::uint64_t stash = 0, activations = 0;

  std::uint64_t all() const { return stash + activations; }
};

/// By ValueId: an intermediate that the forward pass computes and the backward pass reads, for what
/// it computes again as well. Not the rounded copies of parameters, which are there in any case.
std::vector<bool> kept_for_backward(const Graph& graph);

/// By stage: in whole pages, from the first stage that writes or reads a value or a view of it to
/// the last one. What never leaves the local memories takes nothing; what is a view is in the
/// stash if the backward pass reads one of those that lie in its place.
std::vector<AliveBytes> alive_by_stage(const Plan& plan, const Graph& graph);

/// By op, in the order of the graph, by the shapes alone.
std::vector<AliveBytes> alive_by_op(const Graph& graph);

/// The place of the first one of the largest; 0 if there is none.
std::size_t fullest(const std::vector<AliveBytes>& alive);

}  // namespace corank
