#include "host/run/measurement.h"

#include <algorithm>

#include "host/driver/account.h"
#include "host/report/dram_report.h"

namespace corank {
namespace {

using interface::Counter;

// When the device knew of the commands: a doorbell arrives one latency after it has left.
std::vector<RingFilled> doorbells_of(const Config& config, const StepResult& result) {
  std::vector<RingFilled> doorbells;
  for (const Doorbell& doorbell : result.doorbells) {
    const double cycles = (doorbell.ns + config.link.latency_ns) * config.limits.clock_mhz / 1e3;
    doorbells.push_back({static_cast<std::int64_t>(cycles), doorbell.commands});
  }
  return doorbells;
}

std::vector<TensorReport> tensors_of(const PreparedProgram& prepared) {
  std::vector<TensorReport> tensors;
  const Graph& graph = prepared.program.graph;
  for (std::size_t id = 0; id < graph.values.size(); ++id) {
    if (graph.values[id].role == Role::kConstants) continue;
    const ValueTraffic& traffic = prepared.step.traffic[id];
    TensorReport tensor{graph.values[id].name, prepared.step.plan.bytes_of(id),
                        traffic.loaded_bytes, traffic.stored_bytes, 0};
    // A streamed weight has no place of its own; what it would take is what a tile-wise copy takes.
    if (tensor.bytes > 0)
      tensor.reread_factor =
          static_cast<double>(tensor.loaded_bytes) / static_cast<double>(tensor.bytes);
    tensors.push_back(tensor);
  }
  return tensors;
}

}  // namespace

StepSums sums_of_step(const Simulated& simulated, std::size_t step) {
  const std::vector<PlatformSnapshot>& all = simulated.platform.snapshots;
  const std::size_t steps = simulated.steps.size();
  const StepResult& result = simulated.steps.at(step);
  const auto [before, after, end] = snapshots_of_step(all, steps, step);
  StepSums sums;
  sums.counters = result.counters;
  // The device of a step that was given up works on while its counters would be read.
  if (result.stopped) {
    for (std::size_t i = 0; i < sums.counters.size(); ++i)
      sums.counters[i] = after.counters[i] - before.counters[i];
  }
  if (after.dram) sums.dram = after.dram->since(*before.dram);
  sums.upload =
      step == 0 ? before.link : before.link.since(snapshots_of_step(all, steps, step - 1).end.link);
  sums.in_step = after.link.since(before.link);
  sums.download = end.link.since(after.link);
  sums.link_in_step = after.memory.link.since(before.memory.link);
  sums.upload_ns = result.upload_ns;
  sums.step_ns = result.step_ns;
  sums.download_ns = result.download_ns;
  return sums;
}

StepMeasurement measure(const Config& config, const PreparedProgram& prepared,
                        const Simulated& simulated) {
  const StepResult& result = simulated.steps.front();
  const PlatformResult& platform = simulated.platform;
  const Graph& graph = prepared.program.graph;
  StepMeasurement m;
  static_cast<StepSums&>(m) = sums_of_step(simulated, 0);
  // Of a DRAM what it gave while it was asked, of other kinds the peak.
  const double memory_bytes_per_cycle = config.memory.bandwidth_gb_per_s * 1e3 /
                                        config.limits.clock_mhz *
                                        (m.dram ? efficiency(*m.dram) : 1);
  m.times = array_times(prepared.step, graph, config.machine, memory_bytes_per_cycle,
                        platform.trace, doorbells_of(config, result));
  m.tensors = tensors_of(prepared);
  for (const auto& [op, block] : prepared.step.blocks)
    m.blocks.emplace_back(result_name(graph, graph.ops[static_cast<std::size_t>(op)]), block);
  m.gemm_kinds = prepared.step.gemm_kinds;
  m.commands = prepared.step.commands.size();
  m.commands_completed =
      unsigned_of(std::count_if(platform.trace.begin(), platform.trace.end(),
                                [](const TraceEvent& event) { return event.end >= 0; }));
  m.streamed_bytes = expected_link_bytes(prepared.step, prepared.program, {}).streamed;
  return m;
}

std::vector<CounterMismatch> check_costs(const Config& config, const PreparedProgram& prepared,
                                         const Simulated& simulated) {
  const PlatformResult& platform = simulated.platform;
  std::vector<CounterMismatch> mismatches;
  const auto check = [&](const std::string& name, std::uint64_t seen, std::uint64_t expected) {
    if (seen != expected) mismatches.push_back({name, seen, expected});
  };
  const auto expected_counts = account(prepared.step, config.machine, config.limits.burst_beats);
  std::uint64_t read_beats = 0, written_beats = 0;
  for (const StepResult& step : simulated.steps) {
    const DeviceCounters& counters = step.counters;
    for (const auto& [counter, expected] : expected_counts)
      check(interface::kCounterNames[static_cast<std::size_t>(counter)], at(counters, counter),
            expected);
    for (std::size_t unit = 0; unit < interface::kUnitNames.size(); ++unit) {
      std::uint64_t sum = 0;
      for (std::size_t a = 0; a < interface::kActivityNames.size(); ++a)
        sum += counters[unit * interface::kActivityNames.size() + a];
      check(std::string("cycles of the ") + interface::kUnitNames[unit] + " unit, all activities",
            sum, at(counters, Counter::kCycles));
    }
    read_beats += at(counters, Counter::kLoadBeats) + at(counters, Counter::kFetchBeats);
    written_beats += at(counters, Counter::kStoreBeats);
  }
  const auto bus_bytes = static_cast<std::uint64_t>(config.machine.axi_data_bits / 8);
  check("read bytes at the memory", unsigned_of(platform.memory.accelerator.read_bytes),
        read_beats * bus_bytes);
  check("written bytes at the memory", unsigned_of(platform.memory.accelerator.written_bytes),
        written_beats * bus_bytes);
  check("read beats at the pins", unsigned_of(platform.axi.read.beats), read_beats);
  check("write beats at the pins", unsigned_of(platform.axi.write.beats), written_beats);
  const LinkBytes link = expected_link_bytes(prepared.step, prepared.program, {});
  check("bytes written to memory over the link", unsigned_of(platform.memory.link.written_bytes),
        link.loaded + simulated.steps.size() * link.to_device(false));
  check("bytes read from memory over the link", unsigned_of(platform.memory.link.read_bytes),
        prepared.asked_bytes);
  return mismatches;
}

}  // namespace corank
