// Blocks of the tiles of a region: which elements of a value they are, where they lie in the local
// memories, and how a program goes over them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "host/compiler/command_emitter.h"
#include "host/compiler/local_halves.h"

namespace corank {

/// Rows of a vector that lie in one panel of FP32 numbers: pieces of vectors begin at multiples.
inline constexpr std::int64_t kVectorPiece = interface::kPanelColumnsFp32;

ValueId value_of(const RegionBlock& block);
/// What is neither loaded nor stored is FP32.
ElementFormat format_of(const StepContext& step, const RegionBlock& block);

/// Sums that go on from tile to tile of the same columns.
bool is_carried(const RegionPass& pass, const RegionBlock& block);
/// A row that all tiles of the same columns read. It lies behind the halves, as FP32.
bool is_shared(const StepContext& step, const RegionBlock& block);
bool stays(const StepContext& step, const RegionPass& pass, const RegionBlock& block);
Space space_of(const StepContext& step, const RegionBlock& block);
/// Where it lies in its own format, shared or not.
Space block_space(const StepContext& step, const RegionBlock& block);
inline std::size_t index_of(Space space) { return static_cast<std::size_t>(space); }

bool has_vectors(const RegionPass& pass);
/// What is executed of the program loads or stores this stream.
bool accesses(const VectorProgram& program, interface::VectorOpcode opcode, std::size_t stream,
              const LeftOut& left_out = {});

/// A block of a tile in device memory, and where the tile's first element lies in it.
struct TileBlock {
  Block block;  // without a value: room
  std::int64_t first_column = 0;
};

/// Rows [row, row + rows), columns [column, column + columns) of the region.
struct Tile {
  std::int64_t row = 0, column = 0, rows = 0, columns = 0;
};

class RegionShape {
 public:
  /// Of a pass that is carried out by itself.
  RegionShape(const StepContext& step, const RegionPass& pass)
      : RegionShape(step, pass, local_halves(step.machine, step.limits)) {}
  /// With these parts of the local memories.
  RegionShape(const StepContext& step, const RegionPass& pass, const LocalHalves& halves)
      : step_(step), pass_(pass), halves_(halves), lanes_(memory_lanes(step.machine)) {}

  /// Rows that every block has one below the other.
  std::int64_t segment() const;
  TileBlock block_of(const RegionBlock& block, const Tile& tile) const;
  std::int64_t lines_of(const TileBlock& block) const {
    return corank::lines_of(block.block.rows, block.block.columns, lanes_);
  }
  /// Lines of both memories that a tile takes; what stays apart. Of a vector a piece, and what of
  /// it is the tile's.
  std::array<std::int64_t, 2> lines_of(const Tile& tile, bool staying) const;
  bool fits(std::int64_t rows, std::int64_t columns) const;
  /// Whether each vector has one row a segment, so that its pieces do not go over two.
  bool vectors_begin_with_segments() const;

 private:
  /// Rows of the region that one row of the vector is for.
  std::int64_t rows_of_vector(const RegionBlock& block) const;
  std::int64_t rows_of_value(const RegionBlock& block) const;
  std::int64_t row_of_value(const RegionBlock& block, std::int64_t row) const;

  const StepContext& step_;
  const RegionPass& pass_;
  const LocalHalves halves_;
  const std::int64_t lanes_;
};

/// A block of a tile in a local memory.
struct PlacedBlock {
  const RegionBlock* block;
  TileBlock tile;
  std::int64_t line;
  std::int64_t own_line = -1;  // of what of a vector is the tile's, where that lies apart
};

/// As a stream from one of its columns on, in the accumulators. The region of kRows is the tile's
/// transpose: its columns, which lanes go along, are rows of the tile.
LocalStream stream_of(RegionStep::Walk walk, const PlacedBlock& placed, std::int64_t first_column,
                      const Tile& tile);

/// How a program goes over a tile of the pass, and numbers its rows and columns.
VectorWalk walk_of(RegionStep::Walk walk, const RegionPass& pass, const Tile& tile);

/// From a vector's piece to the tile's own place, or back, element by element: the tile may begin
/// anywhere.
void copy_vector(CommandEmitter& emitter, int op, const RegionPass& pass, const PlacedBlock& vector,
                 const Tile& tile, bool back);
void store_block(CommandEmitter& emitter, int op, const PlacedBlock& placed);

}  // namespace corank
