// Random layers on small machines, each from one seed: the case can be replayed alone by its
// number.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "host/compiler/compiler.h"
#include "host/config/config.h"
#include "models/base/tensor.h"
#include "models/graph/layer_step.h"
#include "tests/forwarding_host.h"

namespace corank::test {

/// Of a dimension to the array: remainder 0, 1, -1 (one less than a multiple) or another.
enum class Remainder { kZero, kOne, kMinusOne, kOther };
Remainder remainder_of(std::int64_t size, std::int64_t divisor);

struct LayerCase {
  std::uint64_t seed = 0;
  Config config;  // machine, limits, memory, link, stalls, compiler
  LayerStep step;
  int layers = 1;  // so many of this size, each with values of its own
  int pauses = 0;  // cycles that the host lets pass before each tile of a streamed weight, at most
  std::string planted;  // a special value and where it stands; empty: every input is ordinary
  TensorMap inputs;
};

/// The machines of the test: 1x1, 3x5, 4x4, 8x8, 16x8.
std::vector<MachineShape> test_machines();

/// Where the sizes of tokens, in, out and r come from.
enum class Sizes { kEdges, kAll };
constexpr int kLargestSize = 257;

/// Case `number` of a run with `seed`. With kEdges sizes come from {1, 3, 5, 7, 8, 9, 16, 17, 31,
/// 32, 33, 64, 67, 130, 257}; cases go through all pairs of remainders of (in by R, out by C) and
/// of (tokens by R, r by C). With kAll sizes are any up to 257, and 4 * 257 cases in a row have
/// every size in each of the four places. `most_cycles` bounds the estimated length of the step.
/// One case in ten has one special value planted; two in five stream their weights, through rings
/// from one tile on; some of these have several layers, or a host that pauses.
LayerCase make_case(std::uint64_t seed, int number, std::int64_t most_cycles,
                    Sizes sizes = Sizes::kEdges);

struct CaseResult {
  bool equal = false;
  bool finite = false;  // every result of the reference
  std::string message;  // what differed
};

/// machine_library of a shape, asked once a process: each question starts the tools for their
/// versions.
const std::string& library_of(const MachineShape& shape);

Graph graph_of(const LayerCase& layer);
/// A host that lets a random time pass before it says that a tile is written.
class PausingHost : public ForwardingHost {
 public:
  PausingHost(HostPort& host, int most_cycles, std::uint64_t seed)
      : ForwardingHost(host), most_cycles_(most_cycles), random_(seed) {}
  void write_register(std::uint32_t offset, std::uint32_t value) override;
  bool wait_interrupt(std::int64_t timeout) override;

 private:
  int most_cycles_;
  std::mt19937_64 random_;
  bool interrupted_ = false;  // came during a pause
};

/// Runs the case in a process of its own (forked: a SystemC simulation is one process) and compares
/// every element of every result with the bit-exact reference and every counter with the account of
/// the commands.
CaseResult run_case(const LayerCase& layer);

/// Runs the case in a process of its own. Every counter of the device and every element of every
/// result in hexadecimal, a line each: what two runs that must be alike are compared by. Throws
/// MachineError if the simulation fails.
std::string run_and_record(const LayerCase& layer);

/// "case 17 of seed 5: 3x5, 33 tokens, 64 -> 67, r = 5, ..."
std::string describe(const LayerCase& layer, int number);

}  // namespace corank::test
