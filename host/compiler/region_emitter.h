// Ops that go over regions: the tiles of their passes.
//
// A tile takes one of two halves of the local memories, so that the loads of one run beside the
// program of the other. Of a pass that reduces rows a tile has whole rows, or the pass goes by
// phases (row_blocks.h).
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "host/compiler/command_emitter.h"
#include "host/compiler/local_halves.h"

namespace corank {

/// Rows and columns of the tiles of a pass; of one with vectors over its rows those of a piece of
/// `rows_together` rows share what was loaded of the vectors.
struct RegionTiles {
  std::int64_t rows = 0, columns = 0, rows_together = 0;
};

/// Of a pass that does not go by phases, with these halves, or by itself. No rows: not even one
/// fits.
RegionTiles tiles_of(const StepContext& step, const RegionPass& pass, const LocalHalves& halves);
RegionTiles tiles_of(const StepContext& step, const RegionPass& pass);
/// Throws KeyError, with the sizes, if the local memories do not hold the smallest tile; `op` names
/// it.
void check_tiles(const StepContext& step, int op, const RegionPass& pass);

/// Cycles of the vector unit for a whole pass, an estimate.
std::int64_t vector_cycles(const StepContext& step, const RegionPass& pass);

/// Whether an op consists of passes whose tiles are no narrower for being overlapped with a product
/// that leaves these areas: as many rows as there are lanes, or as by themselves.
bool may_be_hidden(const StepContext& step, int op, const LocalAreas& areas);

/// Each emits the commands of a tile of the op's passes; to be called in this order. They keep
/// references.
std::vector<std::function<void()>> tasks_of_passes(CommandEmitter& emitter, const StepContext& step,
                                                   int op, const LocalHalves& halves);

}  // namespace corank
