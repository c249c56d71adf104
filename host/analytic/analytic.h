// What a step takes, worked out from its compiled commands without a clock: a lower bound of its
// time, an estimate of it, and everything that the commands settle exactly.
//
// The bound is a theorem about the commands, the device and the driver. No execution takes less
// than the longest of
//   - the longest path over the commands (step_walk.h), behind a memory that is there for load
//     unit, store unit and fetch each alone (least_memory());
//   - the data bus of the memory for all bursts, its writes that may still wait left out;
// and the doorbell before it, and the interrupt with what the driver does then, behind it
// (link_times.h). Stalls, faults and a host that comes late only add to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/config/config.h"
#include "host/driver/counters.h"
#include "host/report/report.h"
#include "host/run/simulate.h"

namespace corank {

/// So much an exact figure may be below its bound: it is of whole femtoseconds, the bound a sum of
/// doubles.
inline constexpr double kBoundRounding = 1e-9;

struct AnalyticStep {
  // No execution of these commands on this machine, behind this memory and link, takes less. Of the
  // step (from the host's first doorbell until it has cleared the interrupt, as the host sees it)
  // and with the transfers before and after it.
  double bound_ns = 0, bound_total_ns = 0;
  // What is busy for most of the bound, in words as in a run's report.
  std::string bound_by;
  double estimate_ns = 0, estimate_total_ns = 0;
  // Events as the account has them; busy cycles of array, vector and store unit are exact, those of
  // the load unit, all cycles and slots of the array are the least; other activities are left 0.
  DeviceCounters counters{};
  std::uint64_t estimate_cycles = 0;  // of the device's clock
  std::uint64_t memory_bytes = 0;     // by the accelerator and over the link in the step, exact
  std::uint64_t link_bytes = 0;       // on the wire, upload and download included; the least
  double bound_energy_pj = 0, estimate_energy_pj = 0;  // 0: no table
  std::uint64_t device_bytes = 0;                      // of device memory, as planned
};

/// Of the first step of a prepared program, after which the host reads back `asked`. Throws
/// InputError as the energy table's check does.
AnalyticStep analyse(const Config& config, const PreparedProgram& prepared,
                     const std::vector<ValueId>& asked);
/// Of layers, whose last step's results are read back.
AnalyticStep analyse(const Config& config, const PreparedProgram& prepared);

/// The same without the estimates.
AnalyticStep least_step(const Config& config, const PreparedProgram& prepared,
                        const std::vector<ValueId>& asked);

/// The sentence that says which bound an exact run is below, or nothing. Energy: 0 is none.
std::optional<std::string> violated_bound(const AnalyticStep& step, double step_ns, double total_ns,
                                          double energy_pj);

/// What of the first step of a simulation is below its bound, for the mismatches of a report: an
/// exact run that is faster than it can be, or takes less energy, is wrong, or this theorem is.
std::vector<CounterMismatch> below_bound(const Config& config, const PreparedProgram& prepared,
                                         const std::vector<ValueId>& asked,
                                         const Simulated& simulated);

}  // namespace corank
