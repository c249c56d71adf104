// One simulation of a compiled step, from the configuration.
#pragma once

#include <string>

#include "host/compiler/compiler.h"
#include "host/config/config.h"
#include "host/driver/driver.h"
#include "host/run/run.h"
#include "host/workload/workload.h"
#include "sim/platform/platform.h"

namespace corank {

struct Simulated {
  StepResult result;
  PlatformResult platform;
};

/// The step for the machine, with the limits and the kind of weights that the configuration names.
CompiledStep compile_for(const Config& config, const Graph& graph);

/// What a configuration says of the platform and the driver. Which accelerator, the library of the
/// verilated one and who listens are up to the caller.
PlatformConfig platform_of(const Config& config);
DriverOptions driver_options_of(const Config& config);

/// A step of layers, from the configuration to the commands.
struct PreparedStep {
  Workload workload;
  TensorMap inputs;
  Graph graph;
  CompiledStep step;
  std::vector<std::uint32_t> snapshots_after;  // these commands, in the order of their ends
};

/// A workload's step.
PreparedStep prepare_step(const Config& config, Workload workload);

/// Throws InputError where the configuration asks for what the step of a layer does not have, or
/// for no step.
PreparedStep prepare_step(const Config& config);

/// The library of the verilated machine; builds it if it is not there yet. With the cycle model:
/// "".
std::string build_machine(const Config& config, const RunOptions& options);

/// Runs the step, with snapshots before the first doorbell, after each command of
/// prepared.snapshots_after and after the step, on the accelerator of options.fidelity, which
/// build_machine has built. What `observer` listens to is not in the result.
Simulated simulate(const Config& config, const RunOptions& options, const PreparedStep& prepared,
                   const std::string& machine, const SimulationObserver& observer = {});

}  // namespace corank
