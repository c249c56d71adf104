#include "host/verify/run_case.h"

#include <cmath>
#include <set>
#include <utility>

#include "host/driver/command_order.h"
#include "host/verify/comparison.h"
#include "host/verify/differences.h"
#include "host/verify/pausing_host.h"
#include "models/base/error.h"
#include "models/base/numerics.h"
#include "models/reference/reference_executor.h"

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
  SimulatedCase simulated;
  std::string error;  // of the machine; "": none
};

SideOutcome simulate_side(const CompiledCase& compiled, Fidelity fidelity,
                          const std::string& machine, const std::function<bool()>& stop,
                          const EventSink& tell) {
  SideOutcome outcome;
  try {
    outcome.simulated = run_case(compiled, fidelity, machine, observe(tell), stop);
    tell_outcome(outcome.simulated, tell);
  } catch (const MachineError& error) {
    outcome.error = error.what();
    tell(EventKind::kError, outcome.error);
  }
  return outcome;
}

// "step 2: " where there are several.
std::string name_of_step(std::size_t step, std::size_t steps) {
  return steps == 1 ? "" : "step " + std::to_string(step) + ": ";
}

}  // namespace

CompiledCase::CompiledCase(DrawnCase case_to_run, TrainingProgram its_program)
    : drawn(std::move(case_to_run)),
      program(std::move(its_program)),
      step(compile_for(drawn.config, program, drawn.packed)) {
  std::set<std::string> asked;
  for (const ValueId id : results_of(program)) asked.insert(program.graph.value(id).name);
  ReferenceExecutor executor(program, Numerics::kBf16);
  executor.load(drawn.given, drawn.packed);
  for (const TensorMap& feeds : drawn.feeds) {
    reference.push_back(executor.step(feeds, asked).results);
    finite = finite && all_finite(reference.back());
  }
}

SimulatedCase run_case(const CompiledCase& compiled, Fidelity fidelity, const std::string& machine,
                       const SimulationObserver& observer, const std::function<bool()>& stop) {
  const DrawnCase& drawn = compiled.drawn;
  PlatformConfig platform = platform_of(drawn.config);
  platform.fidelity = fidelity;
  platform.machine_library = machine;
  platform.observer = observer;
  platform.trace = platform.transactions = observer.event || observer.transaction;
  DriverOptions driver = driver_options_of(drawn.config);
  driver.stop = stop;
  SimulatedCase simulated;
  simulated.platform = run_platform(platform, [&](HostPort& port) {
    PausingHost host(port, drawn.pauses, drawn.seed);
    DeviceSession session(host, compiled.step, compiled.program, driver);
    session.load(drawn.config.machine, drawn.given, drawn.packed);
    const std::vector<ValueId> asked = results_of(compiled.program);
    for (const TensorMap& feeds : drawn.feeds) {
      simulated.steps.push_back(session.step(feeds, asked));
      if (simulated.stopped()) return;
    }
    session.reset();
  });
  return simulated;
}

void tell_outcome(const SimulatedCase& simulated, const EventSink& tell) {
  const std::size_t steps = simulated.steps.size();
  for (std::size_t i = 0; i < steps; ++i) {
    tell_counters(simulated.steps[i].counters, tell);
    for (const auto& [name, tensor] : simulated.steps[i].results)
      tell_result(name_of_step(i, steps) + name, tensor.bytes, tell);
  }
  tell_figures(simulated.platform, tell);
}

std::string disorder(const CompiledCase& compiled) {
  return disorder(compiled.step, compiled.program.graph, compiled.drawn.config.machine);
}

std::string differences(const CompiledCase& compiled, const std::vector<StepResult>& steps) {
  const Config& config = compiled.drawn.config;
  std::string unordered = disorder(compiled);
  if (!unordered.empty()) return unordered;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const std::string found =
        differences(compiled.program.graph, compiled.step, config.machine,
                    config.limits.burst_beats, steps[i], compiled.reference.at(i));
    if (!found.empty()) return name_of_step(i, steps.size()) + found;
  }
  return "";
}

Verified& Verified::operator+=(const Verified& other) {
  ordered += other.ordered;
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
  result.difference = disorder(compiled);
  if (!result.difference.empty()) return result;
  Comparison comparison;
  const auto run = [&](Side side, Fidelity fidelity) {
    SideOutcome outcome = simulate_side(
        compiled, fidelity, machine, stop,
        [&](EventKind kind, std::string line) { comparison.take(side, kind, std::move(line)); });
    comparison.end(side);
    return outcome;
  };
  const SideOutcome rtl = run(Side::kRtl, Fidelity::kRtl);
  result.stopped = rtl.simulated.stopped();
  if (result.stopped) return result;
  if (rtl.error.empty()) result.difference = differences(compiled, rtl.simulated.steps);
  if (!result.difference.empty()) {
    result.difference =
        "the RTL is not as the reference and the commands say:\n" + result.difference;
    return result;
  }
  const SideOutcome cycle = run(Side::kCycle, Fidelity::kCycle);
  result.stopped = cycle.simulated.stopped();
  if (result.stopped) return result;
  result.difference = comparison.difference();
  if (!rtl.error.empty()) {
    result.fault = true;
    result.difference = "the RTL did not come to its end: " + rtl.error + "\n" + result.difference;
    return result;
  }
  Verified& verified = result.verified;
  verified.ordered = compiled.step.commands.size();
  verified.commands = comparison.equal(EventKind::kCommand);
  verified.transactions = comparison.equal(EventKind::kTransaction);
  verified.counters = comparison.equal(EventKind::kCounter);
  verified.figures = comparison.equal(EventKind::kFigure);
  for (const StepResult& step : rtl.simulated.steps) {
    for (const auto& [name, tensor] : step.results) verified.result_bytes += tensor.bytes.size();
    verified.cycles += at(step.counters, interface::Counter::kCycles);
  }
  return result;
}

}  // namespace corank
