// What a step costs, from what was counted of it: bytes, energy, what the array did, and what
// bounds it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/config/config.h"
#include "host/energy/actions.h"
#include "host/energy/machine_silicon.h"
#include "host/report/report.h"
#include "host/run/measurement.h"
#include "models/energy/energy.h"

namespace corank {

/// 0 where there is no whole: a run that is stopped may have come to nothing yet.
inline double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

/// Bytes that crossed the AXI port, and those that the memory gave and took.
struct StepTraffic {
  std::uint64_t axi_read = 0, axi_written = 0, memory_read = 0, memory_written = 0;
};
StepTraffic traffic_of(const StepSums& sums, const MachineShape& machine);

/// Of the AXI port, reads and writes together.
inline double axi_peak_gb_per_s(const MachineShape& machine, const MachineLimits& limits) {
  return 2 * (machine.axi_data_bits / 8.0) * limits.clock_mhz / 1e3;
}

/// What of a step costs energy: of upload, step and download together.
EnergyMeasurement energy_measurement(const Config& config, const MachineSilicon& silicon,
                                     const StepSums& sums);
/// By the configuration's table and, where that asks for them, the machine's gates. Throws KeyError
/// for an action without a figure.
std::vector<EnergyLine> energy_of(const Config& config, const EnergyMeasurement& measurement);
std::vector<EnergyLine> energy_of(const Config& config, const MachineSilicon& silicon,
                                  const StepSums& sums);
/// Before the work: throws InputError unless every action that will be counted has a figure.
void check_energy_table(const Config& config);

std::vector<UnitReport> units_of(const DeviceCounters& counters);
/// The kinds of product that occurred.
std::vector<GemmReport> gemms_of(const StepMeasurement& m, const MachineShape& machine);
/// All useful macs of these products / (cycles x PEs).
double array_utilisation(const std::vector<GemmReport>& gemms, std::uint64_t cycles,
                         const MachineShape& machine);

/// What bounds the step, in words.
std::string bound_of(const Config& config, const StepSums& sums);

/// One of several steps; `link`: what it moved as memory contents.
StepReport step_report(const Config& config, const MachineSilicon& silicon, const StepSums& sums,
                       const LinkBytes& link);

SimulationCost simulation_cost(const PlatformResult& platform, Fidelity fidelity);

}  // namespace corank
