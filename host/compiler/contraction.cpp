// A contraction: its gemms block by block, the loads ahead of them, and what ends a block.

#include <algorithm>
#include <deque>
#include <map>
#include <tuple>
#include <utility>

#include "host/compiler/lowering.h"

namespace corank {
namespace {

// A gemm that takes the whole of a block, or a part of its depth.
struct Chunk {
  std::int64_t row, column;
  const Product* product;
  std::int64_t depth;
  bool first, last;                                                             // of the block
  std::int64_t stream_again = Slots::kNever, stationary_again = Slots::kNever;  // later chunks
};

struct Operands {
  Local stream, stationary;
  Local rider;  // its own one, where one rides
};

// When each chunk's operands are needed again.
void find_next_uses(std::vector<Chunk>& chunks) {
  using Key = std::tuple<const Product*, std::int64_t, std::int64_t>;
  std::map<Key, std::int64_t> stream, stationary;
  for (std::size_t i = chunks.size(); i-- > 0;) {
    Chunk& chunk = chunks[i];
    const auto note = [&](std::map<Key, std::int64_t>& uses, std::int64_t place,
                          std::int64_t& again) {
      const auto [use, first] = uses.try_emplace({chunk.product, place, chunk.depth}, 0);
      if (!first) again = use->second;
      use->second = static_cast<std::int64_t>(i);
    };
    note(stream, chunk.row, chunk.stream_again);
    note(stationary, chunk.column, chunk.stationary_again);
  }
}

// The gemms in their order: blocks, and of each block the products and their depth.
std::vector<Chunk> chunks_of(const std::vector<Product>& products, const ContractionShape& shape,
                             const BlockSize& size) {
  std::vector<Chunk> chunks;
  const auto add_block = [&](std::int64_t row, std::int64_t column) {
    const std::size_t begin = chunks.size();
    for (const Product& product : products) {
      for (std::int64_t depth = 0; depth < product.shape.depth; depth += size.depth)
        chunks.push_back({row, column, &product, depth, chunks.size() == begin, false});
    }
    chunks.back().last = true;
  };
  const std::int64_t outer_step = size.columns_outer ? size.columns : size.rows;
  const std::int64_t inner_step = size.columns_outer ? size.rows : size.columns;
  for (std::int64_t outer = 0; outer < (size.columns_outer ? shape.columns : shape.rows);
       outer += outer_step) {
    for (std::int64_t inner = 0; inner < (size.columns_outer ? shape.rows : shape.columns);
         inner += inner_step) {
      size.columns_outer ? add_block(inner, outer) : add_block(outer, inner);
    }
  }
  find_next_uses(chunks);
  return chunks;
}

}  // namespace

void Lowering::lower(const Contraction& op, int rider_op, const ContractionShape& shape,
                     const BlockSize& size) {
  std::optional<Rider> rider;
  if (rider_op >= 0) rider = rider_of(rider_op, op);
  std::vector<Product> products = products_of(op);
  for (std::size_t i = 0; i < products.size(); ++i) products[i].shape = shape.products[i];
  step_.blocks[op_] = size;

  Slots stream_slots(areas_.stream_line, areas_.stream_lines,
                     stream_lines(size, shape, areas_.lanes), next_stream_line_);
  Slots stationary_slots(areas_.stationary_line, areas_.stationary_lines,
                         stationary_lines(size, shape, areas_.lanes), next_stationary_line_);
  Slots output_slots(areas_.output_line, areas_.output_lines,
                     std::min(output_lines(size, shape, areas_.lanes), areas_.output_lines),
                     next_output_line_);
  Slots bias_slots(areas_.bias_line, areas_.bias_lines,
                   lines_of(1, std::min(size.columns, shape.columns), areas_.lanes));
  const std::vector<Chunk> chunks = chunks_of(products, shape, size);
  Slots rider_slots(
      areas_.rider_line, areas_.rider_lines,
      rider ? lines_of(rider->own_block(0, size.depth), areas_.lanes) : areas_.stream_lines);
  const auto rides = [&](const Chunk& chunk) {
    return rider && chunk.column == 0 && chunk.product == &products.front();
  };
  std::int64_t tile_column = -1;
  const auto load_operands = [&](const Chunk& chunk) {
    const Product& product = *chunk.product;
    const std::int64_t rows = std::min(size.rows, shape.rows - chunk.row);
    const std::int64_t columns = std::min(size.columns, shape.columns - chunk.column);
    const std::int64_t depths = std::min(size.depth, product.shape.depth - chunk.depth);
    if (is_streamed(product.stationary) && chunk.column != tile_column) {
      begin_tile(product, chunk.column, columns);
      tile_column = chunk.column;
    }
    Operands operands;
    operands.stream =
        load(stream_slots, stream_block(product, chunk.depth, depths, chunk.row, rows),
             chunk.stream_again);
    const Block right = stationary_block(product, chunk.depth, depths, chunk.column, columns);
    operands.stationary = is_streamed(product.stationary)
                              ? load_from_tile(stationary_slots, right, chunk.stationary_again)
                              : load(stationary_slots, right, chunk.stationary_again);
    if (rides(chunk)) operands.rider = load(rider_slots, rider->own_block(chunk.depth, depths));
    return operands;
  };
  Local sum;
  const auto multiply = [&](const Chunk& chunk, const Operands& operands) {
    const std::int64_t rows = std::min(size.rows, shape.rows - chunk.row);
    const std::int64_t columns = std::min(size.columns, shape.columns - chunk.column);
    const std::int64_t depths = std::min(size.depth, chunk.product->shape.depth - chunk.depth);
    if (chunk.first)
      sum = {areas_.sum_line + sums_++ % size.sum_buffers * areas_.sum_pitch, rows, columns};
    // A single buffer of sums goes from the array to the vector unit and back in slices.
    const bool sliced = size.slice > 0 && (chunk.first || chunk.last);
    const std::int64_t slice = sliced ? size.slice : columns;
    for (std::int64_t first = 0; first < columns; first += slice) {
      const std::int64_t count = std::min(slice, columns - first);
      const Local part = panels_of(sum, first, count);
      emit_gemm(*chunk.product, depths, operands.stream, operands.stationary, first, part,
                !chunk.first);
      if (chunk.last) {
        finish_block(op_, {op.out, chunk.row, chunk.column + first, rows, count}, part, bias_slots,
                     output_slots);
      }
    }
  };
  const auto multiply_rider = [&](const Chunk& chunk, const Operands& operands) {
    const int own = std::exchange(op_, rider->op);
    const std::int64_t rows = std::min(size.rows, shape.rows - chunk.row);
    const std::int64_t depths = std::min(size.depth, chunk.product->shape.depth - chunk.depth);
    const Local rider_sum{areas_.beside_line, rows, rider->width};
    emit_gemm(rider->product, depths, operands.stream, operands.rider, 0, rider_sum, !chunk.first);
    if (chunk.depth + depths == chunk.product->shape.depth) {
      finish_block(rider->op, {rider->contraction->out, chunk.row, 0, rows, rider->width},
                   rider_sum, bias_slots, output_slots);
    }
    op_ = own;
  };
  // Loads are some chunks ahead of their gemms in the ring, so that the commands that end a block
  // do not hold them back; never more than their places allow, and never before the rider has
  // stored what they load.
  std::size_t ahead =
      static_cast<std::size_t>(std::min(stream_slots.count(), stationary_slots.count()) - 1);
  if (rider) ahead = std::min(ahead, static_cast<std::size_t>(rider_slots.count() - 1));
  ahead = std::min(ahead, kChunksAhead);
  stream_slots.protect(kTurns);
  stationary_slots.protect(kTurns);
  const auto last_ridden = std::find_if(chunks.rbegin(), chunks.rend(), rides);
  const auto ridden = static_cast<std::size_t>(chunks.rend() - last_ridden);  // chunks up to there
  std::deque<Operands> loaded;
  std::size_t next = 0;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    // Between the gemms the pieces of the ops beside them are spread evenly, behind the rider,
    // whose result they may need and whose sums lie where theirs will.
    if (i >= ridden) emit_pieces(pieces_.size() * (i + 1 - ridden) / (chunks.size() - ridden));
    for (; next < std::min(chunks.size(), i + 1 + ahead); ++next) {
      const bool waits = next > i && i < ridden && chunks[next].product != &products.front();
      if (waits) break;
      loaded.push_back(load_operands(chunks[next]));
    }
    multiply(chunks[i], loaded.front());
    if (rides(chunks[i])) multiply_rider(chunks[i], loaded.front());
    loaded.pop_front();
  }
  next_stream_line_ = stream_slots.next();
  next_stationary_line_ = stationary_slots.next();
  next_output_line_ = output_slots.next();
}

void Lowering::finish_block(int index, const Block& target, const Local& sum, Slots& bias_slots,
                            Slots& output_slots) {
  const Contraction& op = *contraction_at(index);
  if (lowering(index).program.empty()) {
    store(target, sum.line);
    return;
  }
  Stream bias;
  if (op.bias) {
    bias = {Space::kAccumulator, load(bias_slots, {*op.bias, 0, target.column, 1, target.columns}),
            false, true};
  }
  Stream result{Space::kAccumulator, sum, true, false};
  if (layout(op.out).dtype != DType::F32) {
    result = {Space::kScratchpad,
              {output_slots.take(target).first, target.rows, target.columns},
              true,
              false};
  }
  emit_vector(index, target.rows, target.columns,
              {{Space::kAccumulator, sum, false, false}, bias, result});
  store(target, result.local.line);
}

}  // namespace corank
