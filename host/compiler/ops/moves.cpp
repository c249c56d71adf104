// Ops that move elements from one place to another, and compute nothing.
#include <algorithm>

#include "host/compiler/ops/op_lowering.h"
#include "host/compiler/recorder.h"

namespace corank {
namespace {

OpLowering by_moves(const Graph& graph, ValueId out, std::vector<Move> moves) {
  OpLowering lowering;
  lowering.movements.push_back(movement_of(graph, out, graph.value(out).dtype, std::move(moves)));
  return lowering;
}

std::int64_t rows_of(const Shape& shape) { return element_count(shape) / shape.back(); }

// `length` entries along an axis, from `from` on in `in` and to `to` on in the result. Rows of a
// matrix are all dimensions but the last.
void add_part(const Graph& graph, ValueId in, ValueId out, int axis, std::int64_t from,
              std::int64_t to, std::int64_t length, std::vector<Move>& moves) {
  const Shape& source = graph.value(in).shape;
  const Shape& target = graph.value(out).shape;
  if (static_cast<std::size_t>(axis) + 1 == source.size()) {
    moves.push_back({in, 0, from, 0, to, rows_of(source), length});
    return;
  }
  std::int64_t inner = 1;  // rows of an entry
  for (std::size_t i = static_cast<std::size_t>(axis) + 1; i + 1 < source.size(); ++i)
    inner *= source[i];
  const std::int64_t pitch = source[static_cast<std::size_t>(axis)] * inner;
  const std::int64_t to_pitch = target[static_cast<std::size_t>(axis)] * inner;
  for (std::int64_t outer = 0; outer * pitch < rows_of(source); ++outer) {
    moves.push_back({in, outer * pitch + from * inner, 0, outer * to_pitch + to * inner, 0,
                     length * inner, source.back()});
  }
}

// Rows one by one, those that follow each other at both places in one move.
void add_row(ValueId from, std::int64_t row, std::int64_t to_row, std::int64_t columns,
             std::vector<Move>& moves) {
  if (!moves.empty()) {
    Move& last = moves.back();
    if (last.from == from && last.row + last.rows == row && last.to_row + last.rows == to_row) {
      ++last.rows;
      return;
    }
  }
  moves.push_back({from, row, 0, to_row, 0, 1, columns});
}

}  // namespace

// What a result holds in its format moves as it is; what it does not is rounded, as everything is.
Movement movement_of(const Graph& graph, ValueId to, DType dtype, std::vector<Move> moves,
                     std::int32_t filled_with) {
  Movement movement;
  movement.to = to;
  movement.exact = std::all_of(moves.begin(), moves.end(), [&](const Move& move) {
    return dtype != DType::BF16 || graph.value(move.from).dtype == DType::BF16;
  });
  movement.moves = std::move(moves);
  Recorder copy, fill;
  if (movement.exact) {
    copy.store_exactly(1, copy.load(0));
  } else {
    copy.store(1, copy.load(0));
  }
  fill.store(0, fill.fill(filled_with));
  movement.copy = copy.program();
  movement.fill = fill.program();
  return movement;
}

OpLowering lowering_of(const Graph& graph, const Slice& op) {
  std::vector<Move> moves;
  add_part(graph, op.in, op.out, op.axis, op.begin, 0, op.length, moves);
  return by_moves(graph, op.out, std::move(moves));
}

OpLowering lowering_of(const Graph& graph, const Pad& op) {
  std::vector<Move> moves;
  add_part(graph, op.in, op.out, op.axis, 0, op.begin,
           graph.value(op.in).shape[static_cast<std::size_t>(op.axis)], moves);
  return by_moves(graph, op.out, std::move(moves));
}

OpLowering lowering_of(const Graph& graph, const Concat& op) {
  std::vector<Move> moves;
  std::int64_t to = 0;
  for (const ValueId part : op.parts) {
    const std::int64_t length = graph.value(part).shape[static_cast<std::size_t>(op.axis)];
    add_part(graph, part, op.out, op.axis, 0, to, length, moves);
    to += length;
  }
  return by_moves(graph, op.out, std::move(moves));
}

OpLowering lowering_of(const Graph& graph, const SplitHeads& op) {
  const Shape& out = graph.value(op.out).shape;
  const std::int64_t sequence = out[1], size = out[2];
  std::vector<Move> moves;
  for (std::int64_t head = 0; head < out[0]; ++head) {
    moves.push_back({op.in, head / op.heads * sequence, head % op.heads * size, head * sequence, 0,
                     sequence, size});
  }
  return by_moves(graph, op.out, std::move(moves));
}

OpLowering lowering_of(const Graph& graph, const MergeHeads& op) {
  const Shape& in = graph.value(op.in).shape;
  const std::int64_t sequence = in[1], size = in[2];
  std::vector<Move> moves;
  for (std::int64_t head = 0; head < in[0]; ++head) {
    moves.push_back({op.in, head * sequence, 0, head / op.heads * sequence, head % op.heads * size,
                     sequence, size});
  }
  return by_moves(graph, op.out, std::move(moves));
}

OpLowering lowering_of(const Graph& graph, const RepeatHeads& op) {
  const Shape& out = graph.value(op.out).shape;
  const std::int64_t sequence = out[1];
  std::vector<Move> moves;
  for (std::int64_t head = 0; head < out[0]; ++head)
    moves.push_back({op.in, head / op.times * sequence, 0, head * sequence, 0, sequence, out[2]});
  return by_moves(graph, op.out, std::move(moves));
}

OpLowering lowering_of(const Graph& graph, const SelectRows& op) {
  std::vector<Move> moves;
  for (std::size_t i = 0; i < op.rows.size(); ++i) {
    add_row(op.in, op.rows[i], static_cast<std::int64_t>(i), graph.value(op.in).shape.back(),
            moves);
  }
  return by_moves(graph, op.out, std::move(moves));
}

OpLowering lowering_of(const Graph& graph, const PlaceRows& op) {
  std::vector<Move> moves;
  for (std::size_t i = 0; i < op.rows.size(); ++i) {
    add_row(op.in, static_cast<std::int64_t>(i), op.rows[i], graph.value(op.in).shape.back(),
            moves);
  }
  return by_moves(graph, op.out, std::move(moves));
}

OpLowering lowering_of(const Graph& graph, const ReplaceRows& op) {
  std::vector<Move> moves;
  const Shape& shape = graph.value(op.table).shape;
  for (std::int64_t row = 0; row < shape[0]; ++row) {
    const auto replaced = std::find(op.rows.begin(), op.rows.end(), row);
    if (replaced == op.rows.end()) {
      add_row(op.table, row, row, shape[1], moves);
    } else {
      add_row(op.replacement, replaced - op.rows.begin(), row, shape[1], moves);
    }
  }
  return by_moves(graph, op.out, std::move(moves));
}

}  // namespace corank
