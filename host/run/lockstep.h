// The verilated accelerator and its cycle model on the same step, compared event by event: what
// `corank run --fidelity both` does.
#pragma once

#include <cstdint>
#include <string>

#include "host/config/config.h"
#include "host/run/run.h"

namespace corank {

struct LockstepResult {
  std::string disorder;    // of the commands; empty: tokens order them. Else nothing was run
  std::string difference;  // the first one, in context from both sides; empty: there is none
  bool stopped = false;    // before the end; what follows is up to then
  // Compared and equal.
  std::uint64_t commands = 0, transactions = 0, counters = 0, figures = 0, result_bytes = 0;
  std::uint64_t cycles = 0;  // of the step
  double rtl_cpu_s = 0, cycle_cpu_s = 0;
  std::uint64_t ordered = 0;  // commands of the step

  bool right() const { return disorder.empty() && difference.empty(); }
};

/// Verifies that tokens order the step's commands (host/driver/command_order.h), so that what the
/// cycle model does not model cannot happen. Then runs the step twice at the same time, each in a
/// process of its own that tells what happens as it happens: issue, start and end of every command;
/// cycle, address, length, kind and order of every AXI transaction and what a write writes; then
/// every counter, every figure of pins, memory, DRAM and link, and every byte of every result.
/// Stops at the first difference, or when options.stop says so. Memory grows with how far one side
/// is ahead of the other, not with the run. Throws InputError as run() does, MachineError if both
/// sides fail alike or a process ends.
LockstepResult run_lockstep(const Config& config, const RunOptions& options);

/// A few lines for a terminal.
std::string to_text(const LockstepResult& result);

}  // namespace corank
