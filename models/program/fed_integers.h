// Integers that a step is fed, before they are used: the reference finds what is wrong with them
// when it executes, the device could not say it.
#pragma once

#include "models/base/tensor.h"
#include "models/graph/graph.h"

namespace corank {

/// Throws InputError, as the reference does, for an id that is no row of its table, a label beyond
/// the classes, and labels none of which is kept; and for an integer of more than 32 bits, which
/// the device does not hold. Looks at what of the graph's inputs is in `feeds`.
void check_fed_integers(const Graph& graph, const TensorMap& feeds);

}  // namespace corank
