// Frozen weights that the host streams: which they are, their tiles, and the ring that the tiles
// come through.

#include <algorithm>

#include "host/compiler/lowering.h"
#include "host/compiler/memory_map.h"
#include "models/graph/def_use.h"

namespace corank {

namespace {

bool is_right_only(const Contraction& op, ValueId id) {
  return op.bias != id && std::none_of(op.terms.begin(), op.terms.end(),
                                       [&](const Term& term) { return term.left == id; });
}

}  // namespace

using namespace interface;

void Lowering::find_streamed_values() {
  plan_.streamed.assign(graph_.values.size(), false);
  if (!stream_.streamed) return;
  const DefUse uses(graph_);
  for (std::size_t id = 0; id < graph_.values.size(); ++id) {
    const std::vector<int>& readers = uses.readers[id];
    plan_.streamed[id] = graph_.values[id].role == Role::kFrozen && !readers.empty() &&
                         std::all_of(readers.begin(), readers.end(), [&](int op) {
                           return contraction_at(op) != nullptr &&
                                  is_right_only(*contraction_at(op), static_cast<ValueId>(id));
                         });
  }
}

bool Lowering::streams(const Contraction& op) const {
  return std::any_of(op.terms.begin(), op.terms.end(),
                     [&](const Term& term) { return is_streamed(term.right); });
}

void Lowering::begin_tile(const Product& product, std::int64_t column, std::int64_t columns) {
  const Block block = stationary_block(product, 0, product.shape.depth, column, columns);
  StreamTile tile;
  tile.value = block.value;
  tile.row = block.row;
  tile.column = block.column;
  tile.layout = corank::layout_of(DType::BF16, block.rows, block.columns, false);
  step_.tiles.push_back(tile);
}

Local Lowering::load_from_tile(Slots& slots, const Block& block, std::int64_t needed_again) {
  const auto [line, there] = slots.take(block, needed_again);
  StreamTile& tile = step_.tiles.back();
  if (!there || tile.loads.empty()) {
    const Block within{block.value, block.row - tile.row, block.column - tile.column, block.rows,
                       block.columns};
    tile.loads.push_back(step_.commands.size());
    emit_load(tile.layout, within, line);
  }
  return {line, block.rows, block.columns};
}

std::uint64_t Lowering::place_tiles() {
  if (step_.tiles.empty()) return step_.tile_ring_address;
  std::uint64_t bytes = 0;
  for (const StreamTile& tile : step_.tiles) bytes = std::max(bytes, tile.layout.bytes());
  const std::uint64_t place_bytes = whole_pages(bytes);
  step_.tile_ring_places =
      std::min<std::uint64_t>(step_.tiles.size(), static_cast<std::uint64_t>(stream_.ring_tiles));
  for (std::size_t i = 0; i < step_.tiles.size(); ++i) {
    StreamTile& tile = step_.tiles[i];
    tile.layout.address = step_.tile_ring_address + i % step_.tile_ring_places * place_bytes;
    for (const std::size_t index : tile.loads) {
      LoadCommand load = decode_load(step_.commands[index].words);
      const std::uint64_t address = tile.layout.address + load.address_lo;
      load.address_lo = static_cast<std::uint32_t>(address);
      load.address_hi = static_cast<std::uint32_t>(address >> 32);
      load.stream_take = index == tile.loads.front();
      load.stream_release = index == tile.loads.back();
      step_.commands[index].words = encode(load);
    }
  }
  return step_.tile_ring_address + step_.tile_ring_places * place_bytes;
}

}  // namespace corank
