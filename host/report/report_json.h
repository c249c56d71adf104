// What the reports of steps and of fine-tuning runs have in common, as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "host/report/report.h"

namespace corank {

nlohmann::ordered_json machine_json(const MachineShape& shape, const MachineLimits& limits);
nlohmann::ordered_json gemm_json(const GemmReport& gemm);
nlohmann::ordered_json unit_json(const UnitReport& unit);
nlohmann::ordered_json step_json(const StepReport& step);
nlohmann::ordered_json comparison_json(const ComparisonReport& comparison);
nlohmann::ordered_json energy_line_json(const EnergyLine& line);
nlohmann::ordered_json mismatch_json(const CounterMismatch& mismatch);
nlohmann::ordered_json simulation_json(const SimulationCost& cost);

template <class Entry>
nlohmann::ordered_json list_json(const std::vector<Entry>& list,
                                 nlohmann::ordered_json (*to_json)(const Entry&)) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const Entry& entry : list) json.push_back(to_json(entry));
  return json;
}

}  // namespace corank
