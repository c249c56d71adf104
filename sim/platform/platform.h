// The whole machine as the host sees it: build it, run a host program on it, take the figures. This
// header needs no SystemC.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/dram/energy.h"
#include "sim/dram/statistics.h"
#include "sim/platform/configuration.h"
#include "sim/platform/host_port.h"
#include "sim/platform/memory_transaction.h"
#include "sim/platform/statistics.h"

namespace corank {

/// Which accelerator is simulated: every clock edge of the verilated RTL, or the cycle model, which
/// has the same cycles, counters and results (sim/cycle/README.md).
enum class Fidelity { kRtl, kCycle };
inline const char* name_of(Fidelity fidelity) {
  return fidelity == Fidelity::kRtl ? "rtl" : "cycle";
}

/// Who listens to a simulation. What is listened to is told as it happens, and not kept.
struct SimulationObserver {
  std::function<void(const TraceEvent&)> event;               // in the order of the ends
  std::function<void(const MemoryTransaction&)> transaction;  // in the order of BEGIN_REQ
};

struct PlatformConfig {
  Fidelity fidelity = Fidelity::kRtl;
  bool values = true;           // kCycle: computes the tensors; else only the time is right
  std::string machine_library;  // of machine_library(shape); kRtl only
  MachineShape shape;
  MachineLimits limits;  // clock_mhz; the rest is for whoever writes the registers
  MemoryConfig memory;
  LinkConfig link;
  StallConfig stalls;
  FaultConfig faults;
  std::string wave_file;  // FST, from a machine built with waves; empty: none; kRtl only
  bool trace = false;
  SimulationObserver observer;
  bool transactions = false;  // write down every transaction of the accelerator with the memory
};

/// What the DRAM did and what that cost; all channels together, so clocks are sums over them.
struct DramResult {
  DramStatistics statistics;
  DramEnergy energy;
};

/// What had been counted at a moment.
struct PlatformSnapshot {
  double ns = 0;
  MemoryStatistics memory;
  std::optional<DramStatistics> dram;
  LinkStatistics link;
  std::vector<std::uint64_t> counters;  // Accelerator::counters
};

struct PlatformResult {
  MemoryStatistics memory;
  std::optional<DramResult> dram;  // of memory kind dram
  LinkStatistics link;
  AxiStatistics axi;
  InjectionStatistics injections;
  std::vector<TraceEvent> trace;                // if asked for
  std::vector<MemoryTransaction> transactions;  // the same
  std::vector<PlatformSnapshot> snapshots;      // in the order in which they were taken
  double simulated_ns = 0;
  std::int64_t cycles = 0;  // clock edges in that time
  std::int64_t evaluated_cycles =
      0;                   // those that were evaluated: the clock of an idle machine is skipped
  double cpu_seconds = 0;  // of this process, while the simulation ran
};

/// Runs `host_program` as a process of a new simulation until it returns. Exceptions of the host
/// program come out as they are; the machine's own are MachineError. Several simulations in one
/// process, one after the other, are fine.
PlatformResult run_platform(const PlatformConfig& config,
                            const std::function<void(HostPort&)>& host_program);

}  // namespace corank
