// The bit-exact reference: the numerics bf16, with every value kept for comparison.
#pragma once

#include "models/graph/graph.h"

namespace corank {

/// Executes every op of the graph, which is checked first. `values` holds the inputs by name on
/// entry (missing, misshapen or of another dtype: InputError) and every value of the graph on
/// return. Equality with the device is bit for bit.
void run_bit_exact(const Graph& graph, TensorMap& values);

}  // namespace corank
