// Where the array's time went, product by product: useful work, and what it waited for.
//
// The array completes its commands in order, each a fixed time after its last row was streamed. So
// the time between two completions is the time in which the later one's rows were streamed, and a
// gap in which the array did nothing. The gap belongs to whatever the later command waited for
// last, a token or its own coming:
//   - to the link, if for most of the gap the command unit waited for the host to write the command
//     that was waited for (itself or the one with the token);
//   - a token of a load: to the link, if the load waited for a tile that the host had not sent; to
//     memory bandwidth, if meanwhile the AXI port's read channel or the memory (with the stores
//     that went on beside) moved three quarters of what it can; else to memory latency; or, if the
//     load itself had waited for another unit's token, to that unit (its place was still in use);
//   - a token of the vector or the store unit: to that unit;
//   - no token: to the fetch of commands, if the command came to the array only then; else to the
//   array
//     itself (the first rows of a product must not overtake the last ones of the one before).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "host/compiler/compiler.h"
#include "sim/platform/statistics.h"

namespace corank {

enum class StallCause {
  kLink,
  kMemoryBandwidth,
  kMemoryLatency,
  kVector,
  kStore,
  kCommands,
  kArray
};
inline constexpr std::array<const char*, 7> kStallCauseNames = {
    "link", "memory bandwidth", "memory latency", "vector unit", "store unit", "commands", "array"};

/// So many commands were in the ring, as far as the device knew, from this cycle on.
struct RingFilled {
  std::int64_t cycle = 0;
  std::uint64_t commands = 0;
};

/// One product of the graph, in the order in which they are carried out.
struct PhaseReport {
  std::string value;            // that it writes
  std::string product;          // the value's name within its layer: equal layers have equal ones
  int op = -1;                  // of the graph
  std::uint64_t cycles = 0;     // from the completion of the phase before to its own
  std::uint64_t streaming = 0;  // in which the array took in a row
  std::uint64_t macs = 0;
  double utilisation = 0;                                     // macs / (cycles x PEs)
  std::array<std::uint64_t, interface::kGemmKinds> kinds{};   // the cycles, by kind of gemm
  std::array<std::uint64_t, kStallCauseNames.size()> lost{};  // the other cycles, by cause
  std::string bound;  // "compute", or the cause that most cycles were lost to
};

/// Cycles that the array lost just before the completion of one command, but for its streaming.
struct Stall {
  std::int64_t end = 0;  // the cycle at which the command's rows began
  std::int64_t cycles = 0;
  StallCause cause = StallCause::kArray;
};

struct ArrayTimes {
  std::vector<PhaseReport> phases;
  std::vector<Stall> stalls;  // in order
};

/// Cycles in which the array takes in the rows of a product's command: just before its end.
std::int64_t streaming_cycles(const interface::GemmCommand& gemm, const MachineShape& machine);

/// Phases of a step from the events of its commands (all of them ended) and the host's doorbells,
/// in order. `memory_bytes_per_cycle`: what the memory can give and take together when it is asked
/// for all the time.
ArrayTimes array_times(const CompiledStep& step, const Graph& graph, const MachineShape& machine,
                       double memory_bytes_per_cycle, const std::vector<TraceEvent>& events,
                       const std::vector<RingFilled>& doorbells);

}  // namespace corank
