#include "host/analytic/analytic.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host/analytic/dram_counts.h"
#include "host/analytic/expected_dram.h"
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

class Analysis {
 public:
  Analysis(const Config& config, const PreparedProgram& prepared, const std::vector<ValueId>& asked)
      : config_(config),
        prepared_(prepared),
        dram_(config.memory.kind == MemoryKind::kDram),
        period_(period_of(config.limits.clock_mhz)),
        link_(least_link_times(config, prepared, asked)),
        silicon_(machine_silicon(config.machine, config.energy.node)) {
    if (!dram_) return;
    touched_.emplace(prepared.step, link_.bytes_in_step > 0);
    may_be_forwarded_ = [this](std::uint64_t address, std::uint64_t bytes) {
      return touched_->writes(address, bytes);
    };
  }

  AnalyticStep run(bool estimate) {
    AnalyticStep step;
    add_bound(step);
    if (estimate) add_estimate(step);
    step.link_bytes = link_.upload_wire_bytes + link_.step_wire_bytes + link_.download_wire_bytes;
    step.device_bytes = prepared_.step.memory_bytes;
    return step;
  }

 private:
  WalkTimes walk_with(MemoryTimes& memory, HostTimes& host, bool expected) const {
    const WalkLimits limits{config_.limits.outstanding_bursts, config_.limits.burst_beats, period_,
                            expected};
    return walk(prepared_.step, config_.machine, config_.memory, limits, memory, host,
                may_be_forwarded_);
  }

  // As the host sees it. The interrupt line rises in the cycle after the halt.
  double step_ns(Cycle halt) const {
    return link_.doorbell_ns + static_cast<double>(halt + 1) * static_cast<double>(period_) * 1e-6 +
           link_.interrupt_ns;
  }

  double energy_pj(const StepSums& sums) const {
    return sum_of(energy_of(config_, silicon_, sums)).pj;
  }

  void add_bound(AnalyticStep& step) const {
    const std::unique_ptr<MemoryTimes> memory = least_memory(config_.memory);
    const std::unique_ptr<HostTimes> host = least_host_times(config_, prepared_.step);
    const WalkTimes least = walk_with(*memory, *host, false);
    const Femtoseconds bus = bus_time(config_, least, link_);
    const Cycle halt = std::max(least.halt, static_cast<Cycle>(bus / period_));
    step.counters = counters_of(config_, prepared_, least);
    set_cycles(halt, least.rows, step.counters);
    step.bound_ns = step_ns(halt);
    step.bound_total_ns = link_.upload_ns + step.bound_ns + link_.download_ns;
    step.bound_by = bound_by(config_, least, bus, link_, halt);
    StepSums sums = sums_of(link_, step.counters, step.bound_ns);
    if (dram_)
      sums.dram = least_dram(config_.memory.dram,
                             dram_work(config_, least, link_, *touched_, step.bound_ns));
    step.bound_energy_pj = energy_pj(sums);
    const StepTraffic traffic = traffic_of(sums, config_.machine);
    step.memory_bytes = traffic.memory_read + traffic.memory_written;
  }

  void add_estimate(AnalyticStep& step) const {
    std::unique_ptr<MemoryTimes> memory;
    ExpectedDram* dram = nullptr;
    if (dram_) {
      auto of_dram = std::make_unique<ExpectedDram>(config_.memory.dram);
      dram = of_dram.get();
      memory = std::move(of_dram);
    } else {
      memory = expected_fixed_latency(config_.memory);
    }
    const std::unique_ptr<HostTimes> host = expected_host_times(config_, prepared_.step);
    const WalkTimes expected = walk_with(*memory, *host, true);
    step.estimate_cycles = static_cast<std::uint64_t>(expected.halt);
    step.estimate_ns = step_ns(expected.halt);
    step.estimate_total_ns = link_.upload_ns + step.estimate_ns + link_.download_ns;
    DeviceCounters counters = step.counters;
    set_cycles(expected.halt, expected.slots, counters);
    StepSums sums = sums_of(link_, counters, step.estimate_ns);
    if (dram != nullptr) sums.dram = dram->statistics(from_ns(step.estimate_ns));
    step.estimate_energy_pj = energy_pj(sums);
  }

  static void set_cycles(Cycle cycles, const std::array<Cycle, interface::kGemmKinds>& slots,
                         DeviceCounters& counters) {
    counters[static_cast<std::size_t>(Counter::kCycles)] = static_cast<std::uint64_t>(cycles);
    for (std::size_t kind = 0; kind < slots.size(); ++kind)
      counters[static_cast<std::size_t>(Counter::kGemmSlots0) + kind] =
          static_cast<std::uint64_t>(slots[kind]);
  }

  const Config& config_;
  const PreparedProgram& prepared_;
  const bool dram_;
  const Femtoseconds period_;
  const LinkTimes link_;
  const MachineSilicon silicon_;
  std::optional<TouchedRows> touched_;
  MayBeForwarded may_be_forwarded_;
};

}  // namespace

AnalyticStep analyse(const Config& config, const PreparedProgram& prepared,
                     const std::vector<ValueId>& asked) {
  check_energy_table(config);
  return Analysis(config, prepared, asked).run(true);
}

AnalyticStep least_step(const Config& config, const PreparedProgram& prepared,
                        const std::vector<ValueId>& asked) {
  check_energy_table(config);
  return Analysis(config, prepared, asked).run(false);
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
  if (step_ns < step.bound_ns * (1 - kBoundRounding))
    return below("a step", step_ns, step.bound_ns, "ns");
  if (total_ns < step.bound_total_ns * (1 - kBoundRounding))
    return below("a step with its transfers", total_ns, step.bound_total_ns, "ns");
  if (energy_pj > 0 && energy_pj < step.bound_energy_pj * (1 - kBoundRounding))
    return below("energy", energy_pj, step.bound_energy_pj, "pJ");
  return std::nullopt;
}

std::vector<CounterMismatch> below_bound(const Config& config, const PreparedProgram& prepared,
                                         const std::vector<ValueId>& asked,
                                         const Simulated& simulated) {
  const AnalyticStep least = least_step(config, prepared, asked);
  const StepSums sums = sums_of_step(simulated, 0);
  const double energy =
      sum_of(energy_of(config, machine_silicon(config.machine, config.energy.node), sums)).pj;
  std::vector<CounterMismatch> below;
  const auto check = [&](const char* what, double exact, double bound) {
    if (exact < bound * (1 - kBoundRounding))
      below.push_back({what, static_cast<std::uint64_t>(exact), static_cast<std::uint64_t>(bound)});
  };
  check("ns of the step, at least", sums.step_ns, least.bound_ns);
  check("ns with upload and download, at least", sums.upload_ns + sums.step_ns + sums.download_ns,
        least.bound_total_ns);
  check("pJ of the step, at least", energy, least.bound_energy_pj);
  return below;
}

}  // namespace corank
