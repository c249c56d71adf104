// Passes that reduce rows and go by phases: a group of rows after the other, of each one phase
// after the other, of each one block of columns after the other.
#pragma once

#include "host/compiler/command_emitter.h"

namespace corank {

/// Registers go on from command to command: no other program runs between those of a group.
void emit_phases(CommandEmitter& emitter, const StepContext& step, int op, const RegionPass& pass);

}  // namespace corank
