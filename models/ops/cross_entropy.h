// The cross-entropy of logits and labels.
#pragma once

#include <cstdint>
#include <optional>

#include "models/base/vector_arithmetic.h"
#include "models/numerics/functions.h"
#include "models/ops/op.h"

namespace corank {

inline constexpr std::int32_t kIgnoredLabel = -100;  // torch's ignore_index

/// loss = sum over the kept rows of (log sum exp(logits) - logits[label]) / N. Labels of -100 are
/// not kept; N is the number of kept ones, or items[0] where items is given (the targets of several
/// accumulated batches: their gradients then add up to that of the whole).
/// Shifted (a causal language model): logits are [batch * sequence, classes], labels [batch,
/// sequence], and row t is held against label t + 1; the last row of a sequence has no target.
/// A label beyond the classes, and no kept label without items, are InputErrors when executed.
/// log sum exp is max + ln(sum exp(logits - max)). Where the gradient is wanted, the exponentials
/// and 1 / their sum are kept for it: an exponential takes longer than reading one.
struct CrossEntropy {
  ValueId logits = -1, labels = -1;  // [rows, classes]; I64, [rows] or any shape of as many
  std::optional<ValueId> items;      // I64 [1]
  bool shifted = false;
  ValueId loss = -1;                                 // [1], F32
  std::optional<ValueId> exponentials, inverse_sum;  // F32, [rows, classes]; [rows]. Both or none

  static constexpr OpTraits kTraits = {"cross_entropy", Recompute::kNever, OpClass::kLoss};
  using Operands = Fields<&CrossEntropy::logits, &CrossEntropy::labels, &CrossEntropy::items>;
  using Results =
      Fields<&CrossEntropy::loss, &CrossEntropy::exponentials, &CrossEntropy::inverse_sum>;
};

/// out = (exponentials * inverse_sum - [class = label]) * (upstream / N); 0 in rows without a
/// target. upstream, the gradient of the loss, is 1 where it is not given.
struct CrossEntropyGradient {
  std::optional<ValueId> upstream;  // [1]
  ValueId exponentials = -1, inverse_sum = -1, labels = -1;
  std::optional<ValueId> items;
  bool shifted = false;
  ValueId out = -1;

  static constexpr OpTraits kTraits = {"cross_entropy_gradient", Recompute::kNever, OpClass::kLoss};
  using Operands = Fields<&CrossEntropyGradient::exponentials, &CrossEntropyGradient::inverse_sum,
                          &CrossEntropyGradient::labels, &CrossEntropyGradient::upstream,
                          &CrossEntropyGradient::items>;
  using Results = Fields<&CrossEntropyGradient::out>;
};

/// e * inverse_sum - [is label], of the exponential e, and an element of the gradient, where
/// `factor` is upstream / N.
template <class T, class Mask>
T cross_entropy_distance(const T& e, const T& inverse_sum, const Mask& is_label) {
  const T p = e * inverse_sum;
  return select(is_label, p - ConstantOf<T>(1), p);
}
template <class T, class Mask, class Number>
T cross_entropy_slope(const T& e, const T& inverse_sum, const Mask& is_label,
                      const Number& factor) {
  return cross_entropy_distance(e, inverse_sum, is_label) * factor;
}

/// The label that each row of logits is held against, or kIgnoredLabel; `numbers` are those of the
/// value `labels`. Throws InputError, naming it, for a label beyond the classes.
std::vector<std::int64_t> targets_of(const Graph& graph, ValueId logits, ValueId labels,
                                     bool shifted, const std::int64_t* numbers);
/// N: the number of kept targets, or *items where it is given. Throws InputError, naming the
/// labels, where it is not positive.
std::int64_t items_of(const std::vector<std::int64_t>& targets, const std::string& labels,
                      const std::int64_t* items);

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const CrossEntropy& op);
std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const CrossEntropyGradient& op);
template <class T>
void run(const CrossEntropy& op, Arrays<T>& arrays);
template <class T>
void run(const CrossEntropyGradient& op, Arrays<T>& arrays);
/// The gradient of the loss is `upstream`, 1 where it is not given. The op of the forward pass
/// keeps `loss`.exponentials and `loss`.inverse_sum from then on.
void pull_back(Backward& backward, const CrossEntropy& op, std::optional<ValueId> upstream);

/// Returns the loss.
ValueId add_cross_entropy(Graph& graph, const std::string& name, ValueId logits, ValueId labels,
                          bool shifted, std::optional<ValueId> items = std::nullopt);

}  // namespace corank
