// What a run found out: plain data, written as JSON and as a short table. Every figure has its unit
// in its name.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "host/compiler/compiler.h"
#include "host/config/config.h"
#include "host/driver/driver.h"
#include "host/energy/gate_lines.h"
#include "host/report/dram_report.h"
#include "host/report/phases.h"
#include "host/report/silicon_report.h"
#include "host/report/work.h"
#include "models/energy/energy.h"
#include "models/program/linear_layers.h"
#include "models/reference/fp64.h"
#include "rtl/interface/interface.h"

namespace corank {

inline constexpr int kReportVersion = 2;

struct UnitReport {
  std::string unit;
  std::array<std::uint64_t, interface::kActivityNames.size()>
      cycles{};  // by activity; they add up to the step's cycles
};

struct GemmReport {
  std::string kind;
  std::uint64_t macs = 0;    // useful multiply-accumulates
  std::uint64_t cycles = 0;  // of the array, what it waited for this kind included
  std::uint64_t slots = 0;   // of those: rows or weights of this kind were at the array
  double utilisation = 0;    // macs / (cycles x PEs)
};

struct TrafficReport {
  std::uint64_t bytes_read = 0, bytes_written = 0;
  double bandwidth_gb_per_s = 0;  // both ways together, over the step
  double peak_gb_per_s = 0;
  double share_of_peak = 0;
};

/// What crossed the link in a time, as the host sees it.
struct LinkTransfer {
  double ns = 0;
  std::uint64_t payload_bytes_to_device = 0, payload_bytes_to_host = 0;
  std::uint64_t wire_bytes_to_device = 0, wire_bytes_to_host = 0;
};

struct LinkReport {
  std::string name;
  // Until memory has the inputs and both rings are full; from there to the interrupt; the results.
  LinkTransfer upload, step, download;
  std::uint64_t streamed_bytes = 0;  // of the first two: frozen weights
  double bandwidth_gb_per_s = 0;     // payload of upload and download, both ways, over their time
  double peak_gb_per_s = 0;          // of each direction
};

struct TensorReport {
  std::string name;
  std::uint64_t bytes = 0;         // in device memory, padding included
  std::uint64_t loaded_bytes = 0;  // by the accelerator
  std::uint64_t stored_bytes = 0;
  double reread_factor = 0;  // loaded_bytes / bytes
};

struct ComparisonReport {
  std::string tensor;
  std::uint64_t elements = 0, mismatches = 0;  // against the bit-exact reference
  std::string first_mismatch;                  // "[3, 5]: device 3f800000, reference 3f800001"
  std::optional<ErrorFigures> fp64;            // against FP64 autodiff
};

struct CounterMismatch {
  std::string counter;
  std::uint64_t device = 0, expected = 0;
};

/// A run that simulated some of many equal layers and extrapolated to the rest.
struct LayersRepeated {
  std::size_t layers_of_group = 0, groups = 0, simulated_groups = 0;
  std::uint64_t middle_cycles[2] = {0, 0};  // of two groups in the middle, which should be equal
  double error = 0;  // of the step's cycles: their difference, for every group left out
};

/// One step of a run of several, or the sum of all of them.
struct StepReport {
  std::uint64_t cycles = 0;
  double upload_ns = 0, step_ns = 0, download_ns = 0;
  std::uint64_t memory_bytes_read = 0, memory_bytes_written = 0;  // as in TrafficReport memory
  double energy_pj = 0;
  LinkBytes link;  // memory contents over the link, by kind

  StepReport& operator+=(const StepReport& other);
};

StepReport sum_of(const std::vector<StepReport>& steps);

/// What the whole simulation took of this computer, transfers included: clock edges, those that
/// were evaluated (idle ones are skipped; the cycle model evaluates few), and how many passed (rtl:
/// were evaluated) a second of CPU.
struct SimulationCost {
  double cpu_s = 0;
  std::uint64_t cycles = 0, evaluated_cycles = 0;
  double cycles_per_cpu_s = 0;
  std::int64_t peak_memory_kib = 0;  // of this process, resident
};

struct RunReport {
  std::string name, fidelity, config_file;
  bool incomplete = false;  // the run was stopped: figures up to then, nothing compared
  bool values = true;       // whether tensors were computed
  std::optional<LayersRepeated> layers_repeated;
  std::string workload;  // where the layers come from
  Weights weights = Weights::kResident;
  std::vector<LinearLayer> layers;
  MachineShape machine;
  MachineLimits limits;
  MemoryConfig memory_model;

  std::uint64_t cycles = 0;  // of the device, from the first command to the halt
  double step_ns = 0;        // the same as time
  double total_ns = 0;       // with upload and download over the link
  std::vector<UnitReport> units;
  std::vector<GemmReport> gemms;
  std::vector<PhaseReport> phases;
  StepWorkByKey work;            // of a run that came to its end; none of repeated layers
  double array_utilisation = 0;  // all useful macs / (cycles x PEs)
  TrafficReport axi;
  TrafficReport memory;  // what the link wrote during the step included
  std::optional<DramReport> dram;
  LinkReport link;
  std::vector<TensorReport> tensors;
  std::vector<EnergyLine> energy;
  std::string energy_table, energy_node;
  double energy_pj = 0;
  std::optional<GateMac> gate_mac;  // where the machine's own gates are the table
  SiliconReport silicon;
  std::string bound;  // what bounds the step, in words
  std::vector<ComparisonReport> comparisons;
  std::vector<CounterMismatch> counter_mismatches;
  std::map<std::string, std::uint64_t> counters;
  std::int64_t steps_asked = 1;
  // Of a run of several: those that came to their end. All other figures of such a run, but for the
  // comparisons and the simulation's cost, are of the first step.
  std::vector<StepReport> steps;
  std::vector<std::pair<std::string, BlockSize>>
      blocks;  // chosen for each op, by the value that it writes
  std::uint64_t commands = 0, commands_completed = 0;  // the halt is not counted as completed
  SimulationCost simulation;

  bool passed() const;  // complete, every comparison equal, every counter as expected
};

nlohmann::ordered_json to_json(const RunReport& report);
/// The short table for a terminal.
std::string to_table(const RunReport& report);
/// Lines of it, which that of a fine-tuning run has, too.
std::string counter_mismatch_lines(const std::vector<CounterMismatch>& mismatches);
std::string simulation_line(const SimulationCost& cost);

}  // namespace corank
