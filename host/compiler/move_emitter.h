// Ops that only move elements: by loads and stores where both places begin a panel, else by the
// vector unit, which puts the panels of the result together.
#pragma once

#include "host/compiler/command_emitter.h"

namespace corank {

/// Carries out the movements of an op by themselves.
void emit_movements(CommandEmitter& emitter, const StepContext& step, int op);

}  // namespace corank
