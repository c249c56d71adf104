// The packed weights of a step: how each lies in device memory, and where the tables are that
// scales of double quantization are decoded with.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "host/compiler/packed_layout.h"
#include "models/graph/def_use.h"
#include "models/graph/graph.h"
#include "models/quantized/quantized_tensor.h"
#include "sim/machine/shape.h"

namespace corank {

struct PackedPlace {
  PackedLayout layout;             // of the whole; without an address where it is streamed
  std::uint64_t nested_bytes = 0;  // of the table of nested scales; 0: none, and no map
  std::uint64_t nested_address = 0, map_address = 0;
  ValueId map_of = -1;  // whose map lies there: the first one that is equal
};

/// By value. `packed`, if it is not nullptr, has the weights that are known; of the others nested
/// scales have the offset 0, and one map. Throws InputError for a packed value that the accelerator
/// does not decode: because of its format, or of what reads it; KeyError where the machine has no
/// decoder.
std::vector<std::optional<PackedPlace>> packed_places(const Graph& graph, const DefUse& uses,
                                                      const MachineShape& machine,
                                                      const QuantizedMap* packed);

/// Places tables and maps from `address` on, a multiple of kPanelRowBytes. Returns the first
/// address after them.
std::uint64_t place_tables(std::vector<std::optional<PackedPlace>>& weights, std::uint64_t address);

}  // namespace corank
