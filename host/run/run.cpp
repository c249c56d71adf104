#include "host/run/run.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>

#include "host/driver/account.h"
#include "host/driver/driver.h"
#include "host/formats/safetensors.h"
#include "host/report/trace_json.h"
#include "host/report/write_json.h"
#include "host/run/compare.h"
#include "host/run/simulate.h"
#include "host/workload/workload.h"
#include "models/base/error.h"
#include "models/reference/bit_exact.h"

namespace corank {
namespace {

using interface::Counter;

constexpr const char* kReportFile = "report.json";
constexpr const char* kTensorsFile = "tensors.safetensors";

std::uint64_t unsigned_of(std::int64_t count) { return static_cast<std::uint64_t>(count); }

std::uint64_t at(const DeviceCounters& counters, Counter counter) {
  return counters[static_cast<std::size_t>(counter)];
}

// The name under which a result is written: the updated lora_A is the lora_A of the file.
std::string output_name(std::string name) {
  const std::string suffix = ".new";
  if (name.size() > suffix.size() &&
      name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0) {
    name.resize(name.size() - suffix.size());
  }
  return name;
}

std::map<std::string, double> energy_actions(const DeviceCounters& counters,
                                             const RunReport& report) {
  double macs = 0;
  for (const GemmReport& gemm : report.gemms) macs += static_cast<double>(gemm.macs);
  const auto count = [&](Counter counter) { return static_cast<double>(at(counters, counter)); };
  return {
      {"bf16_multiply", macs},
      {"fp32_add", macs + count(Counter::kVectorAdds)},
      {"fp32_multiply", count(Counter::kVectorMultiplies)},
      {"fp32_divide", count(Counter::kVectorDivides)},
      {"fp32_sqrt", count(Counter::kVectorSquareRoots)},
      {"scratchpad_read_byte", count(Counter::kScratchpadReadBytes)},
      {"scratchpad_write_byte", count(Counter::kScratchpadWriteBytes)},
      {"accumulator_read_byte", count(Counter::kAccumulatorReadBytes)},
      {"accumulator_write_byte", count(Counter::kAccumulatorWriteBytes)},
      {"dram_byte", static_cast<double>(report.memory.bytes_read + report.memory.bytes_written)},
      {"link_byte",
       static_cast<double>(report.link.wire_bytes_to_device + report.link.wire_bytes_to_host)}};
}

// What a DRAM did between the snapshots before and after the step.
std::optional<DramStatistics> dram_of_step(const PlatformResult& platform) {
  const PlatformSnapshot &before = platform.snapshots.at(0), &after = platform.snapshots.at(1);
  if (!after.dram) return std::nullopt;
  return after.dram->since(*before.dram);
}

// Of a DRAM what it gave while it was asked, of other kinds the peak.
double memory_bytes_per_cycle(const RunReport& report) {
  return report.memory_model.bandwidth_gb_per_s * 1e3 / report.limits.clock_mhz *
         (report.dram ? efficiency(report.dram->statistics) : 1);
}

// One line for every action; a DRAM's own currents take the place of the table's figure a byte.
std::vector<EnergyLine> energy_lines(const DeviceCounters& counters, const RunReport& report,
                                     const EnergyConfig& table) {
  std::map<std::string, double> actions = energy_actions(counters, report);
  std::vector<EnergyLine> dram;
  if (report.dram) dram = dram_energy_lines(*report.dram, report.memory_model.dram.device);
  if (!dram.empty()) actions.erase("dram_byte");
  std::vector<EnergyLine> lines = energy_of(actions, table);
  lines.insert(lines.end(), dram.begin(), dram.end());
  return lines;
}

// The busiest resource bounds the step, if it is busy most of the time; otherwise waiting does.
std::string bound_of(const RunReport& report) {
  const auto busy = [&](interface::Unit unit) {
    return static_cast<double>(report.units[static_cast<std::size_t>(unit)]
                                   .cycles[static_cast<std::size_t>(interface::Activity::kBusy)]) /
           static_cast<double>(report.cycles);
  };
  const std::vector<std::pair<std::string, double>> shares = {
      {"compute (the array)", busy(interface::Unit::kArray)},
      {"the vector unit", busy(interface::Unit::kVector)},
      report.dram ? std::pair<std::string, double>{"memory", busy_share(report.dram->statistics)}
                  : std::pair<std::string, double>{"memory bandwidth", report.memory.share_of_peak},
      {"the AXI port", report.axi.share_of_peak}};
  const auto& [name, share] =
      *std::max_element(shares.begin(), shares.end(),
                        [](const auto& a, const auto& b) { return a.second < b.second; });
  if (share >= 0.7) return fmt::format("{}, busy in {:.1f} % of the cycles", name, 100 * share);
  return fmt::format(
      "latency and dependencies: the busiest resource is {}, in {:.1f} % of the cycles", name,
      100 * share);
}

void fill_timing(RunReport& report, const DeviceCounters& counters, const CompiledStep& step,
                 const ArrayTimes& times) {
  report.phases = times.phases;
  report.cycles = at(counters, Counter::kCycles);
  report.step_ns = static_cast<double>(report.cycles) * 1e3 / report.limits.clock_mhz;
  for (std::size_t unit = 0; unit < interface::kUnitNames.size(); ++unit) {
    UnitReport unit_report;
    unit_report.unit = interface::kUnitNames[unit];
    for (std::size_t a = 0; a < interface::kActivityNames.size(); ++a) {
      unit_report.cycles[a] = counters[unit * interface::kActivityNames.size() + a];
    }
    report.units.push_back(unit_report);
  }
  const double pes = report.machine.array_rows * report.machine.array_columns;
  double macs = 0;
  for (std::size_t kind = 0; kind < interface::kGemmNames.size(); ++kind) {
    GemmReport gemm;
    gemm.kind = interface::kGemmNames[kind];
    gemm.macs = counters[static_cast<std::size_t>(Counter::kGemmMacs0) + kind];
    gemm.slots = counters[static_cast<std::size_t>(Counter::kGemmSlots0) + kind];
    gemm.cycles = times.kind_cycles[kind];
    if (gemm.cycles == 0) continue;
    gemm.utilisation = static_cast<double>(gemm.macs) / (static_cast<double>(gemm.cycles) * pes);
    macs += static_cast<double>(gemm.macs);
    report.gemms.push_back(gemm);
  }
  report.array_utilisation = macs / (static_cast<double>(report.cycles) * pes);

  const std::uint64_t bus_bytes = static_cast<std::uint64_t>(report.machine.axi_data_bits / 8);
  report.axi.bytes_read =
      (at(counters, Counter::kLoadBeats) + at(counters, Counter::kFetchBeats)) * bus_bytes;
  report.axi.bytes_written = at(counters, Counter::kStoreBeats) * bus_bytes;
  report.axi.peak_gb_per_s =
      2 * static_cast<double>(bus_bytes) * report.limits.clock_mhz / 1e3;  // reads and writes
  report.memory = report.axi;
  report.memory.peak_gb_per_s = report.memory_model.bandwidth_gb_per_s;
  for (TrafficReport* traffic : {&report.axi, &report.memory}) {
    traffic->bandwidth_gb_per_s =
        static_cast<double>(traffic->bytes_read + traffic->bytes_written) / report.step_ns;
    traffic->share_of_peak = traffic->bandwidth_gb_per_s / traffic->peak_gb_per_s;
  }
  report.commands = step.commands.size();
}

void fill_tensors(RunReport& report, const CompiledStep& step, const Graph& graph) {
  for (std::size_t id = 0; id < graph.values.size(); ++id) {
    const ValueTraffic& traffic = step.traffic[id];
    TensorReport tensor{graph.values[id].name, step.layouts[id].bytes(), traffic.loaded_bytes,
                        traffic.stored_bytes, 0};
    // A streamed weight has no place of its own; what it would take is what a tile-wise copy takes.
    if (tensor.bytes > 0)
      tensor.reread_factor =
          static_cast<double>(tensor.loaded_bytes) / static_cast<double>(tensor.bytes);
    report.tensors.push_back(tensor);
  }
  for (const auto& [op, block] : step.blocks) {
    report.blocks.emplace_back(
        graph.value(results_of(graph.ops[static_cast<std::size_t>(op)]).front()).name, block);
  }
}

void check_counters(RunReport& report, const DeviceCounters& counters, const CompiledStep& step) {
  const auto check = [&](const std::string& name, std::uint64_t device, std::uint64_t expected) {
    if (device != expected) report.counter_mismatches.push_back({name, device, expected});
  };
  for (const auto& [counter, expected] : account(step, report.machine, report.limits.burst_beats)) {
    check(interface::kCounterNames[static_cast<std::size_t>(counter)], at(counters, counter),
          expected);
  }
  for (const UnitReport& unit : report.units) {
    std::uint64_t sum = 0;
    for (const std::uint64_t cycles : unit.cycles) sum += cycles;
    check("cycles of the " + unit.unit + " unit, all activities", sum, report.cycles);
  }
}

void check_platform(RunReport& report, const PlatformResult& platform,
                    const DeviceCounters& counters, const CompiledStep& step, const Graph& graph) {
  const auto check = [&](const std::string& name, std::uint64_t seen, std::uint64_t expected) {
    if (seen != expected) report.counter_mismatches.push_back({name, seen, expected});
  };
  check("read bytes at the memory", unsigned_of(platform.memory.accelerator.read_bytes),
        report.axi.bytes_read);
  check("written bytes at the memory", unsigned_of(platform.memory.accelerator.written_bytes),
        report.axi.bytes_written);
  check("read beats at the pins", unsigned_of(platform.axi.read.beats),
        at(counters, Counter::kLoadBeats) + at(counters, Counter::kFetchBeats));
  check("write beats at the pins", unsigned_of(platform.axi.write.beats),
        at(counters, Counter::kStoreBeats));
  const LinkBytes link = expected_link_bytes(step, graph);
  check("bytes written to memory over the link", unsigned_of(platform.memory.link.written_bytes),
        link.to_device);
  check("bytes read from memory over the link", unsigned_of(platform.memory.link.read_bytes),
        link.to_host);
}

// Found before the simulation rather than after it: whether the files can go there.
void check_out_directory(const std::string& directory) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::path existing = directory;
  while (!existing.empty() && !fs::exists(existing, error)) existing = existing.parent_path();
  if (!existing.empty() && !fs::is_directory(existing, error)) {
    throw InputError("--out " + directory + ": expected a folder, but " + existing.string() +
                     " is a file");
  }
  for (const char* name : {kReportFile, kTensorsFile}) {
    const fs::path file = fs::path(directory) / name;
    if (fs::is_directory(file, error))
      throw InputError("--out " + directory + ": " + file.string() + " is a folder");
  }
}

void write_files(const std::string& directory, const RunReport& report, const TensorMap& results) {
  SafetensorsFile tensors;
  for (const auto& [name, tensor] : results) tensors.tensors[output_name(name)] = tensor;
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    throw InputError("--out " + directory + ": cannot make the directory: " + error.message());
  if (report.values && !report.incomplete)
    write_safetensors((std::filesystem::path(directory) / kTensorsFile).string(), tensors);
  write_json((std::filesystem::path(directory) / kReportFile).string(), to_json(report));
}

void check_fidelity(const Config& config, const RunOptions& options) {
  if (options.fidelity == Fidelity::kCycle) {
    if (options.waves)
      throw InputError("--waves: the cycle model has no signals; expected --fidelity rtl");
    return;
  }
  if (config.values == "off")
    throw InputError(config.file + ": values: off needs --fidelity cycle; found --fidelity rtl");
}

}  // namespace

RunReport run(const Config& config, const RunOptions& options) {
  check_fidelity(config, options);
  if (!options.out_directory.empty()) check_out_directory(options.out_directory);
  const PreparedStep prepared = prepare_step(config);
  const auto& [workload, inputs, graph, step] = prepared;
  const std::vector<LayerStep> layers = steps_of(workload);

  const auto [result, platform] =
      simulate(config, options, prepared, build_machine(config, options));

  RunReport report;
  report.name = config.name;
  report.fidelity = options.fidelity == Fidelity::kRtl ? "rtl" : "cycle";
  report.values = config.values == "on";
  report.config_file = config.file;
  report.workload = workload.source;
  report.weights = config.weights;
  report.layers = layers;
  report.machine = config.machine;
  report.limits = config.limits;
  report.memory_model = config.memory;
  report.incomplete = result.stopped;
  if (const auto statistics = dram_of_step(platform))
    report.dram = dram_report(config.memory.dram, *statistics);
  const ArrayTimes times =
      array_times(step, graph, config.machine, memory_bytes_per_cycle(report), platform.trace);
  fill_timing(report, result.counters, step, times);
  report.commands_completed =
      unsigned_of(std::count_if(platform.trace.begin(), platform.trace.end(),
                                [](const TraceEvent& event) { return event.end >= 0; }));
  fill_tensors(report, step, graph);
  report.total_ns = result.upload_ns + result.step_ns + result.download_ns;
  report.link.name = config.link.name;
  report.link.payload_bytes_to_device = unsigned_of(platform.link.to_device.payload_bytes);
  report.link.payload_bytes_to_host = unsigned_of(platform.link.to_host.payload_bytes);
  report.link.wire_bytes_to_device = unsigned_of(platform.link.to_device.wire_bytes);
  report.link.wire_bytes_to_host = unsigned_of(platform.link.to_host.wire_bytes);
  report.link.streamed_bytes = expected_link_bytes(step, graph).streamed;
  report.link.upload_ns = result.upload_ns;
  report.link.download_ns = result.download_ns;
  report.link.bandwidth_gb_per_s =
      static_cast<double>(unsigned_of(platform.memory.link.written_bytes) -
                          report.link.streamed_bytes +
                          unsigned_of(platform.memory.link.read_bytes)) /
      (result.upload_ns + result.download_ns);
  report.link.peak_gb_per_s = config.link.bandwidth_gb_per_s;
  report.simulated_cycles = unsigned_of(platform.cycles);
  report.evaluated_cycles = unsigned_of(platform.evaluated_cycles);
  report.simulation_cpu_s = platform.cpu_seconds;
  report.simulated_cycles_per_cpu_s =
      static_cast<double>(options.fidelity == Fidelity::kRtl ? report.evaluated_cycles
                                                             : report.simulated_cycles) /
      platform.cpu_seconds;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  report.peak_memory_kib = usage.ru_maxrss;
  for (std::size_t i = 0; i < result.counters.size(); ++i)
    report.counters[interface::kCounterNames[i]] = result.counters[i];
  report.energy_table = config.energy.name;
  report.energy_node = config.energy.node;
  if (!config.energy.actions.empty())
    report.energy = energy_lines(result.counters, report, config.energy);
  for (const EnergyLine& line : report.energy) report.energy_pj += line.total_pj;
  report.bound = bound_of(report);

  if (report.values && !report.incomplete) {
    TensorMap reference = inputs;
    run_bit_exact(graph, reference);
    report.comparisons = compare_bits(graph, result.results, reference);
    for (std::size_t i = 0; i < layers.size(); ++i)
      compare_fp64(workload.layers[i], layer_prefix(i, layers.size()), result.results,
                   report.comparisons);
  }
  if (!report.incomplete) {
    check_counters(report, result.counters, step);
    check_platform(report, platform, result.counters, step, graph);
  }
  if (options.trace) {
    write_trace(*options.trace, step, graph,
                {config.limits.clock_mhz, platform.trace, platform.transactions, times.stalls});
  }
  if (!options.out_directory.empty()) write_files(options.out_directory, report, result.results);
  return report;
}

}  // namespace corank
