// The driver: runs the steps of a compiled program on a device through its host port. It knows
// registers and memory, not SystemC.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "host/compiler/compiler.h"
#include "host/driver/counters.h"
#include "models/program/training_program.h"
#include "sim/platform/host_port.h"
#include "sim/platform/platform.h"

namespace corank {

/// Cycles for which the driver waits for the interrupt before it looks at rings again that it has
/// to fill.
inline constexpr std::int64_t kRefillPollCycles = 2000;

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
  bool stopped = false;             // given up: no counters and no results
  TensorMap results;                // those that were asked for, as read back from device memory
  DeviceCounters counters{};        // what this step added to them
  std::vector<Doorbell> doorbells;  // in order
  // As the host sees them. upload_ns: until memory has all that the step is fed and both rings are
  // full. step_ns: from then, the first doorbell, to the interrupt.
  double upload_ns = 0, step_ns = 0, download_ns = 0;
};

/// A device that carries out the steps of one compiled program. Frozen and trained values and the
/// optimizer's states lie in its memory from load() on; the rings run on from step to step.
///
/// Every call throws MachineError for a fault of the device (cause, unit, command, address), and
/// for no progress for watchdog_cycles in which the memory owed nobody an answer (with the state of
/// every unit). The device is reset then, so that another session can follow if the memory still
/// answers.
class DeviceSession {
 public:
  /// Keeps references to host, step and program.
  DeviceSession(HostPort& host, const CompiledStep& step, const TrainingProgram& program,
                const DriverOptions& options);
  ~DeviceSession();

  /// Checks that the device is the machine that the step was compiled for, and uploads what is
  /// given once, by name, `packed` the packed weights. Streamed weights are sent with every step,
  /// from `values` and `packed`, which must stay where they are. Returns the time that it took, in
  /// ns, as the host sees it. Throws MachineError, for a device of another shape too, and
  /// InputError for a value that is missing or does not fit, or for a packed weight with another
  /// map or offset than the step was compiled for.
  double load(const MachineShape& machine, const TensorMap& values, const QuantizedMap& packed);
  /// The same of a program in which nothing is packed.
  double load(const MachineShape& machine, const TensorMap& values) {
    static const QuantizedMap kNone;
    return load(machine, values, kNone);
  }

  /// Uploads what the step is fed, by name, fills the rings of commands and of streamed weights,
  /// waits until memory has all that, runs the step and reads back the values `asked`, and the
  /// counters. During the step the rings are filled as the device empties them. Takes three
  /// snapshots of the platform: before the first doorbell, after the step and after the download.
  StepResult step(const TensorMap& feeds, const std::vector<ValueId>& asked);

  /// Values as device memory has them.
  TensorMap read(const std::vector<ValueId>& ids);

  /// Back to the state after power-on; not after a step that was given up.
  void reset();

 private:
  class Driver;
  HostPort& host_;
  std::unique_ptr<Driver> driver_;
};

/// All results of the program.
std::vector<ValueId> results_of(const TrainingProgram& program);

/// One step in a session of its own, with all that is given and fed in `inputs` and `packed`; every
/// result is asked for.
StepResult run_step(HostPort& host, const CompiledStep& step, const TrainingProgram& program,
                    const MachineShape& machine, const TensorMap& inputs,
                    const DriverOptions& options, const QuantizedMap& packed = {});

/// The three snapshots of step `step` of so many `steps` among those of their simulation, which may
/// have taken more during the first one.
struct StepSnapshots {
  const PlatformSnapshot &before, &after, &end;
};
StepSnapshots snapshots_of_step(const std::vector<PlatformSnapshot>& snapshots, std::size_t steps,
                                std::size_t step);

/// Bytes of the pieces of memory that the host writes before the first step (what is given once,
/// constants, tables), and before each step (what that is fed); without programs and commands.
struct UploadPieces {
  std::vector<std::uint64_t> loaded, fed;
};
UploadPieces upload_pieces(const CompiledStep& step, const Graph& graph);

/// Bytes that a step moves over the link as memory contents, worked out from the layouts alone.
struct LinkBytes {
  std::uint64_t loaded = 0;    // frozen and trained values, states, tables: by load()
  std::uint64_t fed = 0;       // what the step is fed
  std::uint64_t programs = 0;  // vector programs, with the constants that are fed
  std::uint64_t commands = 0;
  std::uint64_t streamed = 0;  // tiles of streamed weights
  std::uint64_t asked = 0;     // to the host: the results that are asked for

  LinkBytes& operator+=(const LinkBytes& other);

  /// What one step sends, with all that is loaded before it or without.
  std::uint64_t to_device(bool with_loaded) const {
    return (with_loaded ? loaded : 0) + fed + programs + commands + streamed;
  }
};
LinkBytes expected_link_bytes(const CompiledStep& step, const TrainingProgram& program,
                              const std::vector<ValueId>& asked);

}  // namespace corank
