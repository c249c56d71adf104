#include "host/compiler/product_emitter.h"

#include <algorithm>
#include <deque>
#include <map>
#include <tuple>

namespace corank {

ProductEmitter::ProductEmitter(CommandEmitter& emitter, const StepContext& step,
                               const LocalAreas& areas, BufferTurns& turns, const Stage& stage,
                               const ContractionShape& shape, const BlockSize& size,
                               std::int64_t matrix)
    : emitter_(emitter),
      step_(step),
      areas_(areas),
      turns_(turns),
      op_(stage.op),
      shape_(shape),
      size_(size),
      first_row_(matrix * shape_of(step, *step.product(stage.op)).rows),
      products_(products_of(step, *step.product(stage.op), matrix)),
      moving_(areas.moving_line, areas.moving_lines, moving_lines(size, shape, areas.lanes),
              turns.moving_line),
      stationary_(areas.stationary_line, areas.stationary_lines,
                  stationary_lines(size, shape, areas.lanes), turns.stationary_line),
      output_(areas.output_line, areas.output_lines,
              std::min(output_lines(size, shape, areas.lanes), areas.output_lines),
              turns.output_line),
      narrow_bias_(use_of(step, stage).narrow_biases),
      bias_(narrow_bias_ ? areas.narrow_bias_line : areas.bias_line,
            narrow_bias_ ? areas.narrow_bias_lines : areas.bias_lines,
            lines_of(1, std::min(size.columns, shape.columns), areas.lanes)),
      fused_own_(areas.fused_line, areas.fused_lines, areas.moving_lines),
      followers_(emitter, step, areas, stage, turns.followers) {
  for (std::size_t i = 0; i < products_.size(); ++i) products_[i].shape = shape.products[i];
  if (stage.fused >= 0) {
    fused_ = fused_product(step, stage.fused, *step.product(stage.op));
    const Block own = fused_->own_block(0, size.depth);
    fused_own_ = TileBuffer(areas.fused_line, areas.fused_lines,
                            lines_of(own.rows, own.columns, areas.lanes));
  }
  find_chunks();
}

void ProductEmitter::emit(TileTasks& tiles, Part part) {
  const std::size_t ahead = chunks_ahead();
  moving_.protect(kTurns);
  stationary_.protect(kTurns);
  const auto last_fused = std::find_if(chunks_.rbegin(), chunks_.rend(),
                                       [&](const Chunk& chunk) { return is_fused(chunk); });
  const auto fused = static_cast<std::size_t>(chunks_.rend() - last_fused);  // chunks up to there
  std::deque<Operands> loaded;
  std::size_t next = 0;
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    // The tiles come behind the fused product, whose result they may need and whose sums lie where
    // theirs will.
    if (i >= fused) {
      const std::size_t all = chunks_.size() - fused;
      const std::size_t done = static_cast<std::size_t>(part.index) * all + i + 1 - fused;
      tiles.emit_until(tiles.size() * done / (static_cast<std::size_t>(part.count) * all));
    }
    for (; next < std::min(chunks_.size(), i + 1 + ahead); ++next) {
      // Never before the fused product has stored what is loaded.
      if (next > i && i < fused && chunks_[next].product != 0) break;
      loaded.push_back(load_operands(chunks_[next]));
    }
    // In the middle of a block, those of the block before.
    in_block_ = chunks_[i].first ? 1 : in_block_ + 1;
    followers_.emit_until(static_cast<double>(in_block_) / static_cast<double>(chunks_of_block_));
    multiply(chunks_[i], loaded.front());
    if (is_fused(chunks_[i])) multiply_fused(chunks_[i], loaded.front());
    loaded.pop_front();
  }
  followers_.finish();
  turns_.moving_line = moving_.next();
  turns_.stationary_line = stationary_.next();
  turns_.output_line = output_.next();
}

// Blocks, and of each block the products and their depth.
void ProductEmitter::find_chunks() {
  const std::int64_t outer_step = size_.columns_outer ? size_.columns : size_.rows;
  const std::int64_t inner_step = size_.columns_outer ? size_.rows : size_.columns;
  for (std::int64_t outer = 0; outer < (size_.columns_outer ? shape_.columns : shape_.rows);
       outer += outer_step) {
    for (std::int64_t inner = 0; inner < (size_.columns_outer ? shape_.rows : shape_.columns);
         inner += inner_step) {
      size_.columns_outer ? add_block(inner, outer) : add_block(outer, inner);
    }
  }
  find_next_uses();
}

void ProductEmitter::add_block(std::int64_t row, std::int64_t column) {
  const std::size_t begin = chunks_.size();
  for (std::size_t product = 0; product < products_.size(); ++product) {
    const std::int64_t all = products_[product].shape.depth;
    for (std::int64_t depth = 0; depth < all; depth += size_.depth) {
      Chunk chunk;
      chunk.row = row;
      chunk.column = column;
      chunk.product = product;
      chunk.depth = depth;
      chunk.rows = std::min(size_.rows, shape_.rows - row);
      chunk.columns = std::min(size_.columns, shape_.columns - column);
      chunk.depths = std::min(size_.depth, all - depth);
      chunk.first = chunks_.size() == begin;
      chunks_.push_back(chunk);
    }
  }
  chunks_.back().last = true;
  chunks_of_block_ = chunks_.size() - begin;
}

void ProductEmitter::find_next_uses() {
  using Key = std::tuple<std::size_t, std::int64_t, std::int64_t>;
  std::map<Key, std::int64_t> moving, stationary;
  for (std::size_t i = chunks_.size(); i-- > 0;) {
    Chunk& chunk = chunks_[i];
    const auto note = [&](std::map<Key, std::int64_t>& uses, std::int64_t place,
                          std::int64_t& again) {
      const auto [use, first] = uses.try_emplace({chunk.product, place, chunk.depth}, 0);
      if (!first) again = use->second;
      use->second = static_cast<std::int64_t>(i);
    };
    note(moving, chunk.row, chunk.moving_again);
    note(stationary, chunk.column, chunk.stationary_again);
  }
}

bool ProductEmitter::is_fused(const Chunk& chunk) const {
  return fused_ && chunk.column == 0 && chunk.product == 0;
}

// Loads are some chunks ahead of their gemms in the ring, so that the commands that end a block do
// not hold them back; never more than their places allow.
std::size_t ProductEmitter::chunks_ahead() const {
  std::int64_t places = std::min(moving_.count(), stationary_.count());
  if (fused_) places = std::min(places, fused_own_.count());
  return std::min(static_cast<std::size_t>(places - 1), kChunksAhead);
}

Local ProductEmitter::load(TileBuffer& buffer, const Block& block, std::int64_t needed_again) {
  const auto [line, there] = buffer.take(block, needed_again);
  // Each part of a streamed weight is taken by a load, even if it is still there.
  const bool begins_tile = step_.is_streamed(block.value) && emitter_.tile_is_new();
  if (!there || begins_tile) emitter_.load(op_, block, line);
  return {line, block.rows, block.columns};
}

ProductEmitter::Operands ProductEmitter::load_operands(const Chunk& chunk) {
  const Product& product = products_[chunk.product];
  const std::pair tile{chunk.product, chunk.column};
  if (step_.is_streamed(product.stationary) && tile != tile_) {
    emitter_.begin_tile(product, chunk.column, chunk.columns);
    tile_ = tile;
  }
  Operands operands;
  operands.moving =
      load(moving_, moving_block(product, chunk.depth, chunk.depths, chunk.row, chunk.rows),
           chunk.moving_again);
  operands.stationary =
      load(stationary_,
           stationary_block(product, chunk.depth, chunk.depths, chunk.column, chunk.columns),
           chunk.stationary_again);
  if (is_fused(chunk))
    operands.fused = load(fused_own_, fused_->own_block(chunk.depth, chunk.depths));
  return operands;
}

void ProductEmitter::multiply(const Chunk& chunk, const Operands& operands) {
  if (chunk.first) {
    const std::int64_t buffer = turns_.sums++ % size_.sum_buffers;
    sum_ = {areas_.sum_line + buffer * areas_.sum_pitch, chunk.rows, chunk.columns};
  }
  // A single buffer of sums goes from the array to the vector unit and back in slices.
  const bool sliced = size_.slice > 0 && (chunk.first || chunk.last);
  const std::int64_t slice = sliced ? size_.slice : chunk.columns;
  const ValueId out = step_.product(op_)->out;
  for (std::int64_t first = 0; first < chunk.columns; first += slice) {
    const std::int64_t count = std::min(slice, chunk.columns - first);
    const Local part = emitter_.panels_of(sum_, first, count);
    emitter_.gemm(op_, products_[chunk.product], chunk.depths, operands.moving, operands.stationary,
                  first, part, !chunk.first);
    if (!chunk.last) continue;
    const Block target{out, first_row_ + chunk.row, chunk.column + first, chunk.rows, count};
    followers_.finish();
    const LocalStream result = finish_block(op_, target, part);
    followers_.begin(target, result.space, result.local);
    // What comes next has the place of these sums.
    if (size_.sum_buffers == 1) followers_.finish();
  }
}

void ProductEmitter::multiply_fused(const Chunk& chunk, const Operands& operands) {
  const Local sum{areas_.overlap_line, chunk.rows, fused_->width};
  emitter_.gemm(fused_->op, fused_->product, chunk.depths, operands.moving, operands.fused, 0, sum,
                !chunk.first);
  if (chunk.depth + chunk.depths == products_[chunk.product].shape.depth)
    finish_block(fused_->op, {fused_->out, chunk.row, 0, chunk.rows, fused_->width}, sum);
}

// From the sums of a block of the output to memory.
LocalStream ProductEmitter::finish_block(int op, const Block& target, const Local& sum) {
  const bool leaves = !step_.is_local(target.value);
  if (step_.lowering(op).program.empty()) {
    if (leaves) emitter_.store(op, target, sum.line);
    return {Space::kAccumulator, sum};
  }
  LocalStream bias;
  if (const std::optional<ValueId>& value = step_.product(op)->bias) {
    const Block block{*value, 0, target.column, 1, target.columns};
    const auto [line, there] = bias_.take(block);
    if (!there) emitter_.load(op, block, line);
    bias = {emitter_.space_of(*value), {line, 1, target.columns}, false, true};
  }
  LocalStream result{emitter_.space_of(target.value), sum, true, false};
  if (result.space == Space::kScratchpad)
    result.local = {output_.take(target).first, target.rows, target.columns};
  std::vector<LocalStream> streams(kMostStreams);
  streams[kEpilogueSum] = {Space::kAccumulator, sum, false, false};
  streams[kEpilogueBias] = bias;
  streams[kEpilogueOut] = result;
  emitter_.vector(op, target.rows, target.columns, streams);
  if (leaves) emitter_.store(op, target, result.local.line);
  return result;
}

}  // namespace corank
