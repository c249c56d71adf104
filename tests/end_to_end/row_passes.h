// Passes that reduce rows, as the compiler has planned them.
#pragma once

#include "host/config/config.h"
#include "models/program/training_program.h"

namespace corank::test {

/// How many may go by phases (host/compiler/row_phases.h), and how many do.
struct RowPasses {
  int all = 0, by_phases = 0;
};

RowPasses row_passes(const TrainingProgram& program, const Config& config);

}  // namespace corank::test
