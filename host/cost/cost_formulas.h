// The formulas that the files in configs/cost hold, as models/cost/machine_cost.h has them.
#pragma once

#include <nlohmann/json.hpp>

#include "models/cost/machine_cost.h"

namespace corank {

/// Of {"rows*columns": 76766.0}. Throws MachineError if it names a size that no machine has.
CostFormula cost_formula(const nlohmann::json& json);
/// Of {"coefficient": 512, "powers": {"scratchpad_kib": 1, "memory_lanes": -1}}.
CostMonomial cost_monomial(const nlohmann::json& json);
/// Of {"rows": 2, "columns": 2, ...}.
MachineSizes cost_sizes(const nlohmann::json& json);
/// Of a list of {"path": .., "count": .., "words": .., "width": ..}.
std::vector<RamPart> cost_rams(const nlohmann::json& json);

}  // namespace corank
