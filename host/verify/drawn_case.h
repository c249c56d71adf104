// A random case, however its program was drawn: what is run and compared.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/config/config.h"
#include "host/verify/draw.h"
#include "models/base/tensor.h"
#include "models/graph/recompute.h"
#include "models/program/optimizer.h"
#include "models/quantized/quantized_tensor.h"

namespace corank {

struct DrawnCase {
  int number = 0;
  std::uint64_t seed = 0;  // of this case
  Config config;           // machine, limits, memory, link, stalls, compiler
  int pauses = 0;  // cycles that the host lets pass before each tile of a streamed weight, at most
  std::string planted;  // a special value and where it stands; empty: every input is ordinary
  TensorMap given;      // once: weights, masters and the optimizer's states
  QuantizedMap packed;  // and the frozen weights that are packed
  std::vector<TensorMap> feeds;  // of each step

  /// Without what a kind of case has beside it.
  const DrawnCase& drawn() const { return *this; }
};

/// What the cases of one run are drawn from.
struct CaseSource;

/// "graph 17 (seed 5000032): 3x5, AXI 128, ...": how the text of a case of any kind begins.
std::string describe_setting(const char* kind, const DrawnCase& drawn);
/// ", planted NaN in x at 3"; "" of a case with nothing planted.
std::string describe_planted(const DrawnCase& drawn);
/// "3 steps of sgd (momentum 0.9, ...), 2 micro-batches, linear learning rate, 1 steps of warm-up"
std::string describe_steps(std::size_t steps, const OptimizerSettings& optimizer);

namespace draw {

/// Normally distributed numbers times `scale`; positive: their absolute values.
Tensor bf16(Random& random, const Shape& shape, float scale);
Tensor f32(Random& random, const Shape& shape, float scale, bool positive);

/// Puts one special value (an infinity, a NaN, a subnormal, ...) somewhere in a tensor of numbers
/// (F32, BF16 or F16); returns what and where.
std::string plant(Random& random, TensorMap& inputs);

/// SGD with or without weight decay and momentum, which may be Nesterov's or dampened.
SgdOptions sgd(Random& random);

/// Half of the time nothing is computed again.
RecomputePolicy recompute_policy(Random& random);

/// Begins case `number` of the run with this seed: its machine, in turn, and its surroundings. What
/// is drawn further comes from the result; `stream` keeps the kinds of cases with one seed apart.
Random begin(DrawnCase& drawn, const CaseSource& source, std::uint64_t seed, int number,
             std::uint64_t stream);

/// Limits of the bursts, memory and stalls of a case.
void surroundings(Random& random, const CaseSource& source, Config& config);

/// Cycles that a memory takes, at its slowest, for all that the host uploads: so long the
/// accelerator's first access may wait behind it.
std::int64_t upload_cycles(const Config& config, std::uint64_t bytes);

}  // namespace draw
}  // namespace corank
