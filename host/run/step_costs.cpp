#include "host/run/step_costs.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "host/energy/energy_lines.h"
#include "host/energy/gate_lines.h"
#include "host/report/work.h"
#include "models/base/error.h"

namespace corank {
namespace {

using interface::Counter;

// Of the step's time, how long the busier direction's wire was.
double link_share(const Config& config, const StepSums& sums) {
  const auto wire = std::max(unsigned_of(sums.in_step.to_device.wire_bytes),
                             unsigned_of(sums.in_step.to_host.wire_bytes));
  return ratio(static_cast<double>(wire), sums.step_ns * config.link.bandwidth_gb_per_s);
}

}  // namespace

StepTraffic traffic_of(const StepSums& sums, const MachineShape& machine) {
  const auto bus_bytes = static_cast<std::uint64_t>(machine.axi_data_bits / 8);
  const DeviceCounters& counters = sums.counters;
  StepTraffic traffic;
  traffic.axi_read =
      (at(counters, Counter::kLoadBeats) + at(counters, Counter::kFetchBeats)) * bus_bytes;
  traffic.axi_written = at(counters, Counter::kStoreBeats) * bus_bytes;
  traffic.memory_read = traffic.axi_read;
  traffic.memory_written = traffic.axi_written + unsigned_of(sums.link_in_step.written_bytes);
  return traffic;
}

EnergyMeasurement energy_measurement(const Config& config, const MachineSilicon& silicon,
                                     const StepSums& sums) {
  const StepTraffic traffic = traffic_of(sums, config.machine);
  EnergyMeasurement measurement;
  measurement.silicon = silicon;
  measurement.ns = sums.upload_ns + sums.step_ns + sums.download_ns;
  measurement.cycles = measurement.ns * config.limits.clock_mhz / 1e3;
  measurement.counters = sums.counters;
  measurement.memory_bytes = traffic.memory_read + traffic.memory_written;
  for (const LinkStatistics* link : {&sums.upload, &sums.in_step, &sums.download})
    measurement.link_bytes +=
        unsigned_of(link->to_device.wire_bytes) + unsigned_of(link->to_host.wire_bytes);
  if (sums.dram) measurement.dram = *sums.dram;
  return measurement;
}

std::vector<EnergyLine> energy_of(const Config& config, const EnergyMeasurement& measurement) {
  std::vector<EnergyLine> lines = energy_lines(measurement, config.energy, config.memory);
  if (!config.energy.gates) return lines;
  std::vector<EnergyLine> all = gate_energy_lines(measurement.counters, config.machine,
                                                  config.limits.clock_mhz, config.energy.node);
  all.insert(all.end(), lines.begin(), lines.end());
  return all;
}

std::vector<EnergyLine> energy_of(const Config& config, const MachineSilicon& silicon,
                                  const StepSums& sums) {
  return energy_of(config, energy_measurement(config, silicon, sums));
}

void check_energy_table(const Config& config) {
  try {
    energy_of(config, MachineSilicon{}, StepSums{});
  } catch (const KeyError& error) {
    throw InputError(location_of(config, error.keys()), error.what());
  }
}

std::vector<UnitReport> units_of(const DeviceCounters& counters) {
  std::vector<UnitReport> units;
  for (std::size_t unit = 0; unit < interface::kUnitNames.size(); ++unit) {
    UnitReport report;
    report.unit = interface::kUnitNames[unit];
    for (std::size_t a = 0; a < interface::kActivityNames.size(); ++a)
      report.cycles[a] = counters[unit * interface::kActivityNames.size() + a];
    units.push_back(report);
  }
  return units;
}

std::vector<GemmReport> gemms_of(const StepMeasurement& m, const MachineShape& machine) {
  std::vector<GemmReport> gemms;
  for (std::size_t kind = 0; kind < m.gemm_kinds.size(); ++kind) {
    GemmReport gemm;
    gemm.kind = identifier_of(m.gemm_kinds[kind]);
    gemm.macs = m.counters[static_cast<std::size_t>(Counter::kGemmMacs0) + kind];
    gemm.slots = m.counters[static_cast<std::size_t>(Counter::kGemmSlots0) + kind];
    for (const PhaseReport& phase : m.times.phases) gemm.cycles += phase.kinds[kind];
    if (gemm.cycles == 0) continue;
    // Of a run that was stopped, the work of a product counts whose end is not there yet.
    gemm.utilisation = std::min(
        1.0, static_cast<double>(gemm.macs) / (static_cast<double>(gemm.cycles) * pes_of(machine)));
    gemms.push_back(gemm);
  }
  return gemms;
}

double array_utilisation(const std::vector<GemmReport>& gemms, std::uint64_t cycles,
                         const MachineShape& machine) {
  double macs = 0;
  for (const GemmReport& gemm : gemms) macs += static_cast<double>(gemm.macs);
  return ratio(macs, static_cast<double>(cycles) * pes_of(machine));
}

// The busiest resource bounds the step, if it is busy most of the time; otherwise waiting does, and
// none is named: it would not say what a slower one costs (tests/end_to_end/invariants_test.cpp).
std::string bound_of(const Config& config, const StepSums& sums) {
  const auto cycles = static_cast<double>(at(sums.counters, Counter::kCycles));
  const std::vector<UnitReport> units = units_of(sums.counters);
  const auto busy = [&](interface::Unit unit) {
    const auto activity = static_cast<std::size_t>(interface::Activity::kBusy);
    return ratio(static_cast<double>(units[static_cast<std::size_t>(unit)].cycles[activity]),
                 cycles);
  };
  const double ns = cycles * 1e3 / config.limits.clock_mhz;
  const StepTraffic traffic = traffic_of(sums, config.machine);
  const double memory = ratio(static_cast<double>(traffic.memory_read + traffic.memory_written),
                              ns * config.memory.bandwidth_gb_per_s);
  const double axi = ratio(static_cast<double>(traffic.axi_read + traffic.axi_written),
                           ns * axi_peak_gb_per_s(config.machine, config.limits));
  const std::vector<std::pair<std::string, double>> shares = {
      {"compute (the array)", busy(interface::Unit::kArray)},
      {"the vector unit", busy(interface::Unit::kVector)},
      sums.dram ? std::pair<std::string, double>{"memory", busy_share(*sums.dram)}
                : std::pair<std::string, double>{"memory bandwidth", memory},
      {"the AXI port", axi},
      {"the host link", link_share(config, sums)}};
  const auto& [name, share] =
      *std::max_element(shares.begin(), shares.end(),
                        [](const auto& a, const auto& b) { return a.second < b.second; });
  if (share >= 0.7) return fmt::format("{}, busy in {:.1f} % of the cycles", name, 100 * share);
  return fmt::format(
      "latency and dependencies: no resource is busy in more than {:.1f} % of the cycles",
      100 * share);
}

StepReport step_report(const Config& config, const MachineSilicon& silicon, const StepSums& sums,
                       const LinkBytes& link) {
  const StepTraffic traffic = traffic_of(sums, config.machine);
  StepReport step;
  step.cycles = at(sums.counters, Counter::kCycles);
  step.upload_ns = sums.upload_ns;
  step.step_ns = sums.step_ns;
  step.download_ns = sums.download_ns;
  step.memory_bytes_read = traffic.memory_read;
  step.memory_bytes_written = traffic.memory_written;
  step.energy_pj = sum_of(energy_of(config, silicon, sums)).pj;
  step.link = link;
  return step;
}

SimulationCost simulation_cost(const PlatformResult& platform, Fidelity fidelity) {
  SimulationCost cost;
  cost.cycles = unsigned_of(platform.cycles);
  cost.evaluated_cycles = unsigned_of(platform.evaluated_cycles);
  cost.cpu_s = platform.cpu_seconds;
  const std::uint64_t passed = fidelity == Fidelity::kRtl ? cost.evaluated_cycles : cost.cycles;
  cost.cycles_per_cpu_s = static_cast<double>(passed) / platform.cpu_seconds;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  cost.peak_memory_kib = usage.ru_maxrss;
  return cost;
}

}  // namespace corank
