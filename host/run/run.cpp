#include "host/run/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <tuple>

#include "host/analytic/analytic.h"
#include "host/energy/gate_lines.h"
#include "host/formats/safetensors.h"
#include "host/pages/timeline.h"
#include "host/pages/write_report.h"
#include "host/report/trace_json.h"
#include "host/run/compare.h"
#include "host/run/measurement.h"
#include "host/run/repeated_layers.h"
#include "host/run/run_files.h"
#include "host/run/simulate.h"
#include "host/run/step_costs.h"
#include "host/run/step_work.h"
#include "host/workload/workload.h"
#include "models/base/error.h"
#include "models/reference/reference_executor.h"
#include "sim/system/interruption.h"

namespace corank {
namespace {

using interface::Counter;

constexpr const char* kTensorsFile = "tensors.safetensors";

// The name under which a result is written: the updated lora_A is the lora_A of the file.
std::string output_name(std::string name) {
  const std::string suffix = ".new";
  if (name.size() > suffix.size() &&
      name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0) {
    name.resize(name.size() - suffix.size());
  }
  return name;
}

void fill_timing(RunReport& report, const StepMeasurement& m) {
  report.phases = m.times.phases;
  report.cycles = at(m.counters, Counter::kCycles);
  report.step_ns = static_cast<double>(report.cycles) * 1e3 / report.limits.clock_mhz;
  report.units = units_of(m.counters);
  report.gemms = gemms_of(m, report.machine);
  report.array_utilisation = array_utilisation(report.gemms, report.cycles, report.machine);

  const StepTraffic bytes = traffic_of(m, report.machine);
  report.axi.bytes_read = bytes.axi_read;
  report.axi.bytes_written = bytes.axi_written;
  report.axi.peak_gb_per_s = axi_peak_gb_per_s(report.machine, report.limits);
  report.memory.bytes_read = bytes.memory_read;
  report.memory.bytes_written = bytes.memory_written;
  report.memory.peak_gb_per_s = report.memory_model.bandwidth_gb_per_s;
  for (TrafficReport* traffic : {&report.axi, &report.memory}) {
    traffic->bandwidth_gb_per_s =
        ratio(static_cast<double>(traffic->bytes_read + traffic->bytes_written), report.step_ns);
    traffic->share_of_peak = traffic->bandwidth_gb_per_s / traffic->peak_gb_per_s;
  }
}

LinkTransfer transfer_of(const LinkStatistics& statistics, double ns) {
  LinkTransfer transfer;
  transfer.ns = ns;
  transfer.payload_bytes_to_device = unsigned_of(statistics.to_device.payload_bytes);
  transfer.payload_bytes_to_host = unsigned_of(statistics.to_host.payload_bytes);
  transfer.wire_bytes_to_device = unsigned_of(statistics.to_device.wire_bytes);
  transfer.wire_bytes_to_host = unsigned_of(statistics.to_host.wire_bytes);
  return transfer;
}

void fill_link(RunReport& report, const StepMeasurement& m, const LinkConfig& link) {
  report.link.name = link.name;
  report.link.upload = transfer_of(m.upload, m.upload_ns);
  report.link.step = transfer_of(m.in_step, m.step_ns);
  report.link.download = transfer_of(m.download, m.download_ns);
  report.link.streamed_bytes = m.streamed_bytes;
  const auto payload = [](const LinkTransfer& transfer) {
    return transfer.payload_bytes_to_device + transfer.payload_bytes_to_host;
  };
  report.link.bandwidth_gb_per_s =
      ratio(static_cast<double>(payload(report.link.upload) + payload(report.link.download)),
            m.upload_ns + m.download_ns);
  report.link.peak_gb_per_s = link.bandwidth_gb_per_s;
}

SiliconReport silicon_of(const Config& config, const RunReport& report) {
  StepWork work;
  if (!report.incomplete)
    work.tokens = static_cast<double>(report.layers.front().tokens * config.optimizer.accumulate);
  for (const GemmReport& gemm : report.gemms) work.macs += static_cast<double>(gemm.macs);
  work.step_ns = report.step_ns;
  work.total_ns = report.total_ns;
  work.energy_pj = report.energy_pj;
  work.energy_node = report.energy_node;
  return silicon_report(config.machine, config.limits.clock_mhz, work);
}

void write_files(const std::string& directory, const RunReport& report, const TensorMap& results,
                 const std::optional<Timeline>& timeline) {
  SafetensorsFile tensors;
  for (const auto& [name, tensor] : results) tensors.tensors[output_name(name)] = tensor;
  if (report.values && !report.incomplete)
    write_safetensors((std::filesystem::path(directory) / kTensorsFile).string(), tensors);
  write_report(directory, to_json(report), timeline);
}

void check_fidelity(const Config& config, const RunOptions& options) {
  if (config.layers == Layers::kRepeated && (options.fidelity != Fidelity::kCycle || config.values))
    throw InputError(place_of(config, "workload.layers"),
                     "workload.layers: repeated gives times alone; expected --fidelity cycle and "
                     "values: off");
  if (config.layers == Layers::kRepeated) check_repeated(config);
  check_waves(options);
  if (options.fidelity == Fidelity::kRtl && !config.values)
    throw InputError(place_of(config, "values"),
                     "values: off needs --fidelity cycle; found --fidelity rtl");
}

RunReport report_of(const Config& config, const RunOptions& options, const Workload& workload,
                    const Simulated& simulated, const StepMeasurement& m) {
  const PlatformResult& platform = simulated.platform;
  RunReport report;
  report.name = config.name;
  report.fidelity = name_of(options.fidelity);
  report.values = config.values;
  report.config_file = config.file;
  report.workload = workload.source;
  report.weights = config.weights;
  report.layers = layers_of(workload);
  report.machine = config.machine;
  report.limits = config.limits;
  report.memory_model = config.memory;
  report.incomplete = simulated.stopped();
  report.commands = m.commands;
  report.commands_completed = m.commands_completed;
  report.tensors = m.tensors;
  report.blocks = m.blocks;
  if (m.dram) report.dram = dram_report(config.memory.dram, *m.dram);
  fill_timing(report, m);
  report.total_ns = m.upload_ns + m.step_ns + m.download_ns;
  fill_link(report, m, config.link);
  report.simulation = simulation_cost(platform, options.fidelity);
  for (std::size_t i = 0; i < m.counters.size(); ++i)
    report.counters[interface::kCounterNames[i]] = m.counters[i];
  report.energy_table = config.energy.name;
  report.energy_node = config.energy.node;
  report.energy = energy_of(config, machine_silicon(config.machine, config.energy.node), m);
  report.energy_pj = sum_of(report.energy).pj;
  if (config.energy.gates) report.gate_mac = gate_mac(config.machine);
  report.silicon = silicon_of(config, report);
  report.bound = bound_of(config, m);
  return report;
}

// FP64 autodiff starts from what the first step is given.
void compare_results(RunReport& report, const PreparedStep& prepared, const TensorMap& results) {
  ReferenceExecutor reference(prepared.program, Numerics::kBf16);
  report.comparisons =
      compare_bits(prepared.program.graph, results, execute_steps(reference, prepared).results);
  if (prepared.steps > 1 || prepared.program.optimizer.accumulate > 1) return;
  const std::vector<Capture>& layers = prepared.workload.layers;
  for (std::size_t i = 0; i < layers.size(); ++i)
    compare_fp64(layers[i], layer_prefix(i, layers.size()), prepared.inputs, prepared.packed,
                 results, report.comparisons);
}

void add_below_bound(const Config& config, const PreparedStep& prepared, const Simulated& simulated,
                     std::vector<CounterMismatch>& mismatches) {
  const std::vector<ValueId> asked =
      prepared.steps == 1 ? results_of(prepared.program) : std::vector<ValueId>{};
  for (CounterMismatch& below : below_bound(config, prepared, asked, simulated))
    mismatches.push_back(std::move(below));
}

// Of several steps, each that came to its end.
void fill_steps(RunReport& report, const Config& config, const PreparedStep& prepared,
                const Simulated& simulated) {
  report.steps_asked = prepared.steps;
  if (prepared.steps == 1) return;
  const std::vector<ValueId> all = results_of(prepared.program);
  const MachineSilicon silicon = machine_silicon(config.machine, config.energy.node);
  for (std::size_t i = 0; i < simulated.steps.size() && !simulated.steps[i].stopped; ++i) {
    const bool last = i + 1 == static_cast<std::size_t>(prepared.steps);
    LinkBytes link =
        expected_link_bytes(prepared.step, prepared.program, last ? all : std::vector<ValueId>{});
    if (i > 0) link.loaded = 0;
    report.steps.push_back(step_report(config, silicon, sums_of_step(simulated, i), link));
  }
}

}  // namespace

RunReport run(const Config& config, const RunOptions& options) {
  check_fidelity(config, options);
  check_energy_table(config);
  RunFiles files(config, {options.out_directory,
                          {kReportFile, kReportPage, kTensorsFile},
                          options.trace.value_or(""),
                          options.waves.value_or("")});
  const bool repeated = config.layers == Layers::kRepeated;
  // The simulation asks for the first time whether to stop when the step begins. Before that there
  // is nothing to keep.
  std::optional<OrderlyEnd> orderly;
  RunOptions simulated_options = options;
  simulated_options.stop = [&] {
    if (!orderly) orderly.emplace();
    return options.stop && options.stop();
  };
  if (files.waves) simulated_options.waves = files.waves->temporary();
  RepeatedStep step;
  Simulated simulated;
  Workload whole_workload;  // of layers that are repeated
  if (repeated) {
    whole_workload = read_workload(config);
    std::tie(step, simulated) = simulate_repeated(config, simulated_options, whole_workload);
  } else {
    step.prepared = prepare_step(config);
    simulated = simulate(config, simulated_options, step.prepared, build_machine(config, options));
  }
  const PreparedStep& prepared = step.prepared;
  const StepMeasurement measured = measure(config, prepared, simulated);
  const std::vector<PlatformSnapshot>& snapshots = simulated.platform.snapshots;

  RunReport report;
  if (repeated && !simulated.stopped()) {
    const StepMeasurement whole = extrapolate(config, step, measured, snapshots);
    report = report_of(config, options, whole_workload, simulated, whole);
    report.layers_repeated = repetition_report(step, snapshots, whole);
  } else {
    report = report_of(config, options, prepared.workload, simulated, measured);
  }
  fill_steps(report, config, prepared, simulated);
  if (!report.incomplete) {
    if (!repeated) report.work = step_work(config, prepared, simulated, measured);
    if (report.values) compare_results(report, prepared, simulated.results);
    report.counter_mismatches = check_costs(config, prepared, simulated);
    if (!repeated) add_below_bound(config, prepared, simulated, report.counter_mismatches);
  }
  const StepTrace trace = {config.limits.clock_mhz, simulated.platform.trace,
                           simulated.platform.transactions, measured.times.stalls};
  if (!options.out_directory.empty()) {
    // Of repeated layers, the simulated ones alone have times.
    std::optional<Timeline> timeline;
    if (!repeated) timeline = timeline_of(prepared.step, prepared.program.graph, trace);
    write_files(options.out_directory, report, simulated.results, timeline);
  }
  if (files.waves) files.waves->finish();
  if (files.trace) write_trace(*files.trace, prepared.step, prepared.program.graph, trace);
  return report;
}

}  // namespace corank
