// Places values in device memory: values that live at the same time never overlap.
#pragma once

#include <cstdint>
#include <vector>

#include "host/compiler/layout.h"
#include "host/compiler/schedule.h"
#include "models/graph/graph.h"

namespace corank {

/// `bytes`, rounded up to whole pages of 4096.
constexpr std::uint64_t whole_pages(std::uint64_t bytes) { return (bytes + 4095) / 4096 * 4096; }

/// Sets the address of every layout, from `first_address` on, a multiple of 4096 each.
/// Intermediates live from the stage that writes them to the last stage that reads them; everything
/// else lives throughout. A value whose flag in `elsewhere` is set gets no place, the next value of
/// a state that of the state, a view (by `view_of`, views.h) that of what it is a view of. `bytes`
/// is what each value takes. Returns the first address after all.
std::uint64_t place_values(const Graph& graph, const std::vector<Stage>& stages,
                           const std::vector<State>& states, const std::vector<bool>& elsewhere,
                           const std::vector<ValueId>& view_of, std::uint64_t first_address,
                           const std::vector<std::uint64_t>& bytes,
                           std::vector<TensorLayout>& layouts);

}  // namespace corank
