// Random layers on small machines, each from one seed: the case can be replayed alone by its
// number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/config/config.h"
#include "host/verify/drawn_case.h"
#include "models/base/tensor.h"
#include "models/program/linear_layers.h"

namespace corank {

/// Of a dimension to the array: remainder 0, 1, -1 (one less than a multiple) or another.
enum class Remainder { kZero, kOne, kMinusOne, kOther };
Remainder remainder_of(std::int64_t size, std::int64_t divisor);

/// Where the sizes of tokens, in, out and r come from: those at the edges of common arrays, or any.
enum class Sizes { kEdges, kAll };
constexpr int kLargestSize = 257;

/// What cases are drawn from.
struct CaseSource {
  std::vector<MachineShape> machines;  // in turn
  std::vector<MemoryConfig> drams;     // see draw_dram()
  std::optional<MemoryConfig> memory;  // of half of the cases, just as it is
  double clock_mhz = 1000;
  std::int64_t most_cycles = 20000;  // bounds the estimated length of all steps
  Sizes sizes = Sizes::kEdges;
};

struct LayerCase : DrawnCase {
  LinearLayer layer;
  OptimizerSettings optimizer;
  int layers = 1;  // so many of this size, each with values of its own
  // Of the weights that are packed, by layer; empty: none is.
  std::vector<std::optional<StorageFormat>> storage;
};

/// Case `number` of a run with `seed`. With kEdges cases go through all pairs of remainders of (in
/// by R, out by C) and of (tokens by R, r by C). With kAll sizes are any up to 257, and 4 * 257
/// cases in a row have every size in each of the four places. Half of the memories are DRAM (of
/// those that are not source.memory). Limits of the compiler reach down to the least that it
/// accepts. One case in ten has one special value planted; two in five stream their weights,
/// through rings from one tile on; some of these have several layers, or a host that pauses. About
/// a quarter have two or three steps, with AdamW or SGD, some with micro-batches or a learning rate
/// that changes. One in three packs weights (draw::Packing). Throws InputError where the machine is
/// too small for any layer.
LayerCase make_case(const CaseSource& source, std::uint64_t seed, int number);

TrainingProgram program_of(const LayerCase& layer);

/// "case 17 (seed 5000032): 3x5, AXI 128, ...: 1 layers of 33 tokens, 64 -> 67, r = 5, ..."
std::string describe(const LayerCase& layer);

}  // namespace corank
