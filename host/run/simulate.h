// One simulation of a compiled program, from the configuration.
#pragma once

#include <string>
#include <vector>

#include "host/compiler/compiler.h"
#include "host/config/config.h"
#include "host/driver/driver.h"
#include "host/run/run.h"
#include "host/workload/workload.h"
#include "models/program/executor.h"
#include "sim/platform/platform.h"

namespace corank {

struct Simulated {
  std::vector<StepResult> steps;  // what each measured, the last one given up perhaps
  TensorMap results;              // of the last step; empty: it was given up
  PlatformResult platform;

  bool stopped() const { return steps.back().stopped; }
};

/// What the compiler is told of the memory.
MemoryTiming memory_timing_of(const Config& config);

/// The program for the machine, with the limits and the kind of weights that the configuration
/// names.
CompiledStep compile_for(const Config& config, const TrainingProgram& program);

/// What a configuration says of the platform and the driver. Which accelerator, the library of the
/// verilated one and who listens are up to the caller.
PlatformConfig platform_of(const Config& config);
DriverOptions driver_options_of(const Config& config);

/// A program of layers, from the configuration to the commands.
struct PreparedStep {
  Workload workload;  // what is left of it when its inputs have been taken
  TrainingProgram program;
  std::int64_t steps = 1;
  TensorMap inputs;  // by name: what is given once, and what the first step is fed
  CompiledStep step;
  std::vector<std::uint32_t> snapshots_after;  // these commands, in the order of their ends
};

/// Loads the program and carries out its steps; stops with one that is given up. Returns the
/// results of the last step.
ExecutedStep execute_steps(Executor& executor, const PreparedStep& prepared);

/// A workload's program.
PreparedStep prepare_step(const Config& config, Workload workload);

/// Throws InputError where the configuration asks for what the step of a layer does not have, or
/// for no step.
PreparedStep prepare_step(const Config& config);

/// The library of the verilated machine; builds it if it is not there yet. With the cycle model:
/// "".
std::string build_machine(const Config& config, const RunOptions& options);

/// Runs the steps, with snapshots before the first doorbell of each, after it and after its
/// download, and in the first step after each command of prepared.snapshots_after, on the
/// accelerator of options.fidelity, which build_machine has built. What `observer` listens to is
/// not in the result.
Simulated simulate(const Config& config, const RunOptions& options, const PreparedStep& prepared,
                   const std::string& machine, const SimulationObserver& observer = {});

}  // namespace corank
