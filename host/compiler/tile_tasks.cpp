#include "host/compiler/tile_tasks.h"

#include <algorithm>
#include <utility>

namespace corank {

TileTasks::TileTasks(CommandEmitter& emitter, const StepContext& step, const LocalAreas& areas,
                     std::int64_t& turn)
    : emitter_(emitter), step_(step), areas_(areas), turn_(turn) {}

void TileTasks::add_overlapped(int op) {
  if (step_.lowering(op).is_region()) {
    for (auto& task : tasks_of_passes(emitter_, step_, op, overlap_halves(areas_)))
      tasks_.emplace_back(std::move(task));
    return;
  }
  const TurnBuffers buffers = overlap_buffers(areas_);
  step_.product(op) != nullptr ? add_product(op, buffers) : add_elementwise(op, buffers);
}

void TileTasks::add_alone(int op) { add_elementwise(op, alone_buffers(areas_)); }

void TileTasks::add_elementwise(int op, const TurnBuffers& buffers) {
  for (const ElementwiseTile& tile : tiles_of(step_, op, buffers, areas_, tasks_.size()))
    tasks_.emplace_back(tile);
}

void TileTasks::add_product(int op, const TurnBuffers& sums) {
  const Contraction& contraction = *step_.product(op);
  const BlockSize size = overlapped_tile(step_, op).value();  // else it would not be overlapped
  const ContractionShape shape = shape_of(step_, contraction);
  ProductTile tile;
  tile.op = op;
  tile.product = products_of(step_, contraction).front();
  const std::int64_t depth = tile.product.shape.depth;
  std::size_t turn = 0;
  for (std::int64_t column = 0; column < shape.columns; column += size.columns, ++turn) {
    const std::int64_t columns = std::min(size.columns, shape.columns - column);
    tile.sum = {sums.at(turn), shape.rows, columns};
    tile.target = {contraction.out, 0, column, shape.rows, columns};
    // Each part of the depth by itself, so that the loads of the one need not wait for the other.
    for (std::int64_t begin = 0; begin < depth; begin += size.depth) {
      tile.depths = std::min(size.depth, depth - begin);
      tile.moving = moving_block(tile.product, begin, tile.depths, 0, shape.rows);
      tile.stationary = stationary_block(tile.product, begin, tile.depths, column, columns);
      tile.accumulate = begin != 0;
      tile.is_last = begin + tile.depths == depth;
      tasks_.emplace_back(tile);
    }
  }
}

void TileTasks::keep(double share) {
  tasks_.resize(static_cast<std::size_t>(static_cast<double>(tasks_.size()) * share));
}

void TileTasks::emit_until(std::size_t end) {
  for (LoadedTile& tile : loaded_) --tile.calls_left;
  while (!loaded_.empty() && loaded_.front().calls_left <= 0) multiply_loaded();
  for (; next_ < end; ++next_) {
    if (const auto* product = std::get_if<ProductTile>(&tasks_[next_])) {
      if (loaded_.size() == 2) multiply_loaded();
      load(*product);
    } else {
      // It may need a gradient.
      while (!loaded_.empty()) multiply_loaded();
      if (const auto* tile = std::get_if<ElementwiseTile>(&tasks_[next_])) {
        emit(emitter_, step_, *tile);
      } else {
        std::get<RegionTile>(tasks_[next_])();
      }
    }
  }
}

void TileTasks::finish() {
  emit_until(tasks_.size());
  while (!loaded_.empty()) multiply_loaded();
}

void TileTasks::load(const ProductTile& tile) {
  const std::int64_t half = turn_++ % 2;
  const std::int64_t moving_line = areas_.overlap_moving_line + half * areas_.overlap_moving_lines;
  const std::int64_t stationary_line =
      areas_.overlap_stationary_line + half * areas_.overlap_stationary_lines;
  const Local moving = emitter_.load(tile.op, tile.moving, moving_line);
  const Local stationary = emitter_.load(tile.op, tile.stationary, stationary_line);
  loaded_.push_back({&tile, kChunksAhead, moving, stationary});
}

void TileTasks::multiply_loaded() {
  const LoadedTile loaded = loaded_.front();
  loaded_.pop_front();
  const ProductTile& tile = *loaded.tile;
  emitter_.gemm(tile.op, tile.product, tile.depths, loaded.moving, loaded.stationary, 0, tile.sum,
                tile.accumulate);
  if (tile.is_last) emitter_.store(tile.op, tile.target, tile.sum.line);
}

}  // namespace corank
