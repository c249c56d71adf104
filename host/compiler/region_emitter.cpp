#include "host/compiler/region_emitter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "host/compiler/ceil_div.h"
#include "host/compiler/local_halves.h"
#include "host/compiler/region_blocks.h"
#include "host/compiler/row_blocks.h"
#include "host/compiler/row_phase_emitter.h"
#include "models/base/error.h"

namespace corank {
namespace {

using Meets = RegionBlock::Meets;
using Walk = RegionStep::Walk;

// Lines that the smallest tile takes: a row, or one of its panels.
std::array<std::int64_t, 2> fewest_lines(const StepContext& step, const RegionPass& pass,
                                         std::int64_t columns) {
  if (!pass.phases.empty()) return lines_of(step, pass, RowBlocks{1, columns});
  const RegionShape shape(step, pass);
  const Tile row{0, 0, 1, columns};
  std::array<std::int64_t, 2> lines = shape.lines_of(row, false);
  const std::array<std::int64_t, 2> kept = shape.lines_of(row, true);
  for (const std::size_t space : {0, 1}) lines[space] += kept[space];
  return lines;
}

[[noreturn]] void refuse(const StepContext& step, int op, const RegionPass& pass) {
  const bool whole = pass.whole_rows && pass.phases.empty();
  const std::int64_t columns = whole ? pass.columns : std::min(pass.columns, kPanelColumns);
  const std::array<std::int64_t, 2> lines = fewest_lines(step, pass, columns);
  const LocalHalves halves = local_halves(step.machine, step.limits);
  throw KeyError(
      {"compiler.accumulator_kib", "compiler.scratchpad_kib", "accelerator.accumulator.kib",
       "accelerator.scratchpad.kib", "accelerator"},
      fmt::format("{} ({}): not even {} elements of one row fit the local memories: they need {} "
                  "lines of the accumulators and {} of the scratchpad, half of them have {} and "
                  "{}; give accelerator.accumulator.kib, accelerator.scratchpad.kib or the "
                  "compiler's limits more",
                  result_name(step.graph, step.op(op)), name_of(step.op(op)), columns, lines[1],
                  lines[0], halves.lines[1], halves.lines[0]));
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

// The tiles of a pass, each of which is a task.
class PassEmitter {
 public:
  PassEmitter(CommandEmitter& emitter, const StepContext& step, int op, const RegionPass& pass,
              const LocalHalves& halves)
      : emitter_(emitter),
        step_(step),
        op_(op),
        pass_(pass),
        shape_(step, pass, halves),
        tiles_(tiles_of(step, pass, halves)),
        halves_(halves) {}

  struct Task {
    Tile tile, piece;  // tiles of a piece have their vectors loaded and stored together
    bool begins_columns = false, ends_columns = false, begins_piece = false, ends_piece = false;
  };

  std::vector<Task> tasks() const {
    std::vector<Task> tasks;
    const std::int64_t segment = shape_.segment();
    for (std::int64_t column = 0; column < pass_.columns; column += tiles_.columns) {
      const std::size_t first = tasks.size();
      const std::int64_t columns = std::min(tiles_.columns, pass_.columns - column);
      for (std::int64_t row = 0; row < pass_.rows; row += segment)
        add_segment({row, column, std::min(segment, pass_.rows - row), columns}, tasks);
      tasks[first].begins_columns = true;
      tasks.back().ends_columns = true;
    }
    return tasks;
  }

  void emit(const Task& task) {
    const Tile& tile = task.tile;
    if (task.begins_columns) {
      is_first_ = true;
      load_shared({0, tile.column, 1, tile.columns});
    }
    if (task.begins_piece) half_ = turn_++ % 2;
    const std::vector<PlacedBlock> placed = place(tile, task.piece, half_);
    for (const PlacedBlock& one : placed) load(one, task.begins_piece);
    for (const PlacedBlock& one : placed)
      if (one.own_line >= 0 && one.block->operand >= 0)
        copy_vector(emitter_, op_, pass_, one, tile, false);
    for (const RegionStep& step : pass_.steps) run(step, placed, tile);
    for (const PlacedBlock& one : placed)
      if (one.own_line >= 0 && one.block->result >= 0)
        copy_vector(emitter_, op_, pass_, one, tile, true);
    is_first_ = false;
    for (const PlacedBlock& one : placed) {
      const bool vector = one.block->meets == Meets::kColumn;
      const bool due =
          is_carried(pass_, *one.block) ? task.ends_columns : !vector || task.ends_piece;
      if (one.block->result >= 0 && due) store_block(emitter_, op_, one);
    }
  }

 private:
  void add_segment(const Tile& segment, std::vector<Task>& tasks) const {
    for (std::int64_t row = 0; row < segment.rows; row += tiles_.rows_together) {
      Tile piece = segment;
      piece.row += row;
      piece.rows = std::min(tiles_.rows_together, segment.rows - row);
      for (std::int64_t first = 0; first < piece.rows; first += tiles_.rows) {
        Task task{piece, piece};
        task.tile.row += first;
        task.tile.rows = std::min(tiles_.rows, piece.rows - first);
        task.begins_piece = first == 0;
        task.ends_piece = first + tiles_.rows >= piece.rows;
        tasks.push_back(task);
      }
    }
  }

  // Rows that all tiles of these columns read; those of BF16 become FP32 on the way.
  void load_shared(const Tile& columns) {
    for (const PlacedBlock& one : place(columns, columns, 0)) {
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

  // Vectors have room for the whole piece, from its first row on. They lie where they are for all
  // tiles of the piece, the last one too, which may have fewer rows than the others.
  std::vector<PlacedBlock> place(const Tile& tile, const Tile& piece, std::size_t half) const {
    std::array<std::int64_t, 2> line{}, carried{};
    for (const std::size_t space : {0, 1}) {
      line[space] = halves_.line_of(static_cast<Space>(space), half);
      carried[space] = halves_.end_of(static_cast<Space>(space));
    }
    const bool apart = tiles_.rows < tiles_.rows_together;
    Tile with_all_rows = tile;
    if (apart) with_all_rows.rows = tiles_.rows;
    std::vector<PlacedBlock> placed;
    for (const RegionBlock& block : pass_.blocks) {
      const std::size_t space = index_of(space_of(step_, block));
      TileBlock of_tile = shape_.block_of(block, tile);
      std::int64_t lines = shape_.lines_of(shape_.block_of(block, with_all_rows));
      if (block.meets == Meets::kColumn) {
        of_tile = shape_.block_of(block, piece);
        of_tile.first_column += tile.row - piece.row;
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

  void load(const PlacedBlock& placed, bool first_of_piece) {
    if (placed.block->operand < 0) return;
    if (placed.block->meets == Meets::kColumn && !first_of_piece) return;
    if (is_shared(step_, *placed.block) || (is_carried(pass_, *placed.block) && !is_first_)) return;
    emitter_.load(op_, placed.tile.block, placed.line);
  }

  void run(const RegionStep& step, const std::vector<PlacedBlock>& placed, const Tile& tile) {
    std::vector<LocalStream> streams;
    for (std::size_t i = 0; i < step.streams.size(); ++i) {
      const RegionStream& stream = step.streams[i];
      const PlacedBlock& one = placed[stream.block];
      streams.push_back(stream_of(step.walk, one, stream.first_column, tile));
      streams.back().space = space_of(step_, *one.block);
      streams.back().written = accesses(step.program, interface::VectorOpcode::kStore, i);
    }
    const bool rows = step.walk == Walk::kRows;
    const bool continues = step.walk == Walk::kColumns && !is_first_;
    emitter_.vector(op_, continues ? step.continuation_place : step.program_place,
                    rows ? tile.columns : tile.rows, rows ? tile.rows : tile.columns, streams,
                    walk_of(step.walk, pass_, tile));
  }

  CommandEmitter& emitter_;
  const StepContext& step_;
  const int op_;
  const RegionPass& pass_;
  const RegionShape shape_;
  const RegionTiles tiles_;
  const LocalHalves halves_;
  std::size_t turn_ = 0, half_ = 0;
  bool is_first_ = true;  // tile of the rows of these columns
};

}  // namespace

RegionTiles tiles_of(const StepContext& step, const RegionPass& pass) {
  return tiles_of(step, pass, local_halves(step.machine, step.limits));
}

RegionTiles tiles_of(const StepContext& step, const RegionPass& pass, const LocalHalves& halves) {
  const RegionShape shape(step, pass, halves);
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
  if (!shape.vectors_begin_with_segments())
    throw MachineError(
        "internal fault, please report it: a pass has vectors that do not begin with its segments");
  tiles.rows = tiles.rows_together = most_rows(shape, columns, segment, vectors ? kVectorPiece : 1);
  if (tiles.rows == 0) {
    tiles.rows_together = std::min(segment, kVectorPiece);
    tiles.rows = most_rows(shape, columns, tiles.rows_together, 1);
    if (tiles.rows > 0)
      tiles.rows = ceil_div(tiles.rows_together, ceil_div(tiles.rows_together, tiles.rows));
  }
  return tiles;
}

void check_tiles(const StepContext& step, int op, const RegionPass& pass) {
  if (!pass.by_phases && tiles_of(step, pass).rows == 0) refuse(step, op, pass);
}

std::int64_t vector_cycles(const StepContext& step, const RegionPass& pass) {
  const std::int64_t lanes = step.machine.vector_lanes;
  // Strips and what is done once for the rows that lanes are.
  const auto reducing = [&](const VectorProgram& program) {
    const BeatCycles beat = beat_cycles(program);
    const std::int64_t strips = ceil_div(pass.columns, interface::kStripBeats);
    return ceil_div(pass.rows, lanes) * interface::kStripBeats * (strips * beat.strips + beat.once);
  };
  std::int64_t cycles = 0;
  if (pass.by_phases) {
    for (const RowPhase& phase : pass.phases) cycles += reducing(phase.program);
    return cycles;
  }
  for (const RegionStep& one : pass.steps) {
    cycles += one.walk == Walk::kRows
                  ? reducing(one.program)
                  : ceil_div(pass.rows * pass.columns, lanes) * cycles_per_beat(one.program);
  }
  return cycles;
}

std::vector<std::function<void()>> tasks_of_passes(CommandEmitter& emitter, const StepContext& step,
                                                   int op, const LocalHalves& halves) {
  std::vector<std::function<void()>> tasks;
  for (const RegionPass& pass : step.lowering(op).passes) {
    if (pass.by_phases) {
      tasks.emplace_back([&emitter, &step, op, &pass] { emit_phases(emitter, step, op, pass); });
      continue;
    }
    const auto tiles = std::make_shared<PassEmitter>(emitter, step, op, pass, halves);
    for (const PassEmitter::Task& task : tiles->tasks())
      tasks.emplace_back([tiles, task] { tiles->emit(task); });
  }
  return tasks;
}

bool may_be_hidden(const StepContext& step, int op, const LocalAreas& areas) {
  const OpLowering& lowering = step.lowering(op);
  if (lowering.passes.empty() || !lowering.movements.empty() || !lowering.gathered.empty() ||
      !lowering.scattered.empty())
    return false;
  return std::all_of(lowering.passes.begin(), lowering.passes.end(), [&](const RegionPass& pass) {
    if (pass.by_phases) return false;
    const std::int64_t rows = tiles_of(step, pass, overlap_halves(areas)).rows;
    return rows >= std::min<std::int64_t>(step.machine.vector_lanes, tiles_of(step, pass).rows);
  });
}

}  // namespace corank
