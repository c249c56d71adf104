// Softmax of attention scores, with their masks.
#pragma once

#include <limits>
#include <optional>

#include "models/base/vector_arithmetic.h"
#include "models/numerics/functions.h"
#include "models/ops/op.h"

namespace corank {

/// out = softmax of each row of scores, where masked scores are first set to one finite constant,
/// the smallest FP32 number: a row that is masked everywhere becomes uniform, as in Hugging Face's
/// eager attention. Query i may not see key j if causal and j > i, or if mask[b, j] = 0.
struct Softmax {
  ValueId scores = -1;          // [batch * heads, queries, keys]
  std::optional<ValueId> mask;  // I64 [batch, keys]
  bool causal = false;
  ValueId out = -1;
  /// Of each row, F32 [batch * heads, queries]: the largest score after masking, and 1 / the sum
  /// of the exponentials. Both or none.
  std::optional<ValueId> largest, inverse_sum;
  std::optional<ValueId> narrow;  // out, rounded to BF16; not together with the two

  static constexpr OpTraits kTraits = {"softmax"};
  using Operands = Fields<&Softmax::scores, &Softmax::mask>;
  using Results = Fields<&Softmax::out, &Softmax::largest, &Softmax::inverse_sum, &Softmax::narrow>;
};

/// The same out, to the bit, of the scores and of what a softmax of them has told of their rows.
struct SoftmaxFromStatistics {
  ValueId scores = -1;
  std::optional<ValueId> mask;
  bool causal = false;
  ValueId largest = -1, inverse_sum = -1, out = -1;

  static constexpr OpTraits kTraits = {"softmax_from_statistics"};
  using Operands = Fields<&SoftmaxFromStatistics::scores, &SoftmaxFromStatistics::mask,
                          &SoftmaxFromStatistics::largest, &SoftmaxFromStatistics::inverse_sum>;
  using Results = Fields<&SoftmaxFromStatistics::out>;
};

/// A score, or where it is hidden a finite number, so that a row of nothing else has a softmax.
template <class T, class Mask>
T masked(const Mask& hidden, const T& score) {
  return select(hidden, ConstantOf<T>(std::numeric_limits<float>::lowest()), score);
}

/// An element of what softmax divides by its sum.
template <class T>
T softmax_exponential(const T& score, const T& largest) {
  return exponential(score - largest);
}

/// out = P * (gradient - sum over the row of gradient * P), the sum of the same gradient and P. In
/// a row that is masked everywhere P is not 0, and the gradient is that of masking by an added
/// constant, as Hugging Face's autograd has it, though the score itself is lost.
struct SoftmaxGradient {
  ValueId gradient = -1, probabilities = -1, out = -1;
  std::optional<ValueId> narrow;  // P, rounded to BF16

  static constexpr OpTraits kTraits = {"softmax_gradient"};
  using Operands = Fields<&SoftmaxGradient::gradient, &SoftmaxGradient::probabilities>;
  using Results = Fields<&SoftmaxGradient::out, &SoftmaxGradient::narrow>;
};

template <class T>
T softmax_slope(const T& p, const T& gradient, const T& sum) {
  T difference = gradient - sum;
  return std::move(difference) * p;
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Softmax& op);
std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const SoftmaxFromStatistics& op);
std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const SoftmaxGradient& op);
template <class T>
void run(const Softmax& op, Arrays<T>& arrays);
template <class T>
void run(const SoftmaxFromStatistics& op, Arrays<T>& arrays);
template <class T>
void run(const SoftmaxGradient& op, Arrays<T>& arrays);
void pull_back(Backward& backward, const Softmax& op, ValueId gradient);

/// P is F32 by default: the derivative cancels, and needs it wide.
ValueId add_softmax(Graph& graph, const std::string& name, ValueId scores,
                    std::optional<ValueId> mask, bool causal, DType dtype = DType::F32);

/// Adds the statistics to a softmax of the graph, named `out`.largest and `out`.inverse_sum.
void add_row_statistics(Graph& graph, Softmax& op);

}  // namespace corank
