#include "host/report/report.h"

#include <fmt/format.h>

#include <algorithm>

namespace corank {
namespace {

using Json = nlohmann::ordered_json;

Json traffic_json(const TrafficReport& traffic) {
  return {{"bytes_read", traffic.bytes_read},
          {"bytes_written", traffic.bytes_written},
          {"bandwidth_gb_per_s", traffic.bandwidth_gb_per_s},
          {"peak_gb_per_s", traffic.peak_gb_per_s},
          {"share_of_peak", traffic.share_of_peak}};
}

Json transfer_json(const LinkTransfer& transfer) {
  return {{"ns", transfer.ns},
          {"payload_bytes_to_device", transfer.payload_bytes_to_device},
          {"payload_bytes_to_host", transfer.payload_bytes_to_host},
          {"wire_bytes_to_device", transfer.wire_bytes_to_device},
          {"wire_bytes_to_host", transfer.wire_bytes_to_host}};
}

Json machine_json(const MachineShape& shape, const MachineLimits& limits) {
  Json json;
  for (const MachineParameter& p : kMachineParameters) json[p.name] = shape.*p.value;
  for (const MachineChoice& c : kMachineChoices) json[c.name] = shape.*c.value;
  json["clock_mhz"] = limits.clock_mhz;
  json["outstanding_bursts"] = limits.outstanding_bursts;
  json["burst_beats"] = limits.burst_beats;
  return json;
}

Json comparison_json(const ComparisonReport& comparison) {
  Json json = {{"tensor", comparison.tensor},
               {"elements", comparison.elements},
               {"mismatches", comparison.mismatches}};
  if (!comparison.first_mismatch.empty()) json["first_mismatch"] = comparison.first_mismatch;
  if (comparison.fp64) {
    json["fp64"] = {{"relative_frobenius_error", comparison.fp64->relative_frobenius},
                    {"worst_column_relative_error", comparison.fp64->worst_column},
                    {"worst_column", comparison.fp64->worst_column_index}};
  }
  return json;
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

// One line a product; of many layers the sums over all of them.
std::string phase_lines(const std::vector<PhaseReport>& phases) {
  constexpr std::size_t kMostLines = 12;
  std::vector<PhaseReport> shown;
  for (const PhaseReport& phase : phases) {
    PhaseReport line = phase;
    if (phases.size() > kMostLines)
      line.value = "all " + phase.value.substr(phase.value.find('.') + 1);
    const auto same = std::find_if(shown.begin(), shown.end(),
                                   [&](const auto& other) { return other.value == line.value; });
    if (same == shown.end()) {
      shown.push_back(line);
      continue;
    }
    const double pes_cycles = static_cast<double>(same->macs) / same->utilisation +
                              static_cast<double>(line.macs) / line.utilisation;
    if (line.cycles > 0 && line.bound != same->bound && line.bound != "compute")
      same->bound = line.bound;
    same->cycles += line.cycles;
    same->macs += line.macs;
    same->utilisation = static_cast<double>(same->macs) / pes_cycles;
    for (std::size_t cause = 0; cause < same->lost.size(); ++cause)
      same->lost[cause] += line.lost[cause];
  }
  std::string text = fmt::format("\n  {:<24}{:>12}{:>13}  {:<18}{}\n", "product", "cycles",
                                 "utilisation", "bound by", "cycles lost to");
  for (const PhaseReport& phase : shown) {
    std::string lost;
    for (std::size_t cause = 0; cause < phase.lost.size(); ++cause) {
      if (phase.lost[cause] == 0) continue;
      lost +=
          fmt::format("{}{} {}", lost.empty() ? "" : ", ", kLostNames[cause], phase.lost[cause]);
    }
    text += fmt::format("  {:<24}{:>12}{:>13}  {:<18}{}\n", phase.value, phase.cycles,
                        percent(phase.utilisation), phase.bound, lost.empty() ? "-" : lost);
  }
  return text;
}

}  // namespace

bool RunReport::right() const {
  return !incomplete && counter_mismatches.empty() &&
         std::all_of(comparisons.begin(), comparisons.end(),
                     [](const auto& c) { return c.mismatches == 0; });
}

Json to_json(const RunReport& r) {
  Json json;
  json["report_version"] = kReportVersion;
  json["name"] = r.name;
  json["fidelity"] = r.fidelity;
  json["incomplete"] = r.incomplete;
  json["values"] = r.values;
  json["layers_repeated"] = nullptr;
  if (r.layers_repeated) {
    const LayersRepeated& l = *r.layers_repeated;
    json["layers_repeated"] = {{"layers_of_group", l.layers_of_group},
                               {"groups", l.groups},
                               {"simulated_groups", l.simulated_groups},
                               {"middle_cycles", {l.middle_cycles[0], l.middle_cycles[1]}},
                               {"error", l.error}};
  }
  json["config"] = r.config_file;
  json["workload"] = {
      {"source", r.workload}, {"weights", name_of(r.weights)}, {"layers", Json::array()}};
  for (const LinearLayer& layer : r.layers) {
    json["workload"]["layers"].push_back(
        {{"tokens", layer.tokens},
         {"in", layer.in},
         {"out", layer.out},
         {"rank", layer.lora.rank},
         {"scale", layer.lora.rank > 0 ? scale_of(layer.lora) : 0.0f},
         {"step", layer.next_update}});
  }
  json["machine"] = machine_json(r.machine, r.limits);
  json["latency"] = {
      {"step_cycles", r.cycles}, {"step_ns", r.step_ns}, {"with_transfers_ns", r.total_ns}};
  json["bound"] = r.bound;
  json["array_utilisation"] = r.array_utilisation;
  json["gemms"] = Json::array();
  for (const GemmReport& gemm : r.gemms) {
    json["gemms"].push_back({{"kind", gemm.kind},
                             {"macs", gemm.macs},
                             {"cycles", gemm.cycles},
                             {"slots", gemm.slots},
                             {"utilisation", gemm.utilisation}});
  }
  json["phases"] = Json::array();
  for (const PhaseReport& phase : r.phases) {
    Json lost;
    for (std::size_t cause = 0; cause < kLostNames.size(); ++cause)
      lost[kLostNames[cause]] = phase.lost[cause];
    json["phases"].push_back({{"value", phase.value},
                              {"bound", phase.bound},
                              {"cycles", phase.cycles},
                              {"streaming_cycles", phase.streaming},
                              {"macs", phase.macs},
                              {"utilisation", phase.utilisation},
                              {"lost_cycles", lost}});
  }
  for (const StepReport& step : r.steps) {
    json["steps"].push_back({{"cycles", step.cycles},
                             {"upload_ns", step.upload_ns},
                             {"step_ns", step.step_ns},
                             {"download_ns", step.download_ns},
                             {"link_bytes",
                              {{"loaded", step.link.loaded},
                               {"fed", step.link.fed},
                               {"programs", step.link.programs},
                               {"commands", step.link.commands},
                               {"streamed", step.link.streamed},
                               {"asked", step.link.asked}}}});
  }
  json["units"] = Json::array();
  for (const UnitReport& unit : r.units) {
    Json cycles;
    for (std::size_t a = 0; a < unit.cycles.size(); ++a)
      cycles[interface::kActivityNames[a]] = unit.cycles[a];
    json["units"].push_back({{"unit", unit.unit}, {"cycles", cycles}});
  }
  json["axi"] = traffic_json(r.axi);
  json["memory"] = traffic_json(r.memory);
  json["memory"]["model"] = name_of(r.memory_model.kind);
  json["memory"]["name"] = r.memory_model.name;
  json["memory"]["latency_ns"] = r.memory_model.latency_ns;
  if (r.dram) json["memory"]["dram"] = to_json(*r.dram, r.memory_model.dram);
  json["link"] = {{"name", r.link.name},
                  {"payload_bytes_to_device", r.link.upload.payload_bytes_to_device},
                  {"wire_bytes_to_device", r.link.upload.wire_bytes_to_device},
                  {"upload_ns", r.link.upload.ns},
                  {"payload_bytes_to_host", r.link.download.payload_bytes_to_host},
                  {"wire_bytes_to_host", r.link.download.wire_bytes_to_host},
                  {"download_ns", r.link.download.ns},
                  {"step", transfer_json(r.link.step)},
                  {"streamed_weight_bytes", r.link.streamed_bytes},
                  {"bandwidth_gb_per_s", r.link.bandwidth_gb_per_s},
                  {"peak_gb_per_s", r.link.peak_gb_per_s}};
  json["energy"] = {{"table", r.energy_table},
                    {"node", r.energy_node},
                    {"total_pj", r.energy_pj},
                    {"actions", Json::array()}};
  for (const EnergyLine& line : r.energy) {
    json["energy"]["actions"].push_back({{"action", line.entry.action},
                                         {"count", line.count},
                                         {"unit", line.entry.unit},
                                         {"pj_each", line.entry.pj},
                                         {"total_pj", line.total_pj},
                                         {"quality", line.entry.quality},
                                         {"source", line.entry.source}});
  }
  json["tensors"] = Json::array();
  for (const TensorReport& tensor : r.tensors) {
    json["tensors"].push_back({{"name", tensor.name},
                               {"bytes", tensor.bytes},
                               {"loaded_bytes", tensor.loaded_bytes},
                               {"stored_bytes", tensor.stored_bytes},
                               {"reread_factor", tensor.reread_factor}});
  }
  json["blocks"] = Json::array();
  for (const auto& [value, block] : r.blocks) {
    json["blocks"].push_back({{"value", value},
                              {"rows", block.rows},
                              {"columns", block.columns},
                              {"depth", block.depth}});
  }
  json["commands"] = r.commands;
  json["commands_completed"] = r.commands_completed;
  json["right"] = r.right();
  json["comparisons"] = Json::array();
  for (const ComparisonReport& comparison : r.comparisons)
    json["comparisons"].push_back(comparison_json(comparison));
  json["counter_mismatches"] = Json::array();
  for (const CounterMismatch& mismatch : r.counter_mismatches) {
    json["counter_mismatches"].push_back({{"counter", mismatch.counter},
                                          {"device", mismatch.device},
                                          {"expected", mismatch.expected}});
  }
  json["counters"] = r.counters;
  json["simulation"] = {{"cycles", r.simulated_cycles},
                        {"cpu_s", r.simulation_cpu_s},
                        {"evaluated_cycles", r.evaluated_cycles},
                        {"cycles_per_cpu_s", r.simulated_cycles_per_cpu_s},
                        {"peak_memory_kib", r.peak_memory_kib}};
  return json;
}

std::string step_lines(const std::vector<StepReport>& steps) {
  std::string text = fmt::format("\n  {:<6}{:>14}{:>14}{:>12}{:>12}{:>12}{:>12}{:>12}\n", "step",
                                 "cycles", "B loaded", "fed", "programs", "commands", "streamed",
                                 "asked for");
  constexpr std::size_t kMostLines = 12;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps.size() > kMostLines && i == kMostLines - 2) {
      text += "  ...\n";
      i = steps.size() - 1;
    }
    const LinkBytes& link = steps[i].link;
    text +=
        fmt::format("  {:<6}{:>14}{:>14}{:>12}{:>12}{:>12}{:>12}{:>12}\n", i + 1, steps[i].cycles,
                    link.loaded, link.fed, link.programs, link.commands, link.streamed, link.asked);
  }
  return text;
}

std::string to_table(const RunReport& r) {
  std::string text;
  const auto line = [&](const std::string& what, const std::string& value) {
    text += fmt::format("  {:<26}{}\n", what, value);
  };
  const LinearLayer& layer = r.layers.front();
  text += fmt::format(
      "{}: LoRA step {} of {} tokens, {} -> {}, r = {}{}, on {}x{} at {} MHz ({})\n", r.name,
      layer.next_update, layer.tokens, layer.in, layer.out, layer.lora.rank,
      r.layers.size() == 1 ? "" : fmt::format(", and {} more layers", r.layers.size() - 1),
      r.machine.array_rows, r.machine.array_columns, r.limits.clock_mhz,
      r.layers_repeated ? r.fidelity + ", layers repeated" : r.fidelity);
  if (r.layers_repeated) {
    const LayersRepeated& l = *r.layers_repeated;
    text += fmt::format(
        "  LAYERS REPEATED: {} of {} groups of {} layers were simulated; two in the middle took {} "
        "and {} cycles, which is {:.4f} % of the step\n",
        l.simulated_groups, l.groups, l.layers_of_group, l.middle_cycles[0], l.middle_cycles[1],
        100 * l.error);
  }
  if (r.incomplete)
    text += fmt::format("  INCOMPLETE: stopped after {} of {} commands; nothing was compared\n",
                        r.commands_completed, r.commands);
  line("latency", fmt::format("{} cycles = {:.1f} us; with transfers over the link {:.1f} us",
                              r.cycles, r.step_ns / 1e3, r.total_ns / 1e3));
  line("bound by", r.bound);
  text += fmt::format("\n  {:<10}", "cycles");
  for (const char* activity : interface::kActivityNames) text += fmt::format("{:>14}", activity);
  text += "\n";
  for (const UnitReport& unit : r.units) {
    text += fmt::format("  {:<10}", unit.unit);
    for (const std::uint64_t cycles : unit.cycles) text += fmt::format("{:>14}", cycles);
    text += "\n";
  }
  text += fmt::format("\n  {:<34}{:>14}{:>12}{:>14}\n", "matrix products", "macs", "cycles",
                      "utilisation");
  for (const GemmReport& gemm : r.gemms) {
    text += fmt::format("  {:<34}{:>14}{:>12}{:>14}\n", gemm.kind, gemm.macs, gemm.cycles,
                        percent(gemm.utilisation));
  }
  text += phase_lines(r.phases);
  line("whole step", fmt::format("{} of the array's multiply-accumulates are useful",
                                 percent(r.array_utilisation)));
  text += "\n";
  line("memory",
       fmt::format("{} B read, {} B written, {:.2f} of {:.2f} GB/s ({}); {}: {}",
                   r.memory.bytes_read, r.memory.bytes_written, r.memory.bandwidth_gb_per_s,
                   r.memory.peak_gb_per_s, percent(r.memory.share_of_peak),
                   name_of(r.memory_model.kind), r.memory_model.name));
  if (r.dram) {
    line("DRAM data bus", data_bus_text(r.dram->statistics));
    line("DRAM rows", rows_text(r.dram->statistics, r.memory_model.dram.device));
  }
  line("link", fmt::format("{} B to the device in {:.1f} us, {} B back in {:.1f} us, {:.2f} of "
                           "{:.2f} GB/s meanwhile; {}",
                           r.link.upload.payload_bytes_to_device, r.link.upload.ns / 1e3,
                           r.link.download.payload_bytes_to_host, r.link.download.ns / 1e3,
                           r.link.bandwidth_gb_per_s, r.link.peak_gb_per_s, r.link.name));
  const LinkTransfer& during = r.link.step;
  line("link during the step",
       fmt::format(
           "{} B to the device, {:.2f} of {:.2f} GB/s{}", during.payload_bytes_to_device,
           during.ns > 0 ? static_cast<double>(during.payload_bytes_to_device) / during.ns : 0.0,
           r.link.peak_gb_per_s,
           r.weights == Weights::kStreamed
               ? fmt::format("; {} B of frozen weights were streamed", r.link.streamed_bytes)
               : ""));
  line("energy",
       fmt::format("{:.3f} uJ ({}, {})", r.energy_pj / 1e6, r.energy_table, r.energy_node));
  for (const EnergyLine& entry : r.energy) {
    text +=
        fmt::format("    {:<24}{:>14.0f} x {:>8.3f} pJ = {:>10.3f} uJ  {}\n", entry.entry.action,
                    entry.count, entry.entry.pj, entry.total_pj / 1e6, entry.entry.quality);
  }
  if (r.dram && !r.energy.empty() && !r.dram->energy.known)
    text += "    dram_byte is the table's figure: the currents of this DRAM are not known\n";
  if (!r.values) text += "\n  values: off; no tensor was computed or compared\n";
  if (r.values && !r.incomplete)
    text += fmt::format("\n  {:<24}{:>10}  {:<22}{:>20}{:>16}\n", "result", "elements",
                        "bit-exact reference", "error against FP64", "worst column");
  for (const ComparisonReport& comparison : r.comparisons) {
    const std::string equal =
        comparison.mismatches == 0 ? "equal" : fmt::format("{} MISMATCHES", comparison.mismatches);
    std::string error = "-", worst = "-";
    if (comparison.fp64) {
      error = fmt::format("{:.2e}", comparison.fp64->relative_frobenius);
      worst = fmt::format("{:.2e}", comparison.fp64->worst_column);
    }
    text += fmt::format("  {:<24}{:>10}  {:<22}{:>20}{:>16}\n", comparison.tensor,
                        comparison.elements, equal, error, worst);
  }
  for (const ComparisonReport& comparison : r.comparisons) {
    if (comparison.mismatches > 0) {
      text += fmt::format("MISMATCH {}{}\n", comparison.tensor, comparison.first_mismatch);
    }
  }
  for (const CounterMismatch& mismatch : r.counter_mismatches) {
    text += fmt::format("MISMATCH counter {}: device {}, by the commands {}\n", mismatch.counter,
                        mismatch.device, mismatch.expected);
  }
  if (!r.steps.empty()) text += step_lines(r.steps);
  line("\n  simulation",
       fmt::format("{} cycles ({} evaluated) in {:.2f} s of CPU, {:.3g} million cycles/s; {} MiB",
                   r.simulated_cycles, r.evaluated_cycles, r.simulation_cpu_s,
                   r.simulated_cycles_per_cpu_s / 1e6, r.peak_memory_kib / 1024));
  return text;
}

}  // namespace corank
