#include "host/compiler/streamed_weights.h"

#include <algorithm>

#include "host/compiler/memory_map.h"

namespace corank {
namespace {

bool reads_on_the_right_only(const Op& op, ValueId id) {
  const Contraction* product = contraction_of(op);
  return product != nullptr && product->bias != id &&
         std::none_of(product->terms.begin(), product->terms.end(),
                      [&](const Term& term) { return term.left == id; });
}

// A load at an address within a tile that lies at `tile`.
template <class Load>
interface::CommandWords placed(Load load, std::uint64_t tile, bool takes, bool releases) {
  const std::uint64_t address = tile + load.address_lo;
  load.address_lo = static_cast<std::uint32_t>(address);
  load.address_hi = static_cast<std::uint32_t>(address >> 32);
  load.stream_take = takes;
  load.stream_release = releases;
  return encode(load);
}

}  // namespace

std::vector<bool> streamed_values(const Graph& graph, const DefUse& uses) {
  std::vector<bool> streamed;
  for (ValueId id = 0; id < static_cast<ValueId>(graph.values.size()); ++id) {
    const std::vector<int>& readers = uses.readers[static_cast<std::size_t>(id)];
    streamed.push_back(graph.value(id).role == Role::kFrozen && !readers.empty() &&
                       std::all_of(readers.begin(), readers.end(), [&](int op) {
                         return reads_on_the_right_only(graph.ops[static_cast<std::size_t>(op)],
                                                        id);
                       }));
  }
  return streamed;
}

std::uint64_t place_tiles(CompiledStep& step, int most) {
  using namespace interface;
  if (step.tiles.empty()) return step.tile_ring_address;
  std::uint64_t bytes = 0;
  for (const StreamTile& tile : step.tiles) bytes = std::max(bytes, tile.bytes());
  const std::uint64_t place_bytes = whole_pages(bytes);
  step.tile_ring_places =
      std::min<std::uint64_t>(step.tiles.size(), static_cast<std::uint64_t>(most));
  for (std::size_t i = 0; i < step.tiles.size(); ++i) {
    StreamTile& tile = step.tiles[i];
    tile.layout.address = step.tile_ring_address + i % step.tile_ring_places * place_bytes;
    if (tile.packed) tile.packed->address = tile.layout.address;
    for (const std::size_t index : tile.loads) {
      const bool first = index == tile.loads.front(), last = index == tile.loads.back();
      step.commands.change(index, [&](CompiledCommand& command) {
        CommandWords& words = command.words;
        words = tile.packed ? placed(decode_load_quantized(words), tile.layout.address, first, last)
                            : placed(decode_load(words), tile.layout.address, first, last);
      });
    }
  }
  return step.tile_ring_address + step.tile_ring_places * place_bytes;
}

}  // namespace corank
