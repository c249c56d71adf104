// The figures of a fine-tuning run on the accelerator, from which its report is worked out; and
// those of a model of many equal layers from runs of fewer.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "host/config/config.h"
#include "host/report/device_report.h"
#include "host/run/measurement.h"
#include "host/run/prepare_finetune.h"
#include "host/run/run.h"
#include "host/run/simulate.h"

namespace corank {

struct DeviceFigures {
  std::uint64_t commands = 0;  // of a step
  std::vector<RoleBytes> memory;
  std::optional<std::uint64_t> touched_bytes;  // of it, by a step's commands
  std::int64_t tokens = 0;                     // of all steps: positions that are no padding
  std::vector<StepSums> steps;  // the counters of all kinds of products in those of the first one
  std::vector<LinkBytes> link;  // of each step
  // Of the first step.
  std::vector<GemmReport> gemms;
  StepWorkByKey work;
  std::vector<MemoryPoint> memory_over_time;
};

/// Of so many first steps of a run: positions that are no padding.
std::int64_t tokens_of(const PreparedFinetune& prepared, std::size_t steps);

/// `first`: what measure() knows of the first step.
DeviceFigures figures_of(const Config& config, const PreparedFinetune& prepared,
                         const Simulated& simulated, const StepMeasurement& first);

/// Models of `fewer` and of `more` layers, at least three, and otherwise equal have these figures;
/// what one more layer adds is the same for each. Returns those of a model of `layers`, at least as
/// many, but for the memory, which is that of `more` (and over time, and touched, unknown); of the
/// layers themselves the last one but one stands for those that were left out.
DeviceFigures extrapolated(const DeviceFigures& of_fewer, int fewer, const DeviceFigures& of_more,
                           int more, int layers, const MachineShape& machine);

/// By how much what a layer adds differs from what the last one but one of `more` takes, times
/// those left out, as a share of the whole step.
ModelRepeated repetition_of(const DeviceFigures& of_fewer, int fewer, const DeviceFigures& of_more,
                            int more, const DeviceFigures& whole, int layers);

/// Without comparisons.
DeviceReport device_report(const Config& config, const DeviceFigures& figures);

}  // namespace corank
