#include "host/report/report.h"

#include <algorithm>

#include "host/report/report_json.h"

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

Json layers_repeated_json(const std::optional<LayersRepeated>& repeated) {
  if (!repeated) return nullptr;
  const LayersRepeated& l = *repeated;
  return {{"layers_of_group", l.layers_of_group},
          {"groups", l.groups},
          {"simulated_groups", l.simulated_groups},
          {"middle_cycles", {l.middle_cycles[0], l.middle_cycles[1]}},
          {"error", l.error}};
}

Json layer_json(const LinearLayer& layer) {
  return {{"tokens", layer.tokens},
          {"in", layer.in},
          {"out", layer.out},
          {"rank", layer.lora.rank},
          {"scale", layer.lora.rank > 0 ? scale_of(layer.lora) : 0.0f},
          {"step", layer.next_update}};
}

Json phase_json(const PhaseReport& phase) {
  Json lost;
  for (std::size_t cause = 0; cause < kStallCauseNames.size(); ++cause)
    lost[kStallCauseNames[cause]] = phase.lost[cause];
  return {{"value", phase.value},   {"bound", phase.bound},
          {"cycles", phase.cycles}, {"streaming_cycles", phase.streaming},
          {"macs", phase.macs},     {"utilisation", phase.utilisation},
          {"lost_cycles", lost}};
}

Json all_steps_json(const RunReport& r) {
  Json json = {{"asked", r.steps_asked}, {"ended", r.steps.size()}};
  json.update(step_json(sum_of(r.steps)));
  return json;
}

Json memory_json(const RunReport& r) {
  Json json = traffic_json(r.memory);
  json["model"] = name_of(r.memory_model.kind);
  json["name"] = r.memory_model.name;
  json["latency_ns"] = r.memory_model.latency_ns;
  if (r.dram) json["dram"] = to_json(*r.dram, r.memory_model.dram);
  return json;
}

Json link_json(const LinkReport& link) {
  return {{"name", link.name},
          {"payload_bytes_to_device", link.upload.payload_bytes_to_device},
          {"wire_bytes_to_device", link.upload.wire_bytes_to_device},
          {"upload_ns", link.upload.ns},
          {"payload_bytes_to_host", link.download.payload_bytes_to_host},
          {"wire_bytes_to_host", link.download.wire_bytes_to_host},
          {"download_ns", link.download.ns},
          {"step", transfer_json(link.step)},
          {"streamed_weight_bytes", link.streamed_bytes},
          {"bandwidth_gb_per_s", link.bandwidth_gb_per_s},
          {"peak_gb_per_s", link.peak_gb_per_s}};
}

Json energy_json(const RunReport& r) {
  const EnergySum sum = sum_of(r.energy);
  Json parts;
  for (std::size_t part = 0; part < kEnergyPartNames.size(); ++part)
    parts[std::string(kEnergyPartNames[part]) + "_pj"] = sum.parts_pj[part];
  return {{"table", r.energy_table}, {"node", r.energy_node},
          {"total_pj", r.energy_pj}, {"span_pj", {sum.low_pj, sum.high_pj}},
          {"parts", parts},          {"actions", list_json(r.energy, energy_line_json)}};
}

Json tensor_json(const TensorReport& tensor) {
  return {{"name", tensor.name},
          {"bytes", tensor.bytes},
          {"loaded_bytes", tensor.loaded_bytes},
          {"stored_bytes", tensor.stored_bytes},
          {"reread_factor", tensor.reread_factor}};
}

Json block_json(const std::pair<std::string, BlockSize>& block) {
  return {{"value", block.first},
          {"rows", block.second.rows},
          {"columns", block.second.columns},
          {"depth", block.second.depth}};
}

}  // namespace

StepReport& StepReport::operator+=(const StepReport& other) {
  cycles += other.cycles;
  upload_ns += other.upload_ns;
  step_ns += other.step_ns;
  download_ns += other.download_ns;
  memory_bytes_read += other.memory_bytes_read;
  memory_bytes_written += other.memory_bytes_written;
  energy_pj += other.energy_pj;
  link += other.link;
  return *this;
}

StepReport sum_of(const std::vector<StepReport>& steps) {
  StepReport sum;
  for (const StepReport& step : steps) sum += step;
  return sum;
}

bool RunReport::passed() const {
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
  json["layers_repeated"] = layers_repeated_json(r.layers_repeated);
  json["config"] = r.config_file;
  json["workload"] = {{"source", r.workload},
                      {"weights", name_of(r.weights)},
                      {"layers", list_json(r.layers, layer_json)}};
  json["machine"] = machine_json(r.machine, r.limits);
  json["latency"] = {
      {"step_cycles", r.cycles}, {"step_ns", r.step_ns}, {"with_transfers_ns", r.total_ns}};
  json["bound"] = r.bound;
  json["array_utilisation"] = r.array_utilisation;
  json["gemms"] = list_json(r.gemms, gemm_json);
  json["phases"] = list_json(r.phases, phase_json);
  if (r.steps_asked > 1) {
    json["steps"] = list_json(r.steps, step_json);
    json["all_steps"] = all_steps_json(r);
  }
  json["units"] = list_json(r.units, unit_json);
  json["work"] = to_json(r.work, pes_of(r.machine));
  json["axi"] = traffic_json(r.axi);
  json["memory"] = memory_json(r);
  json["link"] = link_json(r.link);
  json["energy"] = energy_json(r);
  if (r.gate_mac) json["energy"]["multiply_accumulate"] = to_json(*r.gate_mac);
  json["silicon"] = to_json(r.silicon);
  json["tensors"] = list_json(r.tensors, tensor_json);
  json["blocks"] = list_json(r.blocks, block_json);
  json["commands"] = r.commands;
  json["commands_completed"] = r.commands_completed;
  json["right"] = r.passed();
  json["comparisons"] = list_json(r.comparisons, comparison_json);
  json["counter_mismatches"] = list_json(r.counter_mismatches, mismatch_json);
  json["counters"] = r.counters;
  json["simulation"] = simulation_json(r.simulation);
  return json;
}

}  // namespace corank
