// `corank run CONFIG --fidelity analytic`.
#pragma once

#include <string>

#include "host/analytic/analytic_report.h"
#include "host/run/run.h"

namespace corank {

/// Of the first step of layers or of a fine-tuning run. Writes report.json below
/// options.out_directory. Throws InputError, for options that need a simulation, too; then nothing
/// is written.
AnalyticReport run_analytic(const Config& config, const RunOptions& options);

}  // namespace corank
