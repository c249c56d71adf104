// One training step of a captured layer, from the configuration to the report: what `corank run`
// does.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "host/config/config.h"
#include "host/report/report.h"
#include "sim/platform/platform.h"

namespace corank {

struct RunOptions {
  Fidelity fidelity = Fidelity::kRtl;
  std::string out_directory;  // receives report.json, report.html, tensors.safetensors; empty:
                              // nothing is written
  std::optional<std::string> waves;  // FST file of every signal
  std::optional<std::string> trace;  // file of trace events
  bool progress = false;             // tell on a terminal what takes long
  std::function<bool()> stop;        // asked now and then: whether to end early, with what is known
};

/// Runs the step on the verilated accelerator or on its cycle model, compares every result with the
/// bit-exact reference and the gradients with FP64, every counter with what the commands must cost,
/// and writes the files. Without values (config.values) there are no results to compare or write.
/// Throws InputError, MachineError and (stopped before there is anything to report) Interrupted;
/// then nothing is written.
RunReport run(const Config& config, const RunOptions& options);

}  // namespace corank
