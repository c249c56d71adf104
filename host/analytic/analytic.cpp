#include "host/analytic/analytic.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host/analytic/dram_counts.h"
#include "host/analytic/link_times.h"
#include "host/analytic/step_walk.h"
#include "host/analytic/touched_rows.h"
#include "host/driver/account.h"
#include "host/energy/machine_silicon.h"
#include "host/run/step_costs.h"

namespace corank {
namespace {

using cycle_model::Cycle;
using interface::Activity;
using interface::Counter;
using interface::Unit;

// Times are whole femtoseconds there and sums of doubles here.
constexpr double kRounding = 1e-9;

std::size_t place_of(Unit unit, Activity activity) {
  return static_cast<std::size_t>(unit) * interface::kActivityNames.size() +
         static_cast<std::size_t>(activity);
}

DeviceCounters counters_of(const Config& config, const PreparedProgram& prepared,
                           const WalkTimes& walk) {
  DeviceCounters counters{};
  for (const auto& [counter, count] :
       account(prepared.step, config.machine, config.limits.burst_beats))
    counters[static_cast<std::size_t>(counter)] = count;
  const auto set_busy = [&](Unit unit, Cycle cycles) {
    counters[place_of(unit, Activity::kBusy)] = static_cast<std::uint64_t>(cycles);
  };
  set_busy(Unit::kArray, walk.array_busy);
  set_busy(Unit::kVector, walk.vector_busy);
  set_busy(Unit::kLoad, static_cast<Cycle>(at(counters, Counter::kLoadBeats)));
  set_busy(Unit::kStore, static_cast<Cycle>(at(counters, Counter::kStoreBeats)));
  return counters;
}

// What is left of the memory's time if writes may wait beyond the end.
Femtoseconds bus_time(const Config& config, const WalkTimes& walk, const LinkTimes& link) {
  const MemoryConfig& memory = config.memory;
  if (memory.kind != MemoryKind::kDram)
    return walk.bus +
           transfer_time(static_cast<std::int64_t>(link.bytes_in_step), memory.bandwidth_gb_per_s);
  const DramTiming& timing = memory.dram.device.timing;
  const Femtoseconds waiting = static_cast<Femtoseconds>(memory.dram.controller.write_queue) *
                               static_cast<Femtoseconds>(timing.burst) * from_ns(timing.tCK_ns);
  return walk.bus - std::min(walk.bus, waiting);
}

std::string bound_by(const Config& config, const WalkTimes& walk, Femtoseconds bus,
                     const LinkTimes& link, Cycle cycles) {
  const Femtoseconds period = period_of(config.limits.clock_mhz);
  const double link_ns = static_cast<double>(link.step_wire_bytes) / config.link.bandwidth_gb_per_s;
  const std::vector<std::pair<const char*, double>> needs = {
      {"compute (the array)", static_cast<double>(walk.array_busy)},
      {"the vector unit", static_cast<double>(walk.vector_cycles)},
      {"the decoder of packed weights", static_cast<double>(walk.decoder_cycles)},
      {"memory", static_cast<double>(bus) / static_cast<double>(period)},
      {"the AXI port", static_cast<double>(std::max(walk.read_beats, walk.written_beats))},
      {"the host link", link_ns * config.limits.clock_mhz / 1e3}};
  const auto& [name, most] = *std::max_element(
      needs.begin(), needs.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return most >= 0.7 * static_cast<double>(cycles) ? name : "latency and dependencies";
}

DramWork dram_work(const Config& config, const WalkTimes& walk, const LinkTimes& link,
                   const TouchedRows& touched, double step_ns) {
  const int access = config.memory.dram.device.organisation.access_bytes;
  DramWork work;
  work.reads = static_cast<std::int64_t>(walk.reads);
  work.writes = static_cast<std::int64_t>(walk.writes) +
                static_cast<std::int64_t>(link.bytes_in_step) / access;
  work.touched_bytes = static_cast<std::int64_t>(touched.count() * interface::kPanelRowBytes);
  work.step_ns = step_ns;
  work.interrupt_ns = link.interrupt_ns;
  return work;
}

// As of a run that took so long.
StepSums sums_of(const LinkTimes& link, const DeviceCounters& counters, double step_ns) {
  StepSums sums;
  sums.counters = counters;
  sums.upload.to_device.wire_bytes = static_cast<std::int64_t>(link.upload_wire_bytes);
  sums.in_step.to_device.wire_bytes = static_cast<std::int64_t>(link.step_wire_bytes);
  sums.download.to_host.wire_bytes = static_cast<std::int64_t>(link.download_wire_bytes);
  sums.link_in_step.written_bytes = static_cast<std::int64_t>(link.bytes_in_step);
  sums.upload_ns = link.upload_ns;
  sums.step_ns = step_ns;
  sums.download_ns = link.download_ns;
  return sums;
}

}  // namespace

AnalyticStep analyse(const Config& config, const PreparedProgram& prepared,
                     const std::vector<ValueId>& asked) {
  check_energy_table(config);
  const bool dram = config.memory.kind == MemoryKind::kDram;
  const CompiledStep& commands = prepared.step;
  const Femtoseconds period = period_of(config.limits.clock_mhz);
  const LinkTimes link = least_link_times(config, prepared, asked);
  std::optional<TouchedRows> touched;
  MayBeForwarded may_be_forwarded;
  if (dram) {
    touched.emplace(commands, link.bytes_in_step > 0);
    may_be_forwarded = [&](std::uint64_t address, std::uint64_t bytes) {
      return touched->writes(address, bytes);
    };
  }
  const WalkLimits limits{config.limits.outstanding_bursts, config.limits.burst_beats, period,
                          false};
  const std::unique_ptr<MemoryTimes> memory = least_memory(config.memory);
  const std::unique_ptr<HostTimes> host = least_host_times(config, commands);
  const WalkTimes least =
      walk(commands, config.machine, config.memory, limits, *memory, *host, may_be_forwarded);
  const Femtoseconds bus = bus_time(config, least, link);
  const Cycle cycles = std::max(least.halt, static_cast<Cycle>(bus / period));

  AnalyticStep step;
  step.counters = counters_of(config, prepared, least);
  step.counters[static_cast<std::size_t>(Counter::kCycles)] = static_cast<std::uint64_t>(cycles);
  for (std::size_t kind = 0; kind < least.rows.size(); ++kind)
    step.counters[static_cast<std::size_t>(Counter::kGemmSlots0) + kind] =
        static_cast<std::uint64_t>(least.rows[kind]);
  step.bound_ns = link.doorbell_ns +
                  static_cast<double>(cycles + 1) * static_cast<double>(period) * 1e-6 +
                  link.interrupt_ns;
  step.bound_total_ns = link.upload_ns + step.bound_ns + link.download_ns;
  step.bound_by = bound_by(config, least, bus, link, cycles);

  StepSums sums = sums_of(link, step.counters, step.bound_ns);
  if (dram)
    sums.dram =
        least_dram(config.memory.dram, dram_work(config, least, link, *touched, step.bound_ns));
  const MachineSilicon silicon = machine_silicon(config.machine, config.energy.node);
  step.bound_energy_pj = sum_of(energy_of(config, silicon, sums)).pj;
  const StepTraffic traffic = traffic_of(sums, config.machine);
  step.memory_bytes = traffic.memory_read + traffic.memory_written;
  step.link_bytes = link.upload_wire_bytes + link.step_wire_bytes + link.download_wire_bytes;
  step.device_bytes = commands.memory_bytes;
  WalkLimits expected_limits = limits;
  expected_limits.expected = true;
  const std::unique_ptr<MemoryTimes> expected_memory_times = expected_memory(config.memory);
  const std::unique_ptr<HostTimes> expected_host = least_host_times(config, commands);
  const WalkTimes expected = walk(commands, config.machine, config.memory, expected_limits,
                                  *expected_memory_times, *expected_host, may_be_forwarded);
  step.estimate_ns = link.doorbell_ns +
                     static_cast<double>(expected.halt + 1) * static_cast<double>(period) * 1e-6 +
                     link.interrupt_ns;
  step.estimate_total_ns = link.upload_ns + step.estimate_ns + link.download_ns;
  step.estimate_energy_pj = step.bound_energy_pj;
  step.estimate_cycles = static_cast<std::uint64_t>(expected.halt);
  return step;
}

AnalyticStep analyse(const Config& config, const PreparedProgram& prepared) {
  return analyse(config, prepared,
                 prepared.steps == 1 ? results_of(prepared.program) : std::vector<ValueId>{});
}

std::optional<std::string> violated_bound(const AnalyticStep& step, double step_ns, double total_ns,
                                          double energy_pj) {
  const auto below = [](const char* what, double exact, double bound, const char* unit) {
    return fmt::format("{} of {:.9g} {} is below the bound of {:.9g} {} (host/analytic/analytic.h)",
                       what, exact, unit, bound, unit);
  };
  if (step_ns < step.bound_ns * (1 - kRounding))
    return below("a step", step_ns, step.bound_ns, "ns");
  if (total_ns < step.bound_total_ns * (1 - kRounding))
    return below("a step with its transfers", total_ns, step.bound_total_ns, "ns");
  if (energy_pj > 0 && energy_pj < step.bound_energy_pj * (1 - kRounding))
    return below("energy", energy_pj, step.bound_energy_pj, "pJ");
  return std::nullopt;
}

}  // namespace corank
