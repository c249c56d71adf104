// What a fine-tuning run cost on the accelerator: plain data, a part of its report.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "host/report/report.h"
#include "host/report/work.h"

namespace corank {

/// Bytes of device memory that have one use.
struct RoleBytes {
  std::string role;
  std::uint64_t bytes = 0;
};

std::uint64_t sum_of(const std::vector<RoleBytes>& roles);

/// By the end of an op, named by its result.
struct MemoryPoint {
  std::uint64_t cycle = 0;  // from the step's first command
  std::string value;
  std::vector<RoleBytes> memory;  // the roles of DeviceReport::memory, with the same sum
};

/// Once over all batches of a file: what all its steps take, with their transfers, what is loaded
/// once among them.
struct Epoch {
  std::int64_t steps = 0;
  std::int64_t simulated_steps = 0;  // fewer: the others are taken for what those behind the first
                                     // one took on the average
  double seconds = 0, energy_pj = 0;
};

/// A run of a model of which a few layers were simulated, and the rest extrapolated.
struct ModelRepeated {
  int layers = 0, simulated_layers = 0;
  // What one more layer adds to the step, and what one in the middle takes: they should be equal.
  std::uint64_t added_cycles = 0, middle_cycles = 0;
  double error = 0;  // of the step's cycles: their difference, for every layer left out
};

struct DeviceReport {
  bool values = true;  // whether tensors were computed, and then compared
  MachineShape machine;
  MachineLimits limits;
  MemoryConfig memory_model;
  std::string link;
  double link_gb_per_s = 0;  // of each direction
  Weights weights = Weights::kResident;
  // They add up to what the step takes. The last one are gaps, between the intermediates that are
  // alive when the most is; all others together are what is alive then.
  std::vector<RoleBytes> memory;
  // Of that, what the accelerator's commands read or write (host/run/touched_memory.h); none of
  // repeated layers.
  std::optional<std::uint64_t> touched_bytes;
  std::uint64_t commands = 0;  // of a step

  std::optional<ModelRepeated> repeated;

  std::vector<StepReport> steps;  // those that came to their end; the first one's upload holds what
                                  // is loaded once
  std::int64_t tokens = 0;        // of these steps: positions that are no padding
  std::optional<Epoch> epoch;

  // Of the first step: how the accelerator was used, and what bounded it.
  std::string bound;
  double array_utilisation = 0;
  std::vector<UnitReport> units;
  std::vector<GemmReport> gemms;
  StepWorkByKey work;
  std::vector<MemoryPoint> memory_over_time;  // none of repeated layers

  std::string energy_table, energy_node;
  EnergySum energy;                      // of all steps
  std::vector<EnergyLine> energy_lines;  // the same by action; of figures that differ from step to
                                         // step, as gates' do, the means
  SiliconReport silicon;

  std::vector<ComparisonReport> comparisons;  // with the reference; none of an incomplete run
  std::vector<CounterMismatch> counter_mismatches;
  SimulationCost simulation;

  bool passed() const;  // every counter is as expected and, with values, it was compared, every bit
  double seconds() const;  // simulated, of all steps, with their transfers
  double tokens_per_s() const;
};

/// Of so many steps, of which these were simulated; none if they are not all, and do not tell what
/// a step behind the first one takes.
std::optional<Epoch> epoch_of(const std::vector<StepReport>& simulated, std::int64_t steps);

nlohmann::ordered_json to_json(const DeviceReport& report);
/// A few lines for the terminal, each ending with a newline.
std::string device_lines(const DeviceReport& report);

}  // namespace corank
