// The driver: runs a compiled step on a device through its host port. It knows registers and
// memory, not SystemC.
#pragma once

#include <cstdint>
#include <functional>

#include "host/compiler/compiler.h"
#include "host/driver/counters.h"
#include "sim/platform/host_port.h"
#include "sim/platform/platform.h"

namespace corank {

struct DriverOptions {
  MachineLimits limits;
  std::int64_t watchdog_cycles = 200000;  // without progress of the device
  std::uint64_t memory_size_bytes = 0;    // the device must not touch anything beyond
  bool values = true;  // false: tensors cost their time on the link, but none is sent or read back
  std::function<bool()> stop =
      nullptr;  // asked now and then while the device works: whether to give up
};

/// The host told the device that so many commands are in the ring, in a packet that left at `ns`.
struct Doorbell {
  double ns = 0;
  std::uint64_t commands = 0;
};

struct StepResult {
  bool stopped = false;  // given up: counters up to then, no results
  TensorMap results;     // every value of role kResult, as read back from device memory
  DeviceCounters counters{};
  std::vector<Doorbell> doorbells;  // in order
  // As the host sees them. upload_ns: until memory has every input and both rings are full.
  // step_ns: from then, the first doorbell, to the interrupt.
  double upload_ns = 0, step_ns = 0, download_ns = 0;
};

/// Checks that the device is the machine that the step was compiled for, uploads `inputs` (by name:
/// every value that no op writes), fills the rings of commands and of streamed weights, waits until
/// memory has all that, runs the step and reads the results and counters back. During the step the
/// rings are filled as the device empties them. Takes three snapshots of the platform: before the
/// first doorbell, after the step and after the download. Throws MachineError: a fault of the
/// device (cause, unit, command, address), no progress for watchdog_cycles in which the memory owed
/// nobody an answer (with the state of every unit), or a device of another shape. After a fault, or
/// without progress, the device is reset, so that another step can follow if the memory still
/// answers.
StepResult run_step(HostPort& host, const CompiledStep& step, const Graph& graph,
                    const MachineShape& machine, const TensorMap& inputs,
                    const DriverOptions& options);

/// The three snapshots of run_step among those of its simulation.
struct StepSnapshots {
  const PlatformSnapshot &before, &after, &end;
};
StepSnapshots snapshots_of_step(const std::vector<PlatformSnapshot>& snapshots);

/// Bytes that run_step moves over the link as memory contents, worked out from the layouts alone.
struct LinkBytes {
  std::uint64_t to_device = 0, to_host = 0;
  std::uint64_t streamed = 0;  // of to_device: tiles of streamed weights
  std::uint64_t commands = 0;  // of to_device
};
LinkBytes expected_link_bytes(const CompiledStep& step, const Graph& graph);

}  // namespace corank
