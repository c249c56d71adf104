// What the machine of a run is in silicon, by the closed form (host/cost), and what the run's work
// comes to on it.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "sim/machine/shape.h"

namespace corank {

/// What a run did, as far as it matters here.
struct StepWork {
  double tokens = 0, macs = 0;  // 0 tokens: the step was not done to its end
  double step_ns = 0, total_ns = 0;
  double energy_pj = 0;  // 0: no table
  std::string energy_node;
};

struct SiliconReport {
  int node_nm = 0;  // of the energy table, or of the cells if nothing is known of that one
  double logic_mm2 = 0, memory_mm2 = 0;
  double clock_mhz = 0, fmax_mhz = 0;  // asked for, reached
  bool other_rtl = false, beyond_fit = false;
  double area_error = 0, delay_error = 0;  // of the closed form, on machines that were held out
  std::optional<double> power_mw, j_per_token, macs_per_joule;
  double macs_per_s_per_mm2 = 0;

  bool clock_reached() const { return clock_mhz <= fmax_mhz; }
};

SiliconReport silicon_report(const MachineShape& machine, double clock_mhz, const StepWork& work);

nlohmann::ordered_json to_json(const SiliconReport& report);
std::string silicon_lines(const SiliconReport& report);

}  // namespace corank
