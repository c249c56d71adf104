// Frozen weights that the host streams: which they are, and the ring that their tiles come through.
#pragma once

#include <vector>

#include "host/compiler/compiler.h"
#include "models/graph/def_use.h"

namespace corank {

/// By value: those frozen ones that products alone read, as their right operand. They can be
/// streamed, and decoded as they are loaded.
std::vector<bool> streamed_values(const Graph& graph, const DefUse& uses);

/// Places of the ring, `most` or fewer, take the largest tile; tile i goes to place i modulo their
/// number, and its loads are told so. Returns the first address after the ring.
std::uint64_t place_tiles(CompiledStep& step, int most);

}  // namespace corank
