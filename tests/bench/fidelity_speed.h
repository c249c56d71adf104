// How much sooner the faster kinds of simulation are done with the same step.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/result.h"

namespace corank::bench {

/// The step of configuration file `config` on the RTL with its bit-level MAC, on the RTL with the
/// host-float MAC, on the cycle model and on the cycle model without values, `rounds` times in
/// turn. All must take the same cycles and count the same (MachineError if not). CPU time counts
/// from the doorbell to the interrupt; a line for each of the faster three: the ratio of the
/// medians of simulated cycles per CPU second to those of the bit-level RTL.
std::vector<Result> fidelity_speed(const std::string& config, int rounds);

}  // namespace corank::bench
