#include "host/report/report_json.h"

namespace corank {

nlohmann::ordered_json machine_json(const MachineShape& shape, const MachineLimits& limits) {
  nlohmann::ordered_json json;
  for (const MachineParameter& p : kMachineParameters) json[p.name] = shape.*p.value;
  for (const MachineChoice& c : kMachineChoices) json[c.name] = shape.*c.value;
  json["clock_mhz"] = limits.clock_mhz;
  json["outstanding_bursts"] = limits.outstanding_bursts;
  json["burst_beats"] = limits.burst_beats;
  return json;
}

nlohmann::ordered_json gemm_json(const GemmReport& gemm) {
  return {{"kind", gemm.kind},
          {"macs", gemm.macs},
          {"cycles", gemm.cycles},
          {"slots", gemm.slots},
          {"utilisation", gemm.utilisation}};
}

nlohmann::ordered_json unit_json(const UnitReport& unit) {
  nlohmann::ordered_json cycles;
  for (std::size_t a = 0; a < unit.cycles.size(); ++a)
    cycles[interface::kActivityNames[a]] = unit.cycles[a];
  return {{"unit", unit.unit}, {"cycles", cycles}};
}

nlohmann::ordered_json step_json(const StepReport& step) {
  return {{"cycles", step.cycles},
          {"upload_ns", step.upload_ns},
          {"step_ns", step.step_ns},
          {"download_ns", step.download_ns},
          {"memory_bytes_read", step.memory_bytes_read},
          {"memory_bytes_written", step.memory_bytes_written},
          {"energy_pj", step.energy_pj},
          {"link_bytes",
           {{"loaded", step.link.loaded},
            {"fed", step.link.fed},
            {"programs", step.link.programs},
            {"commands", step.link.commands},
            {"streamed", step.link.streamed},
            {"asked", step.link.asked}}}};
}

nlohmann::ordered_json comparison_json(const ComparisonReport& comparison) {
  nlohmann::ordered_json json = {{"tensor", comparison.tensor},
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

nlohmann::ordered_json energy_line_json(const EnergyLine& line) {
  const EnergyEntry& entry = line.entry;
  return {{"action", entry.action},
          {"part", kEnergyPartNames[static_cast<std::size_t>(line.part)]},
          {"count", line.count},
          {"unit", entry.unit},
          {"pj_each", entry.pj},
          {"span_pj_each", {entry.low_pj, entry.high_pj}},
          {"total_pj", line.total_pj()},
          {"quality", entry.quality},
          {"source", entry.source}};
}

nlohmann::ordered_json mismatch_json(const CounterMismatch& mismatch) {
  return {
      {"counter", mismatch.counter}, {"device", mismatch.device}, {"expected", mismatch.expected}};
}

nlohmann::ordered_json simulation_json(const SimulationCost& cost) {
  return {{"cycles", cost.cycles},
          {"cpu_s", cost.cpu_s},
          {"evaluated_cycles", cost.evaluated_cycles},
          {"cycles_per_cpu_s", cost.cycles_per_cpu_s},
          {"peak_memory_kib", cost.peak_memory_kib}};
}

}  // namespace corank
