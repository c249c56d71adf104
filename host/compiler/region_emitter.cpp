#include "host/compiler/region_emitter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "host/compiler/ceil_div.h"
#include "host/compiler/local_halves.h"
#include "models/base/error.h"

namespace corank {
namespace {

using Meets = RegionBlock::Meets;
using Walk = RegionStep::Walk;

// Rows of a vector that lie in one panel of FP32 numbers: pieces of vectors begin at multiples.
constexpr std::int64_t kVectorPiece = interface::kPanelColumnsFp32;

ValueId value_of(const RegionBlock& block) {
  return block.operand >= 0 ? block.operand : block.result;
}

// What is neither loaded nor stored is FP32.
ElementFormat format_of(const StepContext& step, const RegionBlock& block) {
  const ValueId value = value_of(block);
  return value >= 0 ? step.layout(value).format : ElementFormat::kFp32;
}

// Sums that go on from tile to tile of the same columns.
bool is_carried(const RegionPass& pass, const RegionBlock& block) {
  return block.meets == Meets::kRow && block.result >= 0 &&
         pass.steps.front().walk == Walk::kColumns;
}

// A row that all tiles of the same columns read. It lies behind the halves, as FP32.
bool is_shared(const StepContext& step, const RegionBlock& block) {
  return block.meets == Meets::kRow && block.operand >= 0 && block.result < 0 &&
         step.layout(block.operand).rows() == 1;
}

bool stays(const StepContext& step, const RegionPass& pass, const RegionBlock& block) {
  return is_carried(pass, block) || is_shared(step, block);
}

Space space_of(const StepContext& step, const RegionBlock& block) {
  const bool narrow = format_of(step, block) == ElementFormat::kBf16 && !is_shared(step, block);
  return narrow ? Space::kScratchpad : Space::kAccumulator;
}

std::size_t index_of(Space space) { return static_cast<std::size_t>(space); }

bool has_vectors(const RegionPass& pass) {
  return std::any_of(pass.blocks.begin(), pass.blocks.end(),
                     [](const RegionBlock& block) { return block.meets == Meets::kColumn; });
}

bool stores_to(const VectorProgram& program, std::size_t stream) {
  return std::any_of(program.instructions.begin(), program.instructions.end(), [&](auto word) {
    const interface::VectorInstruction one = interface::decode_vector_instruction(word);
    return one.opcode == interface::VectorOpcode::kStore && one.stream == stream;
  });
}

// A block of a tile in device memory, and where the tile's first element lies in it.
struct TileBlock {
  Block block;  // without a value: room
  std::int64_t first_column = 0;
};

// Rows [row, row + rows), columns [column, column + columns) of the region.
struct Tile {
  std::int64_t row = 0, column = 0, rows = 0, columns = 0;
};

class RegionShape {
 public:
  RegionShape(const StepContext& step, const RegionPass& pass)
      : step_(step), pass_(pass), lanes_(memory_lanes(step.machine)) {}

  // Rows that every block has one below the other.
  std::int64_t segment() const {
    std::int64_t segment = pass_.period > 0 ? pass_.period : pass_.rows;
    for (const RegionBlock& block : pass_.blocks) {
      if (block.meets == Meets::kElements && block.pitch == 0 && value_of(block) >= 0)
        segment = std::gcd(segment, rows_of_value(block));
      if (block.meets == Meets::kRow && value_of(block) >= 0 && rows_of_value(block) > 1)
        segment = std::gcd(segment, block.share);
    }
    return segment;
  }

  TileBlock block_of(const RegionBlock& block, const Tile& tile) const {
    const ValueId value = value_of(block);
    switch (block.meets) {
      case Meets::kElements:
      case Meets::kRow: {
        const bool all = block.columns > 0;
        const std::int64_t columns = all ? block.columns : tile.columns;
        const std::int64_t rows = block.meets == Meets::kRow ? 1 : tile.rows;
        return {{value, row_of_value(block, tile.row), all ? 0 : tile.column, rows, columns}, 0};
      }
      case Meets::kColumn: {
        const std::int64_t first = tile.row / kVectorPiece * kVectorPiece;
        return {{value, 0, first, 1, tile.row + tile.rows - first}, tile.row - first};
      }
      case Meets::kScalar:
        break;
    }
    return {{value, 0, 0, 1, 1}, 0};
  }

  std::int64_t lines_of(const TileBlock& block) const {
    return corank::lines_of(block.block.rows, block.block.columns, lanes_);
  }

  // Lines of both memories that a tile takes; what stays apart. Of a vector a piece, and what of it
  // is the tile's.
  std::array<std::int64_t, 2> lines_of(const Tile& tile, bool staying) const {
    std::array<std::int64_t, 2> lines{};
    for (const RegionBlock& block : pass_.blocks) {
      if (stays(step_, pass_, block) != staying) continue;
      std::int64_t& sum = lines[index_of(space_of(step_, block))];
      sum += lines_of(block_of(block, tile));
      if (block.meets == Meets::kColumn) sum += corank::lines_of(1, tile.rows, lanes_);
    }
    return lines;
  }

  bool fits(std::int64_t rows, std::int64_t columns) const {
    const LocalHalves halves = local_halves(step_.machine, step_.limits);
    // The worst place of a vector's piece: its last rows.
    const std::int64_t row = has_vectors(pass_) && pass_.rows > rows && rows % kVectorPiece != 0
                                 ? kVectorPiece - rows % kVectorPiece
                                 : 0;
    const Tile tile{row, 0, rows, columns};
    const std::array<std::int64_t, 2> lines = lines_of(tile, false), kept = lines_of(tile, true);
    return lines[0] + kept[0] <= halves.lines[0] && lines[1] + kept[1] <= halves.lines[1];
  }

 private:
  std::int64_t rows_of_value(const RegionBlock& block) const {
    return step_.layout(value_of(block)).rows();
  }
  std::int64_t row_of_value(const RegionBlock& block, std::int64_t row) const {
    if (value_of(block) < 0) return 0;
    if (block.pitch > 0)
      return block.first_row + row / pass_.period * block.pitch + row % pass_.period;
    return row / block.share % rows_of_value(block);
  }

  const StepContext& step_;
  const RegionPass& pass_;
  const std::int64_t lanes_;
};

[[noreturn]] void refuse(const StepContext& step, int op, const RegionPass& pass,
                         std::int64_t columns) {
  const RegionShape shape(step, pass);
  const Tile row{0, 0, 1, columns};
  const std::array<std::int64_t, 2> lines = shape.lines_of(row, false),
                                    kept = shape.lines_of(row, true);
  const LocalHalves halves = local_halves(step.machine, step.limits);
  throw KeyError(
      {"compiler.accumulator_kib", "compiler.scratchpad_kib", "accelerator.accumulator.kib",
       "accelerator.scratchpad.kib", "accelerator"},
      fmt::format("{} ({}): not even one row of {} elements fits the local memories: it needs {} "
                  "lines of the accumulators and {} of the scratchpad, half of them have {} and "
                  "{}; give accelerator.accumulator.kib, accelerator.scratchpad.kib or the "
                  "compiler's limits more",
                  result_name(step.graph, step.op(op)), name_of(step.op(op)), columns,
                  lines[1] + kept[1], lines[0] + kept[0], halves.lines[1], halves.lines[0]));
}

// The largest number of rows up to `most`, a multiple of `multiple` or `most` itself; 0: none fits.
std::int64_t most_rows(const RegionShape& shape, std::int64_t columns, std::int64_t most,
                       std::int64_t multiple) {
  if (shape.fits(most, columns)) return most;
  std::int64_t low = 0, high = ceil_div(most, multiple);  // in multiples; low fits, high does not
  while (low + 1 < high) {
    const std::int64_t middle = (low + high) / 2;
    (shape.fits(middle * multiple, columns) ? low : high) = middle;
  }
  return low * multiple;
}

class PassEmitter {
 public:
  PassEmitter(CommandEmitter& emitter, const StepContext& step, int op, const RegionPass& pass)
      : emitter_(emitter),
        step_(step),
        op_(op),
        pass_(pass),
        shape_(step, pass),
        tiles_(tiles_of(step, op, pass)),
        halves_(local_halves(step.machine, step.limits)) {}

  void emit() {
    const std::int64_t segment = shape_.segment();
    for (std::int64_t column = 0; column < pass_.columns; column += tiles_.columns) {
      const std::int64_t columns = std::min(tiles_.columns, pass_.columns - column);
      is_first_ = true;
      load_shared({0, column, 1, columns});
      for (std::int64_t row = 0; row < pass_.rows; row += segment)
        emit_segment({row, column, std::min(segment, pass_.rows - row), columns});
      for (const Placed& one : last_placed_)
        if (is_carried(pass_, *one.block)) store_block(one);
    }
  }

 private:
  struct Placed {
    const RegionBlock* block;
    TileBlock tile;
    std::int64_t line;
    std::int64_t own_line = -1;  // of what of a vector is the tile's, where that lies apart
  };

  void emit_segment(const Tile& segment) {
    for (std::int64_t row = 0; row < segment.rows; row += tiles_.rows_together) {
      Tile piece = segment;
      piece.row += row;
      piece.rows = std::min(tiles_.rows_together, segment.rows - row);
      emit_piece(piece);
    }
  }

  // Tiles whose vectors are loaded and stored together.
  void emit_piece(const Tile& piece) {
    const std::size_t half = turn_++ % 2;
    for (std::int64_t row = 0; row < piece.rows; row += tiles_.rows) {
      Tile tile = piece;
      tile.row += row;
      tile.rows = std::min(tiles_.rows, piece.rows - row);
      const bool last = row + tiles_.rows >= piece.rows;
      const std::vector<Placed> placed = place(tile, piece, half);
      for (const Placed& one : placed) load(one, row == 0);
      for (const Placed& one : placed)
        if (one.own_line >= 0 && one.block->operand >= 0) copy_vector(one, tile, false);
      for (const RegionStep& step : pass_.steps) run(step, placed, tile);
      for (const Placed& one : placed)
        if (one.own_line >= 0 && one.block->result >= 0) copy_vector(one, tile, true);
      is_first_ = false;
      for (const Placed& one : placed) {
        const bool vector = one.block->meets == Meets::kColumn;
        const bool due = !is_carried(pass_, *one.block) && (!vector || last);
        if (one.block->result >= 0 && due) store_block(one);
      }
      last_placed_ = placed;
    }
  }

  // Rows that all tiles of these columns read; those of BF16 become FP32 on the way.
  void load_shared(const Tile& columns) {
    for (const Placed& one : place(columns, columns, 0)) {
      if (!is_shared(step_, *one.block)) continue;
      const Block& block = one.tile.block;
      if (format_of(step_, *one.block) != ElementFormat::kBf16) {
        emitter_.load(op_, block, one.line);
        continue;
      }
      const Local narrow = emitter_.load(op_, block, halves_.line_of(Space::kScratchpad, turn_++));
      const Local wide{one.line, block.rows, block.columns};
      emitter_.vector(op_, pass_.copy_place, block.rows, block.columns,
                      {{Space::kScratchpad, narrow}, {Space::kAccumulator, wide, true}}, {});
    }
  }

  // Between the piece and the tile's own place, element by element: it may begin anywhere.
  void copy_vector(const Placed& placed, const Tile& tile, bool back) {
    LocalStream piece = vector_stream(placed.line, placed.tile.block.columns);
    piece.first_column = placed.tile.first_column;
    LocalStream own = vector_stream(placed.own_line, tile.rows);
    (back ? piece : own).written = true;
    emitter_.vector(op_, pass_.copy_place, tile.rows, 1,
                    back ? std::vector{own, piece} : std::vector{piece, own}, {});
  }
  static LocalStream vector_stream(std::int64_t line, std::int64_t columns) {
    LocalStream stream{Space::kAccumulator, {line, 1, columns}};
    stream.transposed = stream.is_column = true;
    return stream;
  }

  // Vectors have room for the whole piece, from its first row on. They lie where they are for all
  // tiles of the piece, the last one too, which may have fewer rows than the others.
  std::vector<Placed> place(const Tile& tile, const Tile& piece, std::size_t half) const {
    std::array<std::int64_t, 2> line{}, carried{};
    for (const std::size_t space : {0, 1}) {
      line[space] = halves_.line_of(static_cast<Space>(space), half);
      carried[space] = halves_.end_of(static_cast<Space>(space));
    }
    const bool apart = tiles_.rows < tiles_.rows_together;
    Tile with_all_rows = tile;
    if (apart) with_all_rows.rows = tiles_.rows;
    std::vector<Placed> placed;
    for (const RegionBlock& block : pass_.blocks) {
      const std::size_t space = index_of(space_of(step_, block));
      TileBlock of_tile = shape_.block_of(block, tile);
      std::int64_t lines = shape_.lines_of(shape_.block_of(block, with_all_rows));
      if (block.meets == Meets::kColumn) {
        of_tile.block = shape_.block_of(block, piece).block;
        of_tile.first_column = tile.row - of_tile.block.column;
        lines = shape_.lines_of(of_tile);
      }
      if (stays(step_, pass_, block)) {
        carried[space] -= lines;
        placed.push_back({&block, of_tile, carried[space]});
        continue;
      }
      placed.push_back({&block, of_tile, line[space]});
      line[space] += lines;
      if (block.meets == Meets::kColumn && apart) {
        placed.back().own_line = line[space];
        line[space] += corank::lines_of(1, with_all_rows.rows, memory_lanes(step_.machine));
      }
    }
    return placed;
  }

  void load(const Placed& placed, bool first_of_piece) {
    if (placed.block->operand < 0) return;
    if (placed.block->meets == Meets::kColumn && !first_of_piece) return;
    if (is_shared(step_, *placed.block) || (is_carried(pass_, *placed.block) && !is_first_)) return;
    emitter_.load(op_, placed.tile.block, placed.line);
  }

  void store_block(const Placed& placed) {
    Block block = placed.tile.block;
    block.value = placed.block->result;
    emitter_.store(op_, block, placed.line);
  }

  void run(const RegionStep& step, const std::vector<Placed>& placed, const Tile& tile) {
    std::vector<LocalStream> streams;
    for (std::size_t i = 0; i < step.streams.size(); ++i) {
      const RegionStream& stream = step.streams[i];
      streams.push_back(stream_of(step.walk, placed[stream.block], stream.first_column, tile));
      streams.back().written = stores_to(step.program, i);
    }
    const bool rows = step.walk == Walk::kRows;
    VectorWalk walk;
    walk.walk = rows                          ? interface::kWalkDown
                : step.walk == Walk::kColumns ? interface::kWalkAcross
                                              : interface::kWalkRows;
    const std::int64_t number = pass_.period > 0 ? tile.row % pass_.period : tile.row;
    walk.first_row = rows ? tile.column : number;
    walk.first_column = rows ? number : tile.column;
    const bool continues = step.walk == Walk::kColumns && !is_first_;
    emitter_.vector(op_, continues ? step.continuation_place : step.program_place,
                    rows ? tile.columns : tile.rows, rows ? tile.rows : tile.columns, streams,
                    walk);
  }

  // The region of kRows is the tile's transpose: its columns, which lanes go along, are rows of the
  // tile.
  LocalStream stream_of(Walk walk, const Placed& placed, std::int64_t first_column,
                        const Tile& tile) const {
    const bool rows = walk == Walk::kRows;
    const Block& block = placed.tile.block;
    LocalStream stream;
    stream.space = space_of(step_, *placed.block);
    stream.local = {placed.line, block.rows, block.columns};
    stream.first_column = placed.tile.first_column + first_column;
    switch (placed.block->meets) {
      case Meets::kElements:
        stream.transposed = rows;
        break;
      case Meets::kRow:
        stream.transposed = rows;
        (rows ? stream.is_column : stream.is_row) = true;
        break;
      case Meets::kColumn:  // a vector lies along a line
        stream.transposed = !rows;
        (rows ? stream.is_row : stream.is_column) = true;
        if (rows && placed.own_line >= 0) {
          stream.local = {placed.own_line, 1, tile.rows};
          stream.first_column = 0;
        }
        break;
      case Meets::kScalar:
        stream.is_row = stream.is_column = true;
        break;
    }
    return stream;
  }

  CommandEmitter& emitter_;
  const StepContext& step_;
  const int op_;
  const RegionPass& pass_;
  const RegionShape shape_;
  const RegionTiles tiles_;
  const LocalHalves halves_;
  std::size_t turn_ = 0;
  bool is_first_ = true;  // tile of the rows of these columns
  std::vector<Placed> last_placed_;
};

}  // namespace

RegionTiles tiles_of(const StepContext& step, int op, const RegionPass& pass) {
  const RegionShape shape(step, pass);
  const std::int64_t segment = shape.segment();
  // As many columns as a group has, of those that fit; whole panels.
  std::int64_t columns = pass.columns;
  if (!pass.whole_rows) {
    const std::int64_t panels = ceil_div(pass.columns, kPanelColumns);
    std::int64_t most = panels;
    while (most > 1 && !shape.fits(std::min<std::int64_t>(segment, kVectorPiece),
                                   std::min(pass.columns, most * kPanelColumns)))
      most /= 2;
    columns = std::min(pass.columns, most * kPanelColumns);
  }
  RegionTiles tiles;
  tiles.columns = columns;
  // Pieces of vectors begin at panels; a smaller tile has a place of its own for its part of one.
  const bool vectors = has_vectors(pass);
  if (vectors && segment < pass.rows)
    throw MachineError("internal fault, please report it: " + result_name(step.graph, step.op(op)) +
                       " has vectors over the rows of several segments");
  tiles.rows = tiles.rows_together = most_rows(shape, columns, segment, vectors ? kVectorPiece : 1);
  if (tiles.rows == 0) {
    tiles.rows_together = std::min(segment, kVectorPiece);
    tiles.rows = most_rows(shape, columns, tiles.rows_together, 1);
    if (tiles.rows > 0)
      tiles.rows = ceil_div(tiles.rows_together, ceil_div(tiles.rows_together, tiles.rows));
  }
  if (tiles.rows == 0) refuse(step, op, pass, columns);
  return tiles;
}

std::int64_t vector_cycles(const StepContext& step, const RegionPass& pass) {
  std::int64_t cycles = 0;
  for (const RegionStep& one : pass.steps) {
    cycles += ceil_div(pass.rows * pass.columns, step.machine.vector_lanes) *
              cycles_per_beat(one.program);
  }
  return cycles;
}

void emit_passes(CommandEmitter& emitter, const StepContext& step, int op) {
  for (const RegionPass& pass : step.lowering(op).passes)
    PassEmitter(emitter, step, op, pass).emit();
}

}  // namespace corank
