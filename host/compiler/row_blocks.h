// Passes that reduce rows and go by phases: the blocks of columns, and which passes do so.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "host/compiler/step_context.h"

namespace corank {

/// Rows of a group of lanes, and columns of its blocks: whole panels, or all.
struct RowBlocks {
  std::int64_t rows = 0, columns = 0;
};

/// The largest blocks that fit half of the local memories, for as many lanes as there are or as
/// there is room for. No rows: not even a panel of one row fits.
RowBlocks row_blocks_of(const StepContext& step, const RegionPass& pass);

/// The vectors over rows that its phases use.
std::vector<const RegionBlock*> vectors_of_phases(const RegionPass& pass);

/// Lines of both memories (by Space) that a block takes, with the pieces of vectors that its rows
/// need; `pass` has phases.
std::array<std::int64_t, 2> lines_of(const StepContext& step, const RegionPass& pass,
                                     const RowBlocks& blocks);

/// Whether a part of a vector's piece must be copied to where it begins a beat.
bool has_own_parts(const StepContext& step, const RegionPass& pass, const RowBlocks& blocks);

/// Chooses the passes that go by phases: those of which no whole row fits, and those of which so
/// few fit that lanes are idle, where reading the rows once for every phase takes less time than
/// the idle lanes do. `lowerings` are those of the step.
void choose_phases(const StepContext& step, std::vector<OpLowering>& lowerings);

}  // namespace corank
