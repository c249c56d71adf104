// Random graphs on small machines, each from one seed: chains and diamonds of all ops, forward and
// backward.
#pragma once

#include <cstdint>
#include <string>

#include "host/verify/layer_case.h"
#include "models/program/training_program.h"

namespace corank {

struct GraphCase : DrawnCase {
  TrainingProgram program;
  std::string ops;  // of the forward pass, in their order, for messages
};

/// Case `number` of a run with `seed`: a few ops one after another, some of which read an earlier
/// value again, the gradients of what is trained and of the input, and the updates. Sizes are odd
/// more often than not. Up to one graph in five has long rows, and so little of the local memories
/// that they are gone over by phases (host/compiler/row_phases.h). Half of the memories are DRAM
/// (of those that are not source.memory); one case in four has a special value planted; in half of
/// them every computed value is compared, not the results alone. One in three packs some of its
/// frozen weights (draw::Packing). Throws InputError where the machine is too small for any graph.
GraphCase make_graph_case(const CaseSource& source, std::uint64_t seed, int number);

/// "graph 17 (seed 5000032): 3x5, AXI 128, ..., rms_norm, attention, add"
std::string describe(const GraphCase& graph);

}  // namespace corank
