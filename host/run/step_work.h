// What each layer, kind of work and pass took of the first step of a simulation.
#pragma once

#include "host/config/config.h"
#include "host/report/work.h"
#include "host/run/measurement.h"
#include "host/run/simulate.h"

namespace corank {

/// The cycles add up to those of the step, the bytes to what the accelerator moved, the energy to
/// that of the step without the transfers before and after it.
StepWorkByKey step_work(const Config& config, const PreparedProgram& prepared,
                        const Simulated& simulated, const StepSums& sums);

}  // namespace corank
