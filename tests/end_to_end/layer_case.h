// Random layers on small machines, each from one seed: the case can be replayed alone by its
// number.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/config/config.h"
#include "models/base/tensor.h"
#include "models/graph/layer_step.h"

namespace corank::test {

/// Of a dimension to the array: remainder 0, 1, -1 (one less than a multiple) or another.
enum class Remainder { kZero, kOne, kMinusOne, kOther };
Remainder remainder_of(std::int64_t size, std::int64_t divisor);

struct LayerCase {
  std::uint64_t seed = 0;
  Config config;  // machine, limits, memory, link, stalls, compiler
  LayerStep step;
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
/// One case in ten has one special value planted.
LayerCase make_case(std::uint64_t seed, int number, std::int64_t most_cycles,
                    Sizes sizes = Sizes::kEdges);

struct CaseResult {
  bool equal = false;
  bool finite = false;  // every result of the reference
  std::string message;  // what differed
};

/// Runs the case in a process of its own (forked: a SystemC simulation is one process) and compares
/// every element of every result with the bit-exact reference and every counter with the account of
/// the commands.
CaseResult run_case(const LayerCase& layer);

/// "case 17 of seed 5: 3x5, 33 tokens, 64 -> 67, r = 5, ..."
std::string describe(const LayerCase& layer, int number);

}  // namespace corank::test
