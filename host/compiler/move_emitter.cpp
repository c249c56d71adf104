#include "host/compiler/move_emitter.h"

#include <algorithm>
#include <set>
#include <vector>

#include "host/compiler/ceil_div.h"
#include "host/compiler/local_halves.h"

namespace corank {
namespace {

class MoveEmitter {
 public:
  MoveEmitter(CommandEmitter& emitter, const StepContext& step, int op, const Movement& movement)
      : emitter_(emitter),
        step_(step),
        op_(op),
        movement_(movement),
        moves_(movement.moves),
        out_(movement.to),
        place_(step.layout(out_)),
        halves_(local_halves(step.machine, step.limits)),
        lanes_(memory_lanes(step.machine)) {}

  // Between two rows at which a move begins or ends, all rows of a panel come from the same places.
  void emit() {
    std::set<std::int64_t> cuts{0, place_.rows()};
    for (const Move& move : moves_) {
      cuts.insert(move.to_row);
      cuts.insert(move.to_row + move.rows);
    }
    for (auto row = cuts.begin(); *row != place_.rows(); ++row) emit_band(*row, *std::next(row));
  }

 private:
  void emit_band(std::int64_t row, std::int64_t end) {
    std::vector<const Move*> moves;
    for (const Move& move : moves_)
      if (move.to_row <= row && row < move.to_row + move.rows) moves.push_back(&move);
    for (std::int64_t column = 0; column < place_.columns();) {
      const Move* alone = alone_from(moves, column);
      const std::int64_t columns =
          alone != nullptr ? std::min(whole_panels(*alone, column), most_columns())
                           : std::min(place_.panel_columns(), place_.columns() - column);
      const std::int64_t height = most_rows(moves, columns);
      for (std::int64_t from = row; from < end; from += height) {
        const Block target{out_, from, column, std::min(height, end - from), columns};
        alone != nullptr ? transfer(*alone, target) : assemble(moves, target);
      }
      column += columns;
    }
  }

  // The move that fills the panel from `column` on, and can do so without the vector unit.
  const Move* alone_from(const std::vector<const Move*>& moves, std::int64_t column) const {
    if (!movement_.exact) return nullptr;
    const std::int64_t end = std::min(column + place_.panel_columns(), place_.columns());
    for (const Move* move : moves) {
      const TensorLayout& from = step_.layout(move->from);
      const std::int64_t offset = move->column + column - move->to_column;
      if (move->to_column <= column && end <= move->to_column + move->columns &&
          from.format == place_.format && offset % place_.panel_columns() == 0)
        return move;
    }
    return nullptr;
  }

  // Columns from `column` on that a move fills, up to the last panel that it fills.
  std::int64_t whole_panels(const Move& move, std::int64_t column) const {
    const std::int64_t columns = move.to_column + move.columns - column;
    if (column + columns == place_.columns()) return columns;
    return columns / place_.panel_columns() * place_.panel_columns();
  }

  // In whole panels, of a row that is moved alone: as many as half of a local memory holds.
  std::int64_t most_columns() const {
    const std::int64_t elements = halves_.lines_of(emitter_.space_of(out_)) * lanes_;
    return std::max<std::int64_t>(elements / place_.panel_columns(), 1) * place_.panel_columns();
  }

  // The rows of a source that a move takes, in whole panels before the first column.
  struct Source {
    Block block;
    std::int64_t first_column = 0;
  };
  Source source_of(const Move& move, std::int64_t row, std::int64_t rows, std::int64_t column,
                   std::int64_t columns) const {
    const std::int64_t panel = step_.layout(move.from).panel_columns();
    const std::int64_t first = move.column + column - move.to_column;
    const std::int64_t aligned = first / panel * panel;
    return {{move.from, move.row + row - move.to_row, aligned, rows, first - aligned + columns},
            first - aligned};
  }

  // That a source and the result fit into half of a local memory. One row does: alone it has no
  // more columns than there is room for, else those of a panel.
  std::int64_t most_rows(const std::vector<const Move*>& moves, std::int64_t columns) const {
    const std::int64_t result = ceil_div(columns, lanes_);
    std::int64_t most = halves_.lines_of(emitter_.space_of(out_)) / result;
    for (const Move* move : moves) {
      const Space space = emitter_.space_of(move->from);
      const std::int64_t source =
          ceil_div(columns + step_.layout(move->from).panel_columns(), lanes_);
      const std::int64_t both = space == emitter_.space_of(out_) ? source + result : source;
      most = std::min(most, halves_.lines_of(space) / both);
    }
    return std::max<std::int64_t>(most, 1);
  }

  void transfer(const Move& move, const Block& target) {
    const std::int64_t line = halves_.line_of(emitter_.space_of(out_), turn_++);
    const Source source = source_of(move, target.row, target.rows, target.column, target.columns);
    emitter_.load(op_, source.block, line);
    emitter_.store(op_, target, line);
  }

  void assemble(const std::vector<const Move*>& moves, const Block& target) {
    const std::size_t turn = turn_++;
    const Space space = emitter_.space_of(out_);
    const Local result{halves_.line_of(space, turn), target.rows, target.columns};
    const std::int64_t end = target.column + target.columns;
    std::int64_t filled = 0;
    for (const Move* move : moves)
      filled += std::max<std::int64_t>(0, std::min(end, move->to_column + move->columns) -
                                              std::max(target.column, move->to_column));
    if (filled < target.columns) {
      emitter_.vector(op_, movement_.fill_place, target.rows, target.columns,
                      {{space, result, true}}, {});
    }
    for (const Move* move : moves) {
      const std::int64_t first = std::max(target.column, move->to_column);
      const std::int64_t columns = std::min(end, move->to_column + move->columns) - first;
      if (columns > 0) copy(*move, target, first, columns, result, turn);
    }
    emitter_.store(op_, target, result.line);
  }

  // Lanes go down the rows, so that columns may begin anywhere.
  void copy(const Move& move, const Block& target, std::int64_t column, std::int64_t columns,
            const Local& result, std::size_t turn) {
    const Source source = source_of(move, target.row, target.rows, column, columns);
    const Space from = emitter_.space_of(move.from), to = emitter_.space_of(out_);
    std::int64_t line = halves_.line_of(from, turn);
    if (from == to) line += lines_of(result.rows, result.columns, lanes_);
    LocalStream read{from, emitter_.load(op_, source.block, line)};
    read.transposed = true;
    read.first_column = source.first_column;
    LocalStream write{to, result, true};
    write.transposed = true;
    write.first_column = column - target.column;
    emitter_.vector(op_, movement_.copy_place, columns, target.rows, {read, write},
                    {interface::kWalkDown, 0, 0});
  }

  CommandEmitter& emitter_;
  const StepContext& step_;
  const int op_;
  const Movement& movement_;
  const std::vector<Move>& moves_;
  const ValueId out_;
  const TensorLayout& place_;
  const LocalHalves halves_;
  const std::int64_t lanes_;
  std::size_t turn_ = 0;
};

}  // namespace

void emit_movements(CommandEmitter& emitter, const StepContext& step, int op) {
  for (const Movement& movement : step.lowering(op).movements)
    MoveEmitter(emitter, step, op, movement).emit();
}

}  // namespace corank
