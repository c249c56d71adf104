#include "host/compiler/region_blocks.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "host/compiler/local_halves.h"

namespace corank {

using Meets = RegionBlock::Meets;
using Walk = RegionStep::Walk;

ValueId value_of(const RegionBlock& block) {
  return block.operand >= 0 ? block.operand : block.result;
}

ElementFormat format_of(const StepContext& step, const RegionBlock& block) {
  const ValueId value = value_of(block);
  return value >= 0 ? step.layout(value).format : ElementFormat::kFp32;
}

bool is_carried(const RegionPass& pass, const RegionBlock& block) {
  return block.meets == Meets::kRow && block.result >= 0 &&
         pass.steps.front().walk == Walk::kColumns;
}

bool is_shared(const StepContext& step, const RegionBlock& block) {
  return block.meets == Meets::kRow && block.operand >= 0 && block.result < 0 &&
         step.layout(block.operand).rows() == 1;
}

bool stays(const StepContext& step, const RegionPass& pass, const RegionBlock& block) {
  return is_carried(pass, block) || is_shared(step, block);
}

Space space_of(const StepContext& step, const RegionBlock& block) {
  return is_shared(step, block) ? Space::kAccumulator : block_space(step, block);
}

Space block_space(const StepContext& step, const RegionBlock& block) {
  return format_of(step, block) == ElementFormat::kBf16 ? Space::kScratchpad : Space::kAccumulator;
}

bool has_vectors(const RegionPass& pass) {
  return std::any_of(pass.blocks.begin(), pass.blocks.end(),
                     [](const RegionBlock& block) { return block.meets == Meets::kColumn; });
}

bool accesses(const VectorProgram& program, interface::VectorOpcode opcode, std::size_t stream,
              const LeftOut& left_out) {
  const auto first = program.instructions.begin() + static_cast<std::ptrdiff_t>(left_out.first);
  const auto end = program.instructions.end() - static_cast<std::ptrdiff_t>(left_out.last);
  return std::any_of(first, end, [&](std::uint64_t word) {
    const interface::VectorInstruction one = interface::decode_vector_instruction(word);
    return one.opcode == opcode && one.stream == stream;
  });
}

std::int64_t RegionShape::segment() const {
  std::int64_t segment = pass_.period > 0 ? pass_.period : pass_.rows;
  for (const RegionBlock& block : pass_.blocks) {
    if (block.meets == Meets::kElements && block.pitch == 0 && value_of(block) >= 0)
      segment = std::gcd(segment, step_.layout(value_of(block)).rows_together());
    if (block.meets == Meets::kRow && value_of(block) >= 0 && rows_of_value(block) > 1)
      segment = std::gcd(segment, block.share);
  }
  return segment;
}

TileBlock RegionShape::block_of(const RegionBlock& block, const Tile& tile) const {
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
      const std::int64_t length = rows_of_vector(block);
      const std::int64_t row = tile.row % length, first = row / kVectorPiece * kVectorPiece;
      return {{value, tile.row / length, first, 1, row + tile.rows - first}, row - first};
    }
    case Meets::kScalar:
      break;
  }
  return {{value, 0, 0, 1, 1}, 0};
}

std::array<std::int64_t, 2> RegionShape::lines_of(const Tile& tile, bool staying) const {
  std::array<std::int64_t, 2> lines{};
  for (const RegionBlock& block : pass_.blocks) {
    if (stays(step_, pass_, block) != staying) continue;
    std::int64_t& sum = lines[index_of(space_of(step_, block))];
    sum += lines_of(block_of(block, tile));
    if (block.meets == Meets::kColumn) sum += corank::lines_of(1, tile.rows, lanes_);
  }
  return lines;
}

std::int64_t RegionShape::rows_of_vector(const RegionBlock& block) const {
  const bool several = value_of(block) >= 0 && rows_of_value(block) > 1;
  return several ? step_.layout(value_of(block)).columns() : pass_.rows;
}

bool RegionShape::vectors_begin_with_segments() const {
  const std::int64_t rows = segment();
  return std::all_of(pass_.blocks.begin(), pass_.blocks.end(), [&](const RegionBlock& block) {
    return block.meets != Meets::kColumn || rows_of_vector(block) == rows;
  });
}

bool RegionShape::fits(std::int64_t rows, std::int64_t columns) const {
  // A tile of fewer rows has the whole piece of a vector, to its last row.
  const std::int64_t piece = std::min(segment(), kVectorPiece);
  const std::int64_t row = has_vectors(pass_) ? std::max<std::int64_t>(0, piece - rows) : 0;
  const Tile tile{row, 0, rows, columns};
  const std::array<std::int64_t, 2> lines = lines_of(tile, false), kept = lines_of(tile, true);
  return lines[0] + kept[0] <= halves_.lines[0] && lines[1] + kept[1] <= halves_.lines[1];
}

std::int64_t RegionShape::rows_of_value(const RegionBlock& block) const {
  return step_.layout(value_of(block)).rows();
}

std::int64_t RegionShape::row_of_value(const RegionBlock& block, std::int64_t row) const {
  if (value_of(block) < 0) return 0;
  if (block.pitch > 0)
    return block.first_row + row / pass_.period * block.pitch + row % pass_.period;
  return row / block.share % rows_of_value(block);
}

VectorWalk walk_of(Walk walk, const RegionPass& pass, const Tile& tile) {
  const std::int64_t number = pass.period > 0 ? tile.row % pass.period : tile.row;
  switch (walk) {
    case Walk::kElements:
      return {interface::kWalkRows, number, tile.column};
    case Walk::kColumns:
      return {interface::kWalkAcross, number, tile.column};
    case Walk::kRows:  // lanes go along the rows of the tile
      break;
  }
  return {interface::kWalkDown, tile.column, number};
}

LocalStream stream_of(Walk walk, const PlacedBlock& placed, std::int64_t first_column,
                      const Tile& tile) {
  const bool rows = walk == Walk::kRows;
  const Block& block = placed.tile.block;
  LocalStream stream;
  stream.space = Space::kAccumulator;
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

void copy_vector(CommandEmitter& emitter, int op, const RegionPass& pass, const PlacedBlock& vector,
                 const Tile& tile, bool back) {
  const auto stream = [](std::int64_t line, std::int64_t columns) {
    LocalStream one{Space::kAccumulator, {line, 1, columns}};
    one.transposed = one.is_column = true;
    return one;
  };
  LocalStream piece = stream(vector.line, vector.tile.block.columns);
  piece.first_column = vector.tile.first_column;
  LocalStream own = stream(vector.own_line, tile.rows);
  (back ? piece : own).written = true;
  emitter.vector(op, pass.copy_place, tile.rows, 1,
                 back ? std::vector{own, piece} : std::vector{piece, own}, {});
}

void store_block(CommandEmitter& emitter, int op, const PlacedBlock& placed) {
  Block block = placed.tile.block;
  block.value = placed.block->result;
  emitter.store(op, block, placed.line);
}

}  // namespace corank
