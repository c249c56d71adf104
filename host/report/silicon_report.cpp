#include "host/report/silicon_report.h"

#include <fmt/format.h>

#include "host/cost/cost.h"
#include "host/cost/cost_data.h"
#include "host/energy/machine_silicon.h"
#include "host/report/units.h"
#include "models/cost/nodes.h"

namespace corank {
namespace {

std::string quality_of(const SiliconReport& r) {
  return r.node_nm == kNodes[0].nm ? "modelled" : "modelled at 180 nm, scaled";
}

nlohmann::ordered_json json_of(const std::optional<double>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

}  // namespace

SiliconReport silicon_report(const MachineShape& machine, double clock_mhz, const StepWork& work) {
  SiliconReport report;
  report.node_nm = known_node(work.energy_node);
  const CostReport cost = composed_cost(machine, report.node_nm);
  report.logic_mm2 = cost.logic_um2 / 1e6;
  report.memory_mm2 = cost.ram_um2 / 1e6;
  report.clock_mhz = clock_mhz;
  report.fmax_mhz = cost.fmax_mhz();
  report.other_rtl = cost.other_rtl;
  report.beyond_fit = cost.outside_fit;
  const FitError error = largest_error(fit_data().held_out);
  report.area_error = error.area;
  report.delay_error = error.delay;
  const double area = report.logic_mm2 + report.memory_mm2;
  if (work.step_ns > 0 && area > 0)
    report.macs_per_s_per_mm2 = work.macs / (work.step_ns * 1e-9) / area;
  if (work.energy_pj > 0 && work.total_ns > 0) {
    report.power_mw = work.energy_pj / work.total_ns;  // pJ a ns are mW
    report.macs_per_joule = work.macs / (work.energy_pj * 1e-12);
    if (work.tokens > 0) report.j_per_token = work.energy_pj * 1e-12 / work.tokens;
  }
  return report;
}

nlohmann::ordered_json to_json(const SiliconReport& r) {
  return {{"node_nm", r.node_nm},
          {"logic_mm2", r.logic_mm2},
          {"memory_mm2", r.memory_mm2},
          {"fmax_mhz", r.fmax_mhz},
          {"clock_reached", r.clock_reached()},
          {"quality", quality_of(r)},
          {"source",
           "closed form fitted to synthesis with osu018 cells (180 nm, ideal clock, no wires; " +
               fit_data().tools + "); memories: " + sram_data().source},
          {"area_error", r.area_error},
          {"delay_error", r.delay_error},
          {"beyond_fit", r.beyond_fit},
          {"other_rtl", r.other_rtl},
          {"power_mw", json_of(r.power_mw)},
          {"j_per_token", json_of(r.j_per_token)},
          {"macs_per_joule", json_of(r.macs_per_joule)},
          {"macs_per_s_per_mm2", r.macs_per_s_per_mm2}};
}

std::string silicon_lines(const SiliconReport& r) {
  const auto line = [](const std::string& what, const std::string& value) {
    return fmt::format("  {:<26}{}\n", what, value);
  };
  std::string text = line(
      "area", fmt::format("{:.3f} mm2 of logic, {:.3f} mm2 of memories at {} nm ({}; no wires)",
                          r.logic_mm2, r.memory_mm2, r.node_nm, quality_of(r)));
  if (!r.clock_reached())
    text += line("WARNING",
                 fmt::format("the configuration's {:.0f} MHz are not reached: {:.0f} MHz at {} nm "
                             "({}; `corank cost` says why)",
                             r.clock_mhz, r.fmax_mhz, r.node_nm, quality_of(r)));
  if (r.other_rtl)
    text += line("WARNING", fmt::format("area and clock were measured on other RTL than this; {} "
                                        "measures them anew",
                                        fit_data().made_by));
  if (r.power_mw)
    text += line("power",
                 fmt::format("{} by the energy above; {}{} MACs per joule",
                             with_unit(*r.power_mw * 1e-3, "W"),
                             r.j_per_token ? with_unit(*r.j_per_token, "J") + " per token; " : "",
                             with_unit(*r.macs_per_joule, "")));
  text +=
      line("density", fmt::format("{} MACs a second and mm2 at {} nm and the configuration's clock",
                                  with_unit(r.macs_per_s_per_mm2, ""), r.node_nm));
  return text;
}

}  // namespace corank
