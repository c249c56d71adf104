// What an exact run of a design measured: counts and times, from which every objective is priced
// when it is read.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "host/config/config.h"
#include "host/driver/counters.h"
#include "sim/dram/statistics.h"

namespace corank {

struct PreparedStep;  // host/run/simulate.h

struct RunFigures {
  std::uint64_t cycles = 0;          // of the device's clock, of a step
  double step_ns = 0, total_ns = 0;  // a step; with upload and download over the link
  DeviceCounters counters{};         // of a step
  std::uint64_t memory_bytes = 0;    // read and written, by the accelerator and over the link
  std::uint64_t link_bytes = 0;      // on the wire, both ways
  DramStatistics dram;               // of a memory of kind dram
  std::uint64_t device_bytes = 0;    // of device memory, as planned
  double tokens = 0, macs = 0;       // of a step
  std::string bound_by;              // what bounds the step, in words
};

nlohmann::ordered_json to_json(const RunFigures& figures);
/// Throws InputError for what to_json() did not write.
RunFigures run_figures_of(const nlohmann::json& json);

/// What a sweep asks of a configuration: one step, whose time is right, and no files. What differs
/// in this alone is one run.
Config measured_config(const Config& config);

/// Carries out the configuration's first step (measured_config()) on the cycle model, without
/// writing a file. Throws as run() does, Interrupted if `stop` ends it, and MachineError if a
/// counter is not what the commands must cost.
RunFigures measure_design(const Config& config, const std::function<bool()>& stop = nullptr);
/// The same of layers whose commands are there already, for a measured_config().
RunFigures measure_prepared(const Config& measured, const PreparedStep& prepared);

}  // namespace corank
