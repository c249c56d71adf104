// The longest path over the commands of a step: when each can start and be complete at the
// earliest.
//
// Units carry out their commands in the order of the ring, and tokens order them between units.
// What follows what by how many cycles is that of the device (rtl/, cycle by cycle the same as
// sim/cycle), where nothing is in the way:
//   A command is fetched when no more than kFetchDepth before it are under way, handed to its
//   unit's queue 2 cycles and as many as it has beats after the one before it, and starts 3 cycles
//   later, as soon as its tokens are there and its unit is free. Gemms: ArraySchedule; vector
//   commands: VectorSchedule; both are exact from their start on. Loads and stores: their bursts
//   one after another, so many in flight; the memory answers each (MemoryTimes), a beat passes a
//   cycle. Packed weights: the decoder makes a line, or takes a beat of scales, a cycle.
// Everything else (who else uses port, queues and arbiters) can only delay: with least_memory() and
// no waiting for the host, no event of an execution is earlier than here.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "host/analytic/memory_times.h"
#include "host/compiler/compiler.h"
#include "sim/cycle/types.h"
#include "sim/machine/shape.h"

namespace corank {

/// When the host's rings let the device go on. Cycles as in StepWalk.
class HostTimes {
 public:
  HostTimes() = default;
  HostTimes(const HostTimes&) = delete;
  HostTimes& operator=(const HostTimes&) = delete;
  virtual ~HostTimes() = default;

  /// The first cycle in which the device knows that so many tiles of streamed weights are there;
  /// -1: not before more of them are released.
  virtual cycle_model::Cycle tile_there(std::uint64_t tiles) = 0;
  /// The device needs one more tile no longer, from this cycle on.
  virtual void released(cycle_model::Cycle cycle) = 0;
  /// What the host writes to device memory next, as far as it has come then; nullptr: nothing that
  /// is counted.
  virtual const MemoryBurst* next_write(Femtoseconds /*now*/) { return nullptr; }
  /// The memory has it.
  virtual void written() {}
};

struct WalkLimits {
  int outstanding = 8, burst_beats = 64;  // as registers have them
  Femtoseconds period = 0;
  // Not the least times, but the expected ones: fetched commands and loads share the read data
  // channel, and the decoder's buffer empties as fast as it decodes.
  bool expected = false;
};

/// Cycle 0 is the one in which the first doorbell reaches the register.
struct WalkTimes {
  cycle_model::Cycle halt = 0;  // in which the halt is reached
  // In which the array streams rows, the vector unit issues beats, programs run there, the decoder
  // makes lines of packed weights or takes beats: all exact.
  cycle_model::Cycle array_busy = 0, vector_busy = 0, vector_cycles = 0, decoder_cycles = 0;
  std::uint64_t read_beats = 0, written_beats = 0;
  // Accesses of a DRAM: reads that it must do, others that its controller may have already, writes.
  std::uint64_t reads = 0, forwardable_reads = 0, writes = 0;
  // The memory's data bus, if every burst had it to itself.
  Femtoseconds bus = 0;
  std::array<cycle_model::Cycle, interface::kGemmKinds> slots{};  // by kind of gemm
  std::array<cycle_model::Cycle, interface::kGemmKinds> rows{};   // the streamed ones, exact
};

using MayBeForwarded = std::function<bool(std::uint64_t address, std::uint64_t bytes)>;

WalkTimes walk(const CompiledStep& step, const MachineShape& machine, const MemoryConfig& memory,
               const WalkLimits& limits, MemoryTimes& times, HostTimes& host,
               const MayBeForwarded& may_be_forwarded);

}  // namespace corank
