// Rows that indices name: gathers, and sums that go to such rows one after the other.
#pragma once

#include "host/compiler/command_emitter.h"

namespace corank {

/// Throws KeyError, with what would give them room, where not one of them fits.
void check_indexed_rows(const StepContext& step, int op);

/// Carries out the gathered and scattered rows of an op by themselves.
void emit_indexed_rows(CommandEmitter& emitter, const StepContext& step, int op);

}  // namespace corank
