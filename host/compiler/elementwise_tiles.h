// Element-wise ops in tiles that fit the local memories.
#pragma once

#include <cstdint>
#include <vector>

#include "host/compiler/command_emitter.h"

namespace corank {

/// The two buffers of the accumulators that tiles take turns with.
struct TurnBuffers {
  std::int64_t line = 0, lines = 0, pitch = 0;

  std::int64_t at(std::size_t turn) const {
    return line + static_cast<std::int64_t>(turn % 2) * pitch;
  }
};

TurnBuffers overlap_buffers(const LocalAreas& areas);
TurnBuffers alone_buffers(const LocalAreas& areas);

/// Of the streams of an op those of FP32, in the accumulators, and those of BF16, in the
/// scratchpad.
struct StreamCount {
  std::int64_t wide = 0, narrow = 0;
};
StreamCount count_streams(const StepContext& step, int op);

/// Lines that each stream of a tile may take, where FP32 has buffers of so many.
std::int64_t most_lines(const StreamCount& count, std::int64_t buffer_lines,
                        const LocalAreas& areas);

struct ElementwiseTile {
  int op = -1;
  Block block;  // of every operand and result but a row
  // Where the first stream of either width lies, and the lines of each.
  std::int64_t wide_line = 0, wide_lines = 0, narrow_line = 0, narrow_lines = 0;
};

/// The tiles of an op. `turn`: of the first one. Throws KeyError, with the sizes, if not even one
/// row of a panel fits.
std::vector<ElementwiseTile> tiles_of(const StepContext& step, int op, const TurnBuffers& buffers,
                                      const LocalAreas& areas, std::size_t turn);
/// Their size.
BlockSize tile_size(const StepContext& step, int op, const TurnBuffers& buffers,
                    const LocalAreas& areas);

/// Loads the operands, runs the program, stores the results.
void emit(CommandEmitter& emitter, const StepContext& step, const ElementwiseTile& tile);

}  // namespace corank
