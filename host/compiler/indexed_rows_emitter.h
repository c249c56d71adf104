// Rows that indices name: gathers, and sums that go to such rows one after the other.
#pragma once

#include "host/compiler/command_emitter.h"

namespace corank {

/// Carries out the gathered and scattered rows of an op by themselves.
void emit_indexed_rows(CommandEmitter& emitter, const StepContext& step, int op);

}  // namespace corank
