#include "host/compiler/row_phase_emitter.h"

#include <algorithm>
#include <array>
#include <vector>

#include "host/compiler/local_halves.h"
#include "host/compiler/region_blocks.h"
#include "host/compiler/row_blocks.h"

namespace corank {
namespace {

using interface::VectorOpcode;
using Meets = RegionBlock::Meets;

// What of a phase's program a block does not execute.
LeftOut left_out_of(const RowPhase& phase, bool first, bool last) {
  return {first ? 0 : phase.of_first, last ? 0 : phase.of_last};
}

class RowPhaseEmitter {
 public:
  RowPhaseEmitter(CommandEmitter& emitter, const StepContext& step, int op, const RegionPass& pass)
      : emitter_(emitter),
        step_(step),
        op_(op),
        pass_(pass),
        shape_(step, pass),
        blocks_(row_blocks_of(step, pass)),
        halves_(local_halves(step.machine, step.limits)) {}

  void emit() {
    const std::int64_t segment = shape_.segment();
    for (std::int64_t row = 0; row < pass_.rows; row += segment) {
      const std::int64_t end = std::min(row + segment, pass_.rows);
      for (std::int64_t piece = row; piece < end; piece += kVectorPiece)
        emit_piece({piece, 0, std::min(kVectorPiece, end - piece), pass_.columns});
    }
  }

 private:
  // Groups of rows whose vectors are loaded and stored together.
  void emit_piece(const Tile& piece) {
    place_vectors(piece);
    for (const PlacedBlock& one : vectors_)
      if (one.block->operand >= 0) emitter_.load(op_, one.tile.block, one.line);
    for (std::int64_t row = 0; row < piece.rows; row += blocks_.rows) {
      Tile group = piece;
      group.row += row;
      group.rows = std::min(blocks_.rows, piece.rows - row);
      emit_group(piece, group);
    }
    for (const PlacedBlock& one : vectors_)
      if (one.block->result >= 0) store_block(emitter_, op_, one);
  }

  // Pieces take turns, as blocks do; these lie behind the vectors, whichever half has them.
  void place_vectors(const Tile& piece) {
    const std::int64_t line = halves_.line_of(Space::kAccumulator, piece_++);
    const std::int64_t lanes = memory_lanes(step_.machine);
    vectors_.clear();
    vector_lines_ = 0;
    const auto take = [&](std::int64_t elements) {
      const std::int64_t first = line + vector_lines_;
      vector_lines_ += lines_of(1, elements, lanes);
      return first;
    };
    for (const RegionBlock* block : vectors_of_phases(pass_)) {
      vectors_.push_back({block, shape_.block_of(*block, piece), take(kVectorPiece)});
      if (has_own_parts(step_, pass_, blocks_)) vectors_.back().own_line = take(blocks_.rows);
    }
  }

  void emit_group(const Tile& piece, const Tile& group) {
    for (PlacedBlock& one : vectors_) {
      one.tile.first_column =
          shape_.block_of(*one.block, piece).first_column + group.row - piece.row;
      if (one.own_line >= 0 && one.block->operand >= 0)
        copy_vector(emitter_, op_, pass_, one, group, false);
    }
    for (const RowPhase& phase : pass_.phases) {
      for (std::int64_t column = 0; column < pass_.columns; column += blocks_.columns) {
        Tile tile = group;
        tile.column = column;
        tile.columns = std::min(blocks_.columns, pass_.columns - column);
        run(phase, tile);
      }
    }
    for (const PlacedBlock& one : vectors_)
      if (one.own_line >= 0 && one.block->result >= 0)
        copy_vector(emitter_, op_, pass_, one, group, true);
  }

  // Of each stream of the phase.
  std::vector<PlacedBlock> place(const RowPhase& phase, const Tile& tile) {
    const std::size_t half = block_++ % 2;
    std::array<std::int64_t, 2> line{halves_.line_of(Space::kScratchpad, half),
                                     halves_.line_of(Space::kAccumulator, half) + vector_lines_};
    std::vector<PlacedBlock> placed;
    for (const RegionStream& stream : phase.streams) {
      const RegionBlock& block = pass_.blocks[stream.block];
      if (block.meets == Meets::kColumn) {
        placed.push_back(*std::find_if(vectors_.begin(), vectors_.end(),
                                       [&](const auto& vector) { return vector.block == &block; }));
        continue;
      }
      std::int64_t& next = line[index_of(block_space(step_, block))];
      placed.push_back({&block, shape_.block_of(block, tile), next});
      next += shape_.lines_of(placed.back().tile);
    }
    return placed;
  }

  void run(const RowPhase& phase, const Tile& tile) {
    const std::vector<PlacedBlock> placed = place(phase, tile);
    const LeftOut left_out =
        left_out_of(phase, tile.column == 0, tile.column + tile.columns == pass_.columns);
    std::vector<LocalStream> streams;
    for (std::size_t i = 0; i < placed.size(); ++i) {
      const PlacedBlock& one = placed[i];
      const bool read = accesses(phase.program, VectorOpcode::kLoad, i, left_out);
      const bool written = accesses(phase.program, VectorOpcode::kStore, i, left_out);
      streams.emplace_back();
      if (!read && !written) continue;
      if (read && one.block->meets != Meets::kColumn) emitter_.load(op_, one.tile.block, one.line);
      streams.back() = stream_of(RegionStep::Walk::kRows, one, 0, tile);
      streams.back().space = block_space(step_, *one.block);
      streams.back().written = written;
    }
    emitter_.vector(op_, phase.program_place, tile.columns, tile.rows, streams,
                    walk_of(RegionStep::Walk::kRows, pass_, tile), left_out);
    for (std::size_t i = 0; i < placed.size(); ++i)
      if (streams[i].written && placed[i].block->meets != Meets::kColumn)
        store_block(emitter_, op_, placed[i]);
  }

  CommandEmitter& emitter_;
  const StepContext& step_;
  const int op_;
  const RegionPass& pass_;
  const RegionShape shape_;
  const RowBlocks blocks_;
  const LocalHalves halves_;
  std::vector<PlacedBlock> vectors_;  // of the piece at hand
  std::int64_t vector_lines_ = 0;     // that they take
  std::size_t piece_ = 0, block_ = 0;
};

}  // namespace

void emit_phases(CommandEmitter& emitter, const StepContext& step, int op, const RegionPass& pass) {
  RowPhaseEmitter(emitter, step, op, pass).emit();
}

}  // namespace corank
