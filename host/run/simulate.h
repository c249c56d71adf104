// One simulation of a compiled program, from the configuration.
#pragma once

#include <functional>
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

/// Throws InputError if waves are asked for that are not there.
void check_waves(const RunOptions& options);

/// Throws InputError if the configuration names other numerics than the accelerator's.
void require_device_numerics(const Config& config);

/// The program for the machine, with the limits and the kind of weights that the configuration
/// names. `packed`: as compile() takes it.
CompiledStep compile_for(const Config& config, const TrainingProgram& program,
                         const QuantizedMap& packed = {});
/// Where its values lie.
Plan plan_memory_for(const Config& config, const TrainingProgram& program);

/// What a configuration says of the platform and the driver. Which accelerator, the library of the
/// verilated one and who listens are up to the caller.
PlatformConfig platform_of(const Config& config);
DriverOptions driver_options_of(const Config& config);

/// A program, compiled for the configuration's machine.
struct PreparedProgram {
  TrainingProgram program;
  CompiledStep step;
  std::int64_t steps = 1;         // so often it is carried out
  std::uint64_t asked_bytes = 0;  // of results, that the host reads back in all of them
  std::vector<std::uint32_t> snapshots_after;  // these commands, in the order of their ends
};

/// A program of layers, from the configuration to the commands.
struct PreparedStep : PreparedProgram {
  Workload workload;    // what is left of it when its inputs have been taken
  TensorMap inputs;     // by name: what is given once, and what the first step is fed
  QuantizedMap packed;  // and what is given packed
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

/// What the host does with the device: loads the program and carries out steps, one at least.
/// Returns what it has read back at the end.
using DeviceWork = std::function<TensorMap(Executor&)>;

/// Runs it, with snapshots before the first doorbell of each step, after it and after its
/// download, and in the first step after each command of prepared.snapshots_after, on the
/// accelerator of options.fidelity, which build_machine has built. What `observer` listens to is
/// not in the result.
Simulated simulate(const Config& config, const RunOptions& options, const PreparedProgram& prepared,
                   const std::string& machine, const DeviceWork& work,
                   const SimulationObserver& observer = {});
/// The steps of layers.
Simulated simulate(const Config& config, const RunOptions& options, const PreparedStep& prepared,
                   const std::string& machine, const SimulationObserver& observer = {});

}  // namespace corank
