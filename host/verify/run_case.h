// A random case on the accelerators, and what is verified of it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "host/run/simulate.h"
#include "host/verify/layer_case.h"
#include "host/verify/transcript.h"

namespace corank {

/// A case, ready to be run.
struct CompiledCase {
  CompiledCase(DrawnCase case_to_run, TrainingProgram its_program);
  explicit CompiledCase(const LayerCase& layer) : CompiledCase(layer.drawn(), program_of(layer)) {}

  DrawnCase drawn;
  TrainingProgram program;
  CompiledStep step;
  std::vector<TensorMap> reference;  // results of each step, by the bit-exact reference
  bool finite = true;                // every result of the reference
};

struct SimulatedCase {
  std::vector<StepResult> steps;  // the last one given up perhaps
  PlatformResult platform;

  bool stopped() const { return !steps.empty() && steps.back().stopped; }
};

/// Runs the steps of the case in one session; every result is asked for. `machine`: the library of
/// the verilated one. What `observer` listens to is not in the result. `stop`: asked now and then,
/// whether to give up. Throws MachineError.
SimulatedCase run_case(const CompiledCase& compiled, Fidelity fidelity, const std::string& machine,
                       const SimulationObserver& observer = {},
                       const std::function<bool()>& stop = nullptr);

/// Counters and results of every step, and the figures of all.
void tell_outcome(const SimulatedCase& simulated, const EventSink& tell);

/// The commands that tokens do not order (host/driver/command_order.h); "".
std::string disorder(const CompiledCase& compiled);

/// The disorder of the commands; or what of an outcome of the RTL is not, in the first step that
/// differs, as the reference and the account of the commands say; "".
std::string differences(const CompiledCase& compiled, const std::vector<StepResult>& steps);

/// What was verified.
struct Verified {
  std::uint64_t ordered = 0;  // commands of a step
  // Compared and equal.
  std::uint64_t commands = 0, transactions = 0, counters = 0, figures = 0, result_bytes = 0;
  std::uint64_t cycles = 0;  // of the device

  Verified& operator+=(const Verified& other);
};

struct CaseResult {
  std::string difference;  // the first one, in context; "": there is none
  bool fault = false;      // the RTL did not come to its end: difference is what it said
  bool stopped = false;    // given up
  Verified verified;
};

/// Tokens order the commands, RTL = bit-exact reference in every element, its counters = the
/// account of the commands, both in every step, and the cycle model = RTL in every command,
/// transaction, counter, figure and byte of the results.
CaseResult verify_case(const CompiledCase& compiled, const std::string& machine,
                       const std::function<bool()>& stop = nullptr);

}  // namespace corank
