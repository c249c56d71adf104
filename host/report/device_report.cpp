#include "host/report/device_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/report/report_json.h"
#include "host/report/units.h"

namespace corank {
namespace {

nlohmann::ordered_json memory_map_json(const std::vector<RoleBytes>& memory) {
  nlohmann::ordered_json json;
  for (const RoleBytes& role : memory) {
    std::string key = role.role;
    std::replace(key.begin(), key.end(), ' ', '_');
    json[key] = role.bytes;
  }
  return json;
}

std::string role_texts(const std::vector<RoleBytes>& memory) {
  std::string text;
  for (const RoleBytes& role : memory)
    if (role.bytes > 0)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", role.role,
                          with_unit(static_cast<double>(role.bytes), "B"));
  return text;
}

std::string named_line(const std::string& what, const std::string& value) {
  return fmt::format("  {:<25} {}\n", what, value);
}

std::string gemm_lines(const std::vector<GemmReport>& gemms) {
  std::string text = fmt::format("\n  {:<34}{:>14}{:>14}{:>14}\n", "matrix products of a step",
                                 "macs", "cycles", "utilisation");
  for (const GemmReport& gemm : gemms)
    text += fmt::format("  {:<34}{:>14}{:>14}{:>12.1f} %\n", gemm.kind, gemm.macs, gemm.cycles,
                        100 * gemm.utilisation);
  return text;
}

nlohmann::ordered_json memory_point_json(const MemoryPoint& point) {
  return {{"cycle", point.cycle},
          {"value", point.value},
          {"activations_bytes", point.activations_bytes}};
}

const MemoryPoint* most_of(const std::vector<MemoryPoint>& points) {
  const auto most = std::max_element(points.begin(), points.end(),
                                     [](const MemoryPoint& a, const MemoryPoint& b) {
                                       return a.activations_bytes < b.activations_bytes;
                                     });
  return most == points.end() ? nullptr : &*most;
}

std::string check_lines(const DeviceReport& r) {
  std::string text;
  for (const ComparisonReport& comparison : r.comparisons) {
    text += named_line(
        comparison.tensor,
        comparison.mismatches == 0
            ? fmt::format("{} elements, bits equal those of the reference", comparison.elements)
            : fmt::format("{} of {} elements differ from the reference", comparison.mismatches,
                          comparison.elements));
    if (comparison.mismatches > 0)
      text += fmt::format("MISMATCH {} {}\n", comparison.tensor, comparison.first_mismatch);
  }
  return text + counter_mismatch_lines(r.counter_mismatches);
}

}  // namespace

bool DeviceReport::passed() const {
  return counter_mismatches.empty() && (!values || !comparisons.empty()) &&
         std::all_of(comparisons.begin(), comparisons.end(),
                     [](const ComparisonReport& c) { return c.mismatches == 0; });
}

double DeviceReport::seconds() const {
  const StepReport all = sum_of(steps);
  return (all.upload_ns + all.step_ns + all.download_ns) * 1e-9;
}

double DeviceReport::tokens_per_s() const {
  return seconds() > 0 ? static_cast<double>(tokens) / seconds() : 0;
}

nlohmann::ordered_json to_json(const DeviceReport& r) {
  nlohmann::ordered_json json;
  json["machine"] = machine_json(r.machine, r.limits);
  json["memory"] = {{"model", name_of(r.memory_model.kind)},
                    {"name", r.memory_model.name},
                    {"bytes", memory_map_json(r.memory)}};
  json["link"] = r.link;
  json["weights"] = name_of(r.weights);
  json["commands"] = r.commands;
  if (r.repeated)
    json["layers_repeated"] = {{"layers", r.repeated->layers},
                               {"simulated_layers", r.repeated->simulated_layers},
                               {"added_cycles", r.repeated->added_cycles},
                               {"middle_cycles", r.repeated->middle_cycles},
                               {"error", r.repeated->error}};
  json["tokens"] = r.tokens;
  json["simulated_s"] = r.seconds();
  json["tokens_per_s"] = r.tokens_per_s();
  json["steps"] = list_json(r.steps, step_json);
  json["all_steps"] = step_json(sum_of(r.steps));
  json["first_step"] = {{"bound", r.bound},
                        {"array_utilisation", r.array_utilisation},
                        {"gemms", list_json(r.gemms, gemm_json)},
                        {"units", list_json(r.units, unit_json)},
                        {"work", to_json(r.work, pes_of(r.machine))},
                        {"memory_over_time", list_json(r.memory_over_time, memory_point_json)}};
  nlohmann::ordered_json parts;
  for (std::size_t part = 0; part < kEnergyPartNames.size(); ++part)
    parts[std::string(kEnergyPartNames[part]) + "_pj"] = r.energy.parts_pj[part];
  json["energy"] = {{"table", r.energy_table},
                    {"node", r.energy_node},
                    {"total_pj", r.energy.pj},
                    {"span_pj", {r.energy.low_pj, r.energy.high_pj}},
                    {"parts", parts}};
  json["silicon"] = to_json(r.silicon);
  json["right"] = r.passed();
  json["comparisons"] = list_json(r.comparisons, comparison_json);
  json["counter_mismatches"] = list_json(r.counter_mismatches, mismatch_json);
  json["simulation"] = simulation_json(r.simulation);
  return json;
}

std::string device_lines(const DeviceReport& r) {
  const StepReport all = sum_of(r.steps);
  const auto steps = static_cast<double>(r.steps.size());
  std::string text;
  if (r.repeated)
    text += fmt::format(
        "  LAYERS REPEATED: models of fewer layers, at most {} of {}, were simulated; a layer adds "
        "{} cycles, one in the middle takes {}, which is {:.4f} % of the step\n",
        r.repeated->simulated_layers, r.repeated->layers, r.repeated->added_cycles,
        r.repeated->middle_cycles, 100 * r.repeated->error);
  text += named_line("device", fmt::format("{}x{} at {} MHz, {}, {}", r.machine.array_rows,
                                           r.machine.array_columns, r.limits.clock_mhz,
                                           r.memory_model.name, r.link));
  text += named_line("step", fmt::format("{:.0f} cycles = {}; bound by {}",
                                         static_cast<double>(all.cycles) / steps,
                                         with_unit(all.step_ns * 1e-9 / steps, "s"), r.bound));
  text += named_line(
      "all steps",
      fmt::format("{} with transfers over the link; {} tokens, padding not counted: {} a second",
                  with_unit(r.seconds(), "s"), r.tokens, with_unit(r.tokens_per_s(), "")));
  text += named_line("array", fmt::format("{:.1f} % of its multiply-accumulates are useful",
                                          100 * r.array_utilisation));
  text += gemm_lines(r.gemms);
  if (!r.work.empty()) text += work_lines(r.work, pes_of(r.machine));
  text += "\n";
  text += named_line("device memory", role_texts(r.memory));
  if (const MemoryPoint* most = most_of(r.memory_over_time))
    text += named_line(
        "activations alive",
        fmt::format("at most {}, at {}",
                    with_unit(static_cast<double>(most->activations_bytes), "B"), most->value));
  text += named_line(
      "memory traffic",
      fmt::format(
          "{} a step",
          with_unit(static_cast<double>(all.memory_bytes_read + all.memory_bytes_written) / steps,
                    "B")));
  text +=
      named_line("over the link",
                 fmt::format("{} loaded once; a step {} to the device, {} back",
                             with_unit(static_cast<double>(all.link.loaded), "B"),
                             with_unit(static_cast<double>(all.link.to_device(false)) / steps, "B"),
                             with_unit(static_cast<double>(all.link.asked) / steps, "B")));
  text += named_line(
      "energy",
      fmt::format("{}, {} to {} by the spans of the sources ({}, {})",
                  with_unit(r.energy.pj * 1e-12, "J"), with_unit(r.energy.low_pj * 1e-12, "J"),
                  with_unit(r.energy.high_pj * 1e-12, "J"), r.energy_table, r.energy_node));
  text += silicon_lines(r.silicon);
  text += check_lines(r);
  return text + simulation_line(r.simulation);
}

}  // namespace corank
