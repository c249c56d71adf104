// The mismatches of a step's results and counters.
#pragma once

#include <string>

#include "host/compiler/compiler.h"
#include "host/driver/driver.h"

namespace corank {

/// A line for each result that is not, bit for bit, that of `reference`, and for each counter that
/// is not what the commands must cost; "" if there is none.
std::string differences(const Graph& graph, const CompiledStep& step, const MachineShape& machine,
                        int burst_beats, const StepResult& result, const TensorMap& reference);

}  // namespace corank
