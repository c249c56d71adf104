// A captured layer's step from a configuration, and a host that tells when the step itself begins
// and ends.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "host/capture/capture.h"
#include "host/config/config.h"
#include "host/driver/driver.h"
#include "host/run/simulate.h"
#include "rtl/interface/interface.h"
#include "sim/platform/forwarding_host.h"

namespace corank::bench {

/// Calls `started` before the first doorbell, `ended` after the interrupt that ends the step.
class StepWatcher : public ForwardingHost {
 public:
  StepWatcher(HostPort& host, std::function<void()> started, std::function<void()> ended)
      : ForwardingHost(host), started_(std::move(started)), ended_(std::move(ended)) {}

  void write_register(std::uint32_t offset, std::uint32_t value) override {
    if (offset == interface::kRegRingTail && !running_) {
      running_ = true;
      started_();
    }
    host_.write_register(offset, value);
  }
  bool wait_interrupt(std::int64_t timeout) override {
    const bool came = host_.wait_interrupt(timeout);
    if (came) ended_();
    return came;
  }

 private:
  std::function<void()> started_, ended_;
  bool running_ = false;
};

/// The step of the layer that configuration file `file` captures.
struct Workload {
  Workload(const std::string& file, const std::vector<std::string>& settings)
      : config(load_config(file, settings)),
        capture(read_capture(config.capture)),
        program(linear_layers({capture.layer}, config.optimizer)),
        inputs(inputs_of(program, capture.inputs)),
        step(compile_for(config, program)) {}

  Config config;
  Capture capture;
  TrainingProgram program;
  TensorMap inputs;
  CompiledStep step;
};

}  // namespace corank::bench
