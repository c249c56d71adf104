#include "host/report/device_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/report/report_json.h"
#include "host/report/units.h"

namespace corank {
namespace {

double seconds_of(const StepReport& step) {
  return (step.upload_ns + step.step_ns + step.download_ns) * 1e-9;
}

nlohmann::ordered_json roles_json(const std::vector<RoleBytes>& memory) {
  nlohmann::ordered_json json;
  for (const RoleBytes& role : memory) {
    std::string key = role.role;
    std::replace(key.begin(), key.end(), ' ', '_');
    json[key] = role.bytes;
  }
  return json;
}

std::string bytes_text(std::uint64_t bytes) { return with_unit(static_cast<double>(bytes), "B"); }

std::string role_texts(const std::vector<RoleBytes>& memory) {
  std::string text;
  for (const RoleBytes& role : memory)
    if (role.bytes > 0)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", role.role, bytes_text(role.bytes));
  return text;
}

std::string named_line(const std::string& what, const std::string& value) {
  return fmt::format("  {:<25} {}\n", what, value);
}

std::string gemm_lines(const std::vector<GemmReport>& gemms) {
  std::string text =
      fmt::format("\n  {:<34}{:>14}{:>14}{:>14}\n", "matrix products, with their waits", "macs",
                  "cycles", "utilisation");
  for (const GemmReport& gemm : gemms)
    text += fmt::format("  {:<34}{:>14}{:>14}{:>12.1f} %\n", gemm.kind, gemm.macs, gemm.cycles,
                        100 * gemm.utilisation);
  return text;
}

// Of the first step.
std::string units_text(const std::vector<UnitReport>& units) {
  std::string text;
  for (const UnitReport& unit : units) {
    std::uint64_t cycles = 0;
    for (const std::uint64_t some : unit.cycles) cycles += some;
    const std::uint64_t busy = unit.cycles[static_cast<std::size_t>(interface::Activity::kBusy)];
    text += fmt::format(
        "{}{} {:.1f} %", text.empty() ? "" : ", ", unit.unit,
        cycles == 0 ? 0.0 : 100 * static_cast<double>(busy) / static_cast<double>(cycles));
  }
  return text;
}

std::string energy_and_parts(const DeviceReport& r) {
  std::string parts;
  for (std::size_t part = 0; part < kEnergyPartNames.size(); ++part)
    if (r.energy.parts_pj[part] > 0)
      parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", kEnergyPartNames[part],
                           with_unit(r.energy.parts_pj[part] * 1e-12, "J"));
  const std::string text = named_line(
      "energy",
      fmt::format("{} in all steps, {} to {} by the spans of the sources ({}, {})",
                  with_unit(r.energy.pj * 1e-12, "J"), with_unit(r.energy.low_pj * 1e-12, "J"),
                  with_unit(r.energy.high_pj * 1e-12, "J"), r.energy_table, r.energy_node));
  return parts.empty() ? text : text + named_line("  of it", parts);
}

nlohmann::ordered_json memory_point_json(const MemoryPoint& point) {
  return {{"cycle", point.cycle}, {"value", point.value}, {"bytes", roles_json(point.memory)}};
}

nlohmann::ordered_json device_memory_json(const DeviceReport& r) {
  nlohmann::ordered_json json = {{"model", name_of(r.memory_model.kind)},
                                 {"name", r.memory_model.name},
                                 {"bytes", roles_json(r.memory)},
                                 {"planned_bytes", sum_of(r.memory)},
                                 {"capacity_bytes", size_bytes(r.memory_model)},
                                 {"peak_gb_per_s", r.memory_model.bandwidth_gb_per_s}};
  if (r.touched_bytes) json["touched_bytes"] = *r.touched_bytes;
  return json;
}

std::uint64_t alive_of(const std::vector<RoleBytes>& memory) {
  return memory.empty() ? 0 : sum_of(memory) - memory.back().bytes;
}

std::string memory_lines(const DeviceReport& r) {
  std::string text = fmt::format("{} planned, at most {} of it alive at a time",
                                 bytes_text(sum_of(r.memory)), bytes_text(alive_of(r.memory)));
  const std::vector<MemoryPoint>& points = r.memory_over_time;
  const auto most = std::max_element(points.begin(), points.end(),
                                     [](const MemoryPoint& a, const MemoryPoint& b) {
                                       return alive_of(a.memory) < alive_of(b.memory);
                                     });
  if (most != points.end())
    text +=
        fmt::format(" (at {}, {} into the step)", most->value,
                    with_unit(static_cast<double>(most->cycle) / (r.limits.clock_mhz * 1e6), "s"));
  if (r.touched_bytes)
    text += fmt::format(", {} touched by commands", bytes_text(*r.touched_bytes));
  return named_line("device memory", text) +
         named_line("  when the most is alive", role_texts(r.memory));
}

std::string epoch_line(const Epoch& epoch) {
  std::string how = "the sum of all of them";
  if (epoch.simulated_steps < epoch.steps)
    how =
        fmt::format("{} of them simulated, the others taken for the mean of those behind the first",
                    epoch.simulated_steps);
  return named_line("an epoch", fmt::format("of {} steps takes {} and {}, {}", epoch.steps,
                                            with_unit(epoch.seconds, "s"),
                                            with_unit(epoch.energy_pj * 1e-12, "J"), how));
}

std::string repeated_line(const DeviceReport& r) {
  if (!r.repeated) return "";
  return fmt::format(
      "  LAYERS REPEATED: models of fewer layers, at most {} of {}, were simulated; a layer adds "
      "{} cycles, one in the middle takes {}: of all layers left out, {:.4f} % of the step\n",
      r.repeated->simulated_layers, r.repeated->layers, r.repeated->added_cycles,
      r.repeated->middle_cycles, 100 * r.repeated->error);
}

std::string speed_lines(const DeviceReport& r) {
  const StepReport all = sum_of(r.steps);
  const auto steps = static_cast<double>(r.steps.size());
  std::string text =
      named_line("device", fmt::format("{}x{} at {} MHz, {}, {}", r.machine.array_rows,
                                       r.machine.array_columns, r.limits.clock_mhz,
                                       r.memory_model.name, r.link));
  text +=
      named_line("step", fmt::format("{:.0f} cycles, {} from doorbell to interrupt; bound by {}",
                                     static_cast<double>(all.cycles) / steps,
                                     with_unit(all.step_ns * 1e-9 / steps, "s"), r.bound));
  text += named_line(
      "all steps",
      fmt::format("{} with transfers over the link; {} tokens, padding not counted: "
                  "{} tokens a second",
                  with_unit(r.seconds(), "s"), r.tokens, with_unit(r.tokens_per_s(), "")));
  if (r.epoch) text += epoch_line(*r.epoch);
  text += named_line(
      "array", fmt::format("{:.1f} % of its multiply-accumulates are useful; it has {} a second",
                           100 * r.array_utilisation,
                           with_unit(pes_of(r.machine) * r.limits.clock_mhz * 1e6, "")));
  return text + named_line("units busy", units_text(r.units));
}

std::string traffic_lines(const DeviceReport& r) {
  const StepReport all = sum_of(r.steps);
  const auto steps = static_cast<double>(r.steps.size());
  const auto bytes = static_cast<double>(all.memory_bytes_read + all.memory_bytes_written);
  const std::string text = named_line(
      "memory traffic",
      fmt::format("{} a step, {:.2f} of {:.2f} GB/s", with_unit(bytes / steps, "B"),
                  all.step_ns > 0 ? bytes / all.step_ns : 0.0, r.memory_model.bandwidth_gb_per_s));
  return text +
         named_line(
             "over the link",
             fmt::format("{} loaded once; a step {} to the device, {} back",
                         bytes_text(all.link.loaded),
                         with_unit(static_cast<double>(all.link.to_device(false)) / steps, "B"),
                         with_unit(static_cast<double>(all.link.asked) / steps, "B")));
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

double DeviceReport::seconds() const { return seconds_of(sum_of(steps)); }

double DeviceReport::tokens_per_s() const {
  return seconds() > 0 ? static_cast<double>(tokens) / seconds() : 0;
}

std::uint64_t sum_of(const std::vector<RoleBytes>& roles) {
  std::uint64_t sum = 0;
  for (const RoleBytes& role : roles) sum += role.bytes;
  return sum;
}

std::optional<Epoch> epoch_of(const std::vector<StepReport>& simulated, std::int64_t steps) {
  const auto count = static_cast<std::int64_t>(simulated.size());
  if (count == 0 || (count < 2 && count < steps)) return std::nullopt;
  const StepReport all = sum_of(simulated);
  Epoch epoch{steps, count, seconds_of(all), all.energy_pj};
  if (count == steps) return epoch;
  const StepReport& first = simulated.front();
  const double more = static_cast<double>(steps - count) / static_cast<double>(count - 1);
  epoch.seconds += more * (seconds_of(all) - seconds_of(first));
  epoch.energy_pj += more * (all.energy_pj - first.energy_pj);
  return epoch;
}

nlohmann::ordered_json to_json(const DeviceReport& r) {
  nlohmann::ordered_json json;
  json["machine"] = machine_json(r.machine, r.limits);
  json["memory"] = device_memory_json(r);
  json["link"] = r.link;
  json["link_peak_gb_per_s"] = r.link_gb_per_s;
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
  if (r.epoch)
    json["epoch"] = {{"steps", r.epoch->steps},
                     {"simulated_steps", r.epoch->simulated_steps},
                     {"s", r.epoch->seconds},
                     {"energy_pj", r.epoch->energy_pj}};
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
  json["energy"] = {
      {"table", r.energy_table}, {"node", r.energy_node},
      {"total_pj", r.energy.pj}, {"span_pj", {r.energy.low_pj, r.energy.high_pj}},
      {"parts", parts},          {"actions", list_json(r.energy_lines, energy_line_json)}};
  json["silicon"] = to_json(r.silicon);
  json["right"] = r.passed();
  json["comparisons"] = list_json(r.comparisons, comparison_json);
  json["counter_mismatches"] = list_json(r.counter_mismatches, mismatch_json);
  json["simulation"] = simulation_json(r.simulation);
  return json;
}

std::string device_lines(const DeviceReport& r) {
  std::string text = repeated_line(r) + speed_lines(r) + gemm_lines(r.gemms);
  if (!r.work.empty()) text += work_lines(r.work, pes_of(r.machine));
  return text + "\n" + memory_lines(r) + traffic_lines(r) + energy_and_parts(r) +
         silicon_lines(r.silicon) + check_lines(r) + simulation_line(r.simulation);
}

}  // namespace corank
