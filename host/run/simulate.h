// One simulation of a compiled step, from the configuration.
#pragma once

#include <string>

#include "host/compiler/compiler.h"
#include "host/config/config.h"
#include "host/driver/driver.h"
#include "host/run/run.h"
#include "sim/platform/platform.h"

namespace corank {

struct Simulated {
  StepResult result;
  PlatformResult platform;
};

/// Refuses what the step of a layer does not have, with InputError.
void check_layer_step(const Config& config);

CompiledStep compile_for(const Config& config, const Graph& graph);

/// The library of the verilated machine; builds it if it is not there yet. With the cycle model:
/// "".
std::string build_machine(const Config& config, const RunOptions& options);

/// Runs the step on the accelerator of options.fidelity. What `observer` listens to is not in the
/// result.
Simulated simulate(const Config& config, const RunOptions& options, const CompiledStep& step,
                   const Graph& graph, const TensorMap& inputs,
                   const SimulationObserver& observer = {});

}  // namespace corank
