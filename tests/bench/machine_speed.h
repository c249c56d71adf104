// How fast a whole machine is simulated, and what the SystemC platform adds to it.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/result.h"

namespace corank::bench {

/// The workload of configuration file `config`, with `settings` like "accelerator.array.rows=4"
/// over it, runs once through the platform while the pins are recorded; a bare loop over the same
/// verilated machine then gets the same pins, and must answer the same in every clock (MachineError
/// if not). Then `pairs` times, in turn: the platform, the bare loop. CPU time counts from the
/// doorbell to the interrupt; medians.
std::vector<Result> machine_speed(const std::string& config,
                                  const std::vector<std::string>& settings, int pairs,
                                  double least_cycles_per_s, double most_overhead_us);

}  // namespace corank::bench
