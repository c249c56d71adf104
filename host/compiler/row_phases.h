// Programs that reduce rows, cut so that a row is gone over block by block of columns.
//
// A program's sections of strips become phases: each goes over all columns of the rows, block by
// block, before the next one begins. What lies in the registers of the vector unit (chains, and
// what is computed once a row) stays there from command to command, so the rows of a block are at
// most a group's, and no other program may run in between. Chains go on where they were: the blocks
// but the last have an even number of strips.
#pragma once

#include <vector>

#include "host/compiler/ops/op_lowering.h"
#include "host/compiler/recorder.h"

namespace corank {

/// The phases of what was recorded, whose stream k is block k. The program may have any number of
/// streams, a phase has kMostStreams at most. Throws MachineError where a phase needs more, or
/// reads elements that an earlier phase has written: blocks do not stay in the local memories.
std::vector<RowPhase> row_phases(const Recorder& recorder, const std::vector<RegionBlock>& blocks);

}  // namespace corank
