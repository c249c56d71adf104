// One layer, its commands, and what must come out, for tests that spoil the commands or the way to
// the machine. The machine is the 4 x 4 one of test_machines.
#pragma once

#include <functional>
#include <string>

#include "host/compiler/compiler.h"
#include "host/config/config.h"
#include "host/driver/driver.h"
#include "sim/platform/platform.h"
#include "tests/host/capture/small_capture.h"

namespace corank::test {

struct LayerBench {
  explicit LayerBench(const SmallLayer& layer = {}, const CompilerConfig& compiler = {});

  TrainingProgram program;
  CompiledStep step;
  TensorMap inputs;
  TensorMap reference;  // of the bit-exact reference
  PlatformConfig platform;
  DriverOptions options;

  /// Runs a step, which may be another than `step`.
  StepResult run(HostPort& host, const CompiledStep& commands) const;
  /// What of the results and counters differs from the reference and the account; "" if nothing.
  std::string differences(const StepResult& result, const CompiledStep& commands) const;
  /// Runs `step` and compares; the text of a MachineError if there is one.
  std::string run_and_compare(HostPort& host) const;
};

/// Ends the process (SIGPROF) if the test takes longer: a simulation that never ends is a failure,
/// not a wait. Counts CPU time, which does not depend on what else the computer does.
class TimeLimit {
 public:
  explicit TimeLimit(int cpu_seconds);
  ~TimeLimit();
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;
};

}  // namespace corank::test
