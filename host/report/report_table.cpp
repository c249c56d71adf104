// The table that a run prints.
#include <fmt/format.h>

#include <algorithm>

#include "host/report/report.h"

namespace corank {
namespace {

std::string table_line(const std::string& what, const std::string& value) {
  return fmt::format("  {:<26}{}\n", what, value);
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

// One line a product; of many layers the sums over all of them.
std::string phase_lines(const std::vector<PhaseReport>& phases) {
  constexpr std::size_t kMostLines = 12;
  std::vector<PhaseReport> shown;
  for (const PhaseReport& phase : phases) {
    PhaseReport line = phase;
    if (phases.size() > kMostLines) line.value = "all " + phase.product;
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
      lost += fmt::format("{}{} {}", lost.empty() ? "" : ", ", kStallCauseNames[cause],
                          phase.lost[cause]);
    }
    text += fmt::format("  {:<24}{:>12}{:>13}  {:<18}{}\n", phase.value, phase.cycles,
                        percent(phase.utilisation), phase.bound, lost.empty() ? "-" : lost);
  }
  return text;
}

std::string step_line(const std::string& name, const StepReport& step) {
  const LinkBytes& link = step.link;
  return fmt::format("  {:<6}{:>14}{:>12.3f}{:>14}{:>14}{:>12}{:>12}{:>12}{:>12}{:>12}\n", name,
                     step.cycles, step.energy_pj / 1e6,
                     step.memory_bytes_read + step.memory_bytes_written, link.loaded, link.fed,
                     link.programs, link.commands, link.streamed, link.asked);
}

std::string step_lines(const std::vector<StepReport>& steps) {
  std::string text = fmt::format(
      "\n  {:<6}{:>14}{:>12}{:>14}{:>14}{:>12}{:>12}{:>12}{:>12}{:>12}\n", "step", "cycles", "uJ",
      "B of memory", "B loaded", "fed", "programs", "commands", "streamed", "asked for");
  constexpr std::size_t kMostLines = 12;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps.size() > kMostLines && i == kMostLines - 2) {
      text += "  ...\n";
      i = steps.size() - 1;
    }
    text += step_line(std::to_string(i + 1), steps[i]);
  }
  return text + step_line("all", sum_of(steps));
}

std::string header_lines(const RunReport& r) {
  std::string text;
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
    text += fmt::format("  INCOMPLETE: stopped after {} of {} commands{}; nothing was compared\n",
                        r.commands_completed, r.commands,
                        r.steps_asked == 1 ? ""
                                           : fmt::format(" of step 1, in step {} of {}",
                                                         r.steps.size() + 1, r.steps_asked));
  if (r.steps_asked > 1)
    text += fmt::format(
        "  {} STEPS: these are the figures of the first one; all steps, and their sums, stand at "
        "the end{}\n",
        r.steps_asked, r.incomplete ? "" : "; results are those of the last one");
  return text;
}

std::string work_lines(const RunReport& r) {
  std::string text;
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
  return text;
}

std::string link_lines(const RunReport& r) {
  std::string text;
  text += table_line(
      "link", fmt::format("{} B to the device in {:.1f} us, {} B back in {:.1f} us, {:.2f} of "
                          "{:.2f} GB/s meanwhile; {}",
                          r.link.upload.payload_bytes_to_device, r.link.upload.ns / 1e3,
                          r.link.download.payload_bytes_to_host, r.link.download.ns / 1e3,
                          r.link.bandwidth_gb_per_s, r.link.peak_gb_per_s, r.link.name));
  const LinkTransfer& during = r.link.step;
  text += table_line(
      "link during the step",
      fmt::format(
          "{} B to the device, {:.2f} of {:.2f} GB/s{}", during.payload_bytes_to_device,
          during.ns > 0 ? static_cast<double>(during.payload_bytes_to_device) / during.ns : 0.0,
          r.link.peak_gb_per_s,
          r.weights == Weights::kStreamed
              ? fmt::format("; {} B of frozen weights were streamed", r.link.streamed_bytes)
              : ""));
  return text;
}

std::string parts_text(const EnergySum& sum) {
  std::string text;
  for (std::size_t part = 0; part < kEnergyPartNames.size(); ++part)
    if (sum.parts_pj[part] > 0)
      text += fmt::format("{}{} {:.3f} uJ", text.empty() ? "" : ", ", kEnergyPartNames[part],
                          sum.parts_pj[part] / 1e6);
  return text;
}

std::string energy_lines(const RunReport& r) {
  const EnergySum sum = sum_of(r.energy);
  std::string text = table_line(
      "energy", fmt::format("{:.3f} uJ, {:.3f} to {:.3f} by the spans of the sources ({}, {})",
                            r.energy_pj / 1e6, sum.low_pj / 1e6, sum.high_pj / 1e6, r.energy_table,
                            r.energy_node));
  if (!r.energy.empty()) text += table_line("of it", parts_text(sum));
  for (const EnergyLine& line : r.energy)
    text += fmt::format(
        "    {:<24}{:>14.0f} x {:>9.4g} pJ = {:>10.3f} uJ, {:>10.3f} to {:>10.3f}  {}\n",
        line.entry.action, line.count, line.entry.pj, line.total_pj() / 1e6, line.low_pj() / 1e6,
        line.high_pj() / 1e6, line.entry.quality);
  if (r.dram && !r.energy.empty() && !r.dram->energy.known)
    text += "    dram_byte is the table's figure: nothing is known of this DRAM's energy\n";
  if (r.gate_mac) text += gate_mac_lines(*r.gate_mac);
  return text;
}

std::string comparison_lines(const RunReport& r) {
  std::string text;
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
  return text + counter_mismatch_lines(r.counter_mismatches);
}

}  // namespace

std::string counter_mismatch_lines(const std::vector<CounterMismatch>& mismatches) {
  std::string text;
  for (const CounterMismatch& mismatch : mismatches)
    text += fmt::format("MISMATCH counter {}: device {}, by the commands {}\n", mismatch.counter,
                        mismatch.device, mismatch.expected);
  return text;
}

std::string simulation_line(const SimulationCost& cost) {
  return "\n" +
         table_line(
             "simulation",
             fmt::format(
                 "{} cycles ({} evaluated) in {:.2f} s of CPU, {:.3g} million cycles/s; {} MiB",
                 cost.cycles, cost.evaluated_cycles, cost.cpu_s, cost.cycles_per_cpu_s / 1e6,
                 cost.peak_memory_kib / 1024));
}

std::string to_table(const RunReport& r) {
  std::string text;
  text += header_lines(r);
  text += table_line("latency",
                     fmt::format("{} cycles = {:.1f} us; with transfers over the link {:.1f} us",
                                 r.cycles, r.step_ns / 1e3, r.total_ns / 1e3));
  text += table_line("bound by", r.bound);
  text += work_lines(r);
  text += phase_lines(r.phases);
  text += table_line("whole step", fmt::format("{} of the array's multiply-accumulates are useful",
                                               percent(r.array_utilisation)));
  text += "\n";
  text += table_line(
      "memory",
      fmt::format("{} B read, {} B written, {:.2f} of {:.2f} GB/s ({}); {}: {}",
                  r.memory.bytes_read, r.memory.bytes_written, r.memory.bandwidth_gb_per_s,
                  r.memory.peak_gb_per_s, percent(r.memory.share_of_peak),
                  name_of(r.memory_model.kind), r.memory_model.name));
  if (r.dram) {
    text += table_line("DRAM data bus", data_bus_text(r.dram->statistics));
    text += table_line("DRAM rows", rows_text(r.dram->statistics, r.memory_model.dram.device));
  }
  text += link_lines(r);
  text += energy_lines(r);
  text += silicon_lines(r.silicon);
  text += comparison_lines(r);
  if (!r.steps.empty()) text += step_lines(r.steps);
  text += simulation_line(r.simulation);
  return text;
}

}  // namespace corank
