#include "host/verify/run_case.h"

#include <cmath>
#include <utility>

#include "host/verify/comparison.h"
#include "host/verify/differences.h"
#include "host/verify/pausing_host.h"
#include "models/base/error.h"
#include "models/base/numerics.h"
#include "models/reference/bit_exact.h"

namespace corank {
namespace {

bool all_finite(const TensorMap& values) {
  for (const auto& [name, tensor] : values) {
    for (std::int64_t i = 0; i < element_count(tensor.shape); ++i) {
      const float value = tensor.dtype == DType::BF16 ? widen(tensor.data<std::uint16_t>()[i])
                                                      : tensor.data<float>()[i];
      if (!std::isfinite(value)) return false;
    }
  }
  return true;
}

struct SideOutcome {
  StepResult result;
  std::string error;  // of the machine; "": none
};

SideOutcome simulate_side(const CompiledCase& compiled, Fidelity fidelity,
                          const std::string& machine, const std::function<bool()>& stop,
                          const EventSink& tell) {
  SideOutcome outcome;
  try {
    SimulatedCase simulated = run_case(compiled, fidelity, machine, observe(tell), stop);
    tell_counters(simulated.result.counters, tell);
    tell_outcome(simulated.result.results, simulated.platform, tell);
    outcome.result = std::move(simulated.result);
  } catch (const MachineError& error) {
    outcome.error = error.what();
    tell(EventKind::kError, outcome.error);
  }
  return outcome;
}

}  // namespace

CompiledCase::CompiledCase(LayerCase drawn)
    : layer(std::move(drawn)),
      program(program_of(layer)),
      step(compile_for(layer.config, program)),
      reference(layer.inputs) {
  run_bit_exact(program.graph, reference);
  finite = all_finite(reference);
}

SimulatedCase run_case(const CompiledCase& compiled, Fidelity fidelity, const std::string& machine,
                       const SimulationObserver& observer, const std::function<bool()>& stop) {
  const LayerCase& layer = compiled.layer;
  PlatformConfig platform = platform_of(layer.config);
  platform.fidelity = fidelity;
  platform.machine_library = machine;
  platform.observer = observer;
  platform.trace = platform.transactions = observer.event || observer.transaction;
  DriverOptions driver = driver_options_of(layer.config);
  driver.stop = stop;
  SimulatedCase simulated;
  simulated.platform = run_platform(platform, [&](HostPort& port) {
    PausingHost host(port, layer.pauses, layer.seed);
    simulated.result =
        run_step(host, compiled.step, compiled.program, layer.config.machine, layer.inputs, driver);
  });
  return simulated;
}

std::string differences(const CompiledCase& compiled, const StepResult& result) {
  const Config& config = compiled.layer.config;
  return differences(compiled.program.graph, compiled.step, config.machine,
                     config.limits.burst_beats, result, compiled.reference);
}

Verified& Verified::operator+=(const Verified& other) {
  commands += other.commands;
  transactions += other.transactions;
  counters += other.counters;
  figures += other.figures;
  result_bytes += other.result_bytes;
  cycles += other.cycles;
  return *this;
}

CaseResult verify_case(const CompiledCase& compiled, const std::string& machine,
                       const std::function<bool()>& stop) {
  CaseResult result;
  Comparison comparison;
  const auto run = [&](Side side, Fidelity fidelity) {
    SideOutcome outcome = simulate_side(
        compiled, fidelity, machine, stop,
        [&](EventKind sort, std::string line) { comparison.take(side, sort, std::move(line)); });
    comparison.end(side);
    return outcome;
  };
  const SideOutcome rtl = run(Side::kRtl, Fidelity::kRtl);
  result.stopped = rtl.result.stopped;
  if (result.stopped) return result;
  if (rtl.error.empty()) result.difference = differences(compiled, rtl.result);
  if (!result.difference.empty()) {
    result.difference =
        "the RTL is not as the reference and the commands say:\n" + result.difference;
    return result;
  }
  const SideOutcome cycle = run(Side::kCycle, Fidelity::kCycle);
  result.stopped = cycle.result.stopped;
  if (result.stopped) return result;
  result.difference = comparison.difference();
  if (!rtl.error.empty()) {
    result.fault = true;
    result.difference = "the RTL did not come to its end: " + rtl.error + "\n" + result.difference;
    return result;
  }
  Verified& verified = result.verified;
  verified.commands = comparison.equal(EventKind::kCommand);
  verified.transactions = comparison.equal(EventKind::kTransaction);
  verified.counters = comparison.equal(EventKind::kCounter);
  verified.figures = comparison.equal(EventKind::kFigure);
  for (const auto& [name, tensor] : rtl.result.results)
    verified.result_bytes += tensor.bytes.size();
  verified.cycles = rtl.result.counters[static_cast<std::size_t>(interface::Counter::kCycles)];
  return result;
}

}  // namespace corank
