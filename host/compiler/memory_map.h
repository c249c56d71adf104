// Places values in device memory: values that live at the same time never overlap.
#pragma once

#include <cstdint>
#include <vector>

#include "host/compiler/layout.h"
#include "models/graph/graph.h"

namespace corank {

/// Sets the address of every layout, from `first_address` on, a multiple of 4096 each.
/// Intermediates live from the op that writes them to the last op that reads them; everything else
/// lives throughout. Returns the first address after all.
std::uint64_t place_values(const Graph& graph, std::uint64_t first_address,
                           std::vector<TensorLayout>& layouts);

}  // namespace corank
