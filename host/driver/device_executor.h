// The device as an executor of a compiled program.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "host/driver/driver.h"
#include "models/program/executor.h"

namespace corank {

/// The values with these names, in the order of the graph. A state's next value lies in its place.
std::vector<ValueId> values_named(const Graph& graph, const std::set<std::string>& names);

class DeviceExecutor : public Executor {
 public:
  /// Keeps references to all but the options. `step` was compiled for `program` and for `machine`.
  DeviceExecutor(HostPort& host, const CompiledStep& step, const TrainingProgram& program,
                 const MachineShape& machine, const DriverOptions& options)
      : program_(program), machine_(machine), session_(host, step, program, options) {}

  using Executor::load;
  void load(const TensorMap& values, const QuantizedMap& packed) override;
  ExecutedStep step(const TensorMap& feeds, const std::set<std::string>& asked) override;
  TensorMap read(const std::set<std::string>& states) override;

  void reset() { session_.reset(); }

  /// What each step measured; its results are empty.
  std::vector<StepResult> take_measured() { return std::move(measured_); }

 private:
  const TrainingProgram& program_;
  const MachineShape& machine_;
  DeviceSession session_;
  double load_ns_ = 0;  // not yet attributed to a step
  std::vector<StepResult> measured_;
};

}  // namespace corank
