// Stages: an op alone, or a product with the pieces of others in between.

#include <algorithm>
#include <utility>

#include "host/compiler/lowering.h"

namespace corank {

void Lowering::lower(const Stage& stage, const BlockSize& size) {
  if (contraction_at(stage.op) != nullptr) {
    lower(stage, shape_of(stage), size);
    return;
  }
  begin(stage);
  beside_ = false;
  cut(stage.op);
  finish_pieces();
}

void Lowering::lower(const Stage& stage, const ContractionShape& shape, const BlockSize& size) {
  begin(stage);
  const ContractionShape whole = shape_of(stage);
  pieces_.resize(
      static_cast<std::size_t>(static_cast<double>(pieces_.size()) * share_of(shape, whole)));
  lower(*contraction_at(stage.op), stage.rider, shape, size);
  finish_pieces();
}

void Lowering::begin(const Stage& stage) {
  use_ = use_of(stage);
  areas_ = local_areas(machine_, limits_, use_);
  pieces_.clear();
  next_piece_ = 0;
  beside_ = true;
  for (const int beside : stage.beside) cut(beside);
  op_ = stage.op;
}

void Lowering::finish_pieces() {
  emit_pieces(pieces_.size());
  while (!loaded_pieces_.empty()) multiply_piece();
}

void Lowering::cut(int op) {
  op_ = op;
  contraction_at(op) != nullptr ? cut_product(op) : cut_elementwise(op);
}

void Lowering::cut_product(int index) {
  const Contraction& op = *contraction_at(index);
  const BlockSize size = piece_size(index).value();  // else it would not be beside a product
  step_.blocks[index] = size;
  const ContractionShape shape = shape_of(op);
  const Product product = products_of(op).front();
  const Buffers sums = buffers();
  std::size_t turn = 0;
  for (std::int64_t column = 0; column < shape.columns; column += size.columns, ++turn) {
    const std::int64_t columns = std::min(size.columns, shape.columns - column);
    const Local sum{sums.at(turn), shape.rows, columns};
    // Each part of the depth by itself, so that the loads of the one need not wait for the other.
    for (std::int64_t depth = 0; depth < product.shape.depth; depth += size.depth) {
      const std::int64_t depths = std::min(size.depth, product.shape.depth - depth);
      add_piece([=] {
        const std::int64_t half = piece_turn_++ % 2;
        const auto buffer = [&](std::int64_t line, std::int64_t lines) {
          return Slots(line + half * lines, lines, lines);
        };
        Slots stream_slot = buffer(areas_.piece_stream_line, areas_.piece_stream_lines);
        Slots stationary_slot = buffer(areas_.piece_stationary_line, areas_.piece_stationary_lines);
        const Local stream = load(stream_slot, stream_block(product, depth, depths, 0, shape.rows));
        const Local stationary =
            load(stationary_slot, stationary_block(product, depth, depths, column, columns));
        return [=] {
          emit_gemm(product, depths, stream, stationary, 0, sum, depth != 0);
          if (depth + depths == product.shape.depth)
            store({op.out, 0, column, shape.rows, columns}, sum.line);
        };
      });
    }
  }
}

Lowering::Buffers Lowering::buffers() const {
  return beside_ ? Buffers{areas_.beside_line, areas_.beside_lines, areas_.beside_pitch}
                 : Buffers{0, areas_.alone_lines, areas_.alone_pitch};
}

void Lowering::add_piece(std::function<std::function<void()>()> emit) {
  pieces_.push_back({op_, std::move(emit)});
}

void Lowering::emit_pieces(std::size_t end) {
  for (LoadedPiece& piece : loaded_pieces_) --piece.calls_left;
  while (!loaded_pieces_.empty() && loaded_pieces_.front().calls_left <= 0) multiply_piece();
  for (; next_piece_ < end; ++next_piece_) {
    const Piece& piece = pieces_[next_piece_];
    const int own = std::exchange(op_, piece.op);
    if (contraction_at(piece.op) != nullptr) {
      if (loaded_pieces_.size() == 2) multiply_piece();
      loaded_pieces_.push_back({piece.op, kChunksAhead, piece.emit()});
    } else {
      // It may need a gradient.
      while (!loaded_pieces_.empty()) multiply_piece();
      piece.emit();
    }
    op_ = own;
  }
}

void Lowering::multiply_piece() {
  const LoadedPiece piece = std::move(loaded_pieces_.front());
  loaded_pieces_.pop_front();
  const int own = std::exchange(op_, piece.op);
  piece.multiply();
  op_ = own;
}

}  // namespace corank
