#include "host/analytic/analytic_report.h"

#include <fmt/format.h>

#include "host/report/report_json.h"

namespace corank {
namespace {

using interface::Activity;
using interface::Counter;
using interface::Unit;

std::string line(const std::string& what, const std::string& text) {
  return fmt::format("  {:<26}{}\n", what, text);
}

std::string rough_percent(double share) { return fmt::format("{:.2g} %", 100 * share); }

std::string error_text(const char* of, const MeasuredError& error) {
  return fmt::format("{} within {} (median) and {} (95 of 100)", of, rough_percent(error.median),
                     rough_percent(error.percentile95));
}

nlohmann::ordered_json error_json(const MeasuredError& error) {
  return {{"median", error.median}, {"percentile95", error.percentile95}};
}

// Those that do not count cycles, and the cycles in which array, vector and store unit are busy.
nlohmann::ordered_json exact_counters(const DeviceCounters& counters) {
  nlohmann::ordered_json json;
  const auto add = [&](std::size_t place) {
    json[interface::kCounterNames[place]] = counters[place];
  };
  for (const Unit unit : {Unit::kArray, Unit::kVector, Unit::kStore})
    add(static_cast<std::size_t>(unit) * interface::kActivityNames.size() +
        static_cast<std::size_t>(Activity::kBusy));
  for (std::size_t kind = 0; kind < interface::kGemmKinds; ++kind)
    add(static_cast<std::size_t>(Counter::kGemmMacs0) + kind);
  for (auto place = static_cast<std::size_t>(Counter::kCommandsLoad); place < interface::kCounters;
       ++place)
    add(place);
  return json;
}

}  // namespace

nlohmann::ordered_json to_json(const AnalyticReport& report) {
  const AnalyticStep& step = report.step;
  nlohmann::ordered_json bound = {{"cycles", at(step.counters, Counter::kCycles)},
                                  {"step_ns", step.bound_ns},
                                  {"total_ns", step.bound_total_ns},
                                  {"by", step.bound_by}};
  nlohmann::ordered_json estimate = {{"cycles", step.estimate_cycles},
                                     {"step_ns", step.estimate_ns},
                                     {"total_ns", step.estimate_total_ns}};
  if (!report.energy_table.empty()) {
    bound["energy_pj"] = step.bound_energy_pj;
    estimate["energy_pj"] = step.estimate_energy_pj;
  }
  return {{"report_version", kAnalyticReportVersion},
          {"name", report.name},
          {"fidelity", "analytic"},
          {"config", report.config_file},
          {"workload", report.workload},
          {"machine", machine_json(report.machine, report.limits)},
          {"memory", report.memory},
          {"energy_table", report.energy_table},
          {"bound", bound},
          {"estimate", estimate},
          {"error",
           {{"cases", kAnalyticError.cases},
            {"time", error_json(kAnalyticError.time)},
            {"energy", error_json(kAnalyticError.energy)}}},
          {"exact",
           {{"commands", report.commands},
            {"memory_bytes", step.memory_bytes},
            {"device_bytes", step.device_bytes},
            {"counters", exact_counters(step.counters)}}}};
}

std::string to_table(const AnalyticReport& report) {
  const AnalyticStep& step = report.step;
  std::uint64_t macs = 0;
  for (std::size_t kind = 0; kind < interface::kGemmKinds; ++kind)
    macs += step.counters[static_cast<std::size_t>(Counter::kGemmMacs0) + kind];
  std::string text = fmt::format(
      "{}: {}, on {}x{} at {} MHz (analytic: no clock was simulated, nothing computed)\n\n",
      report.name, report.workload, report.machine.array_rows, report.machine.array_columns,
      report.limits.clock_mhz);
  text += fmt::format("  {:<26}{:>16}{:>16}\n", "", "at least", "estimate");
  const auto row = [&](const char* what, double least, double estimate) {
    text += fmt::format("  {:<26}{:>16.3f}{:>16.3f}\n", what, least, estimate);
  };
  text += fmt::format("  {:<26}{:>16}{:>16}\n", "cycles", at(step.counters, Counter::kCycles),
                      step.estimate_cycles);
  row("step, us", step.bound_ns / 1e3, step.estimate_ns / 1e3);
  row("with transfers, us", step.bound_total_ns / 1e3, step.estimate_total_ns / 1e3);
  if (!report.energy_table.empty())
    row("energy, uJ", step.bound_energy_pj / 1e6, step.estimate_energy_pj / 1e6);
  text += "\n" + line("what bounds it", step.bound_by);
  text += line("error of the estimate",
               fmt::format("{}, {}; of {} random configurations against the cycle model",
                           error_text("time", kAnalyticError.time),
                           error_text("energy", kAnalyticError.energy), kAnalyticError.cases));
  text += line("exact", fmt::format("{} commands, {} multiply-accumulates, {} B of memory traffic, "
                                    "{} B of device memory",
                                    report.commands, macs, step.memory_bytes, step.device_bytes));
  if (!report.energy_table.empty()) text += line("energy table", report.energy_table);
  text += line("memory", report.memory);
  return text;
}

}  // namespace corank
