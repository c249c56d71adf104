#include "models/ops/cross_entropy.h"

#include <algorithm>

#include "models/base/error.h"
#include "models/graph/backward.h"
#include "models/numerics/functions.h"
#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {
namespace {

constexpr std::int64_t kIgnored = kIgnoredLabel;

/// The label that a row of logits is held against, or kIgnored.
std::int64_t target_of(const std::int64_t* labels, std::int64_t row, std::int64_t sequence,
                       bool shifted) {
  if (!shifted) return labels[row];
  return row % sequence == sequence - 1 ? kIgnored : labels[row + 1];
}

void require_labels(const Graph& graph, const std::string& name, const Value& logits, ValueId id,
                    std::optional<ValueId> items) {
  require(logits.shape.size() == 2, logits, "a matrix", name);
  const Value& labels = integer_operand(graph, id, name);
  require(element_count(labels.shape) == logits.shape[0], labels,
          std::to_string(logits.shape[0]) + " labels", name);
  if (items) require_shape(integer_operand(graph, *items, name), {1}, name);
}

// Has the cross-entropy that computes a loss keep what its gradient needs, if it does not yet.
std::pair<ValueId, ValueId> keep_exponentials(Graph& graph, ValueId loss) {
  CrossEntropy* op = nullptr;
  for (Op& one : graph.ops) {
    auto* other = std::get_if<CrossEntropy>(&one);
    if (other != nullptr && other->loss == loss) op = other;
  }
  if (!op->exponentials) {
    const Value value = graph.value(loss);
    const Shape shape = graph.value(op->logits).shape;
    const auto add = [&](const char* name, const Shape& of) {
      return add_value(graph, {value.name + name, of, DType::F32, Role::kIntermediate},
                       value.origin);
    };
    op->exponentials = add(".exponentials", shape);
    op->inverse_sum = add(".inverse_sum", {shape[0]});
  }
  return {*op->exponentials, *op->inverse_sum};
}

}  // namespace

std::vector<std::int64_t> targets_of(const Graph& graph, ValueId logits, ValueId labels,
                                     bool shifted, const std::int64_t* numbers) {
  const Value& value = graph.value(labels);
  const std::int64_t classes = graph.value(logits).shape.back(), sequence = value.shape.back();
  std::vector<std::int64_t> targets;
  for (std::int64_t row = 0; row < graph.value(logits).shape.front(); ++row) {
    const std::int64_t target = target_of(numbers, row, sequence, shifted);
    if (target != kIgnored && (target < 0 || target >= classes)) {
      throw InputError(value.name + "[" + std::to_string(row + (shifted ? 1 : 0)) +
                       "]: expected a label from 0 to " + std::to_string(classes - 1) +
                       ", or -100, found " + std::to_string(target));
    }
    targets.push_back(target);
  }
  return targets;
}

std::int64_t items_of(const std::vector<std::int64_t>& targets, const std::string& labels,
                      const std::int64_t* items) {
  const std::int64_t count = items != nullptr
                                 ? *items
                                 : static_cast<std::int64_t>(targets.size()) -
                                       std::count(targets.begin(), targets.end(), kIgnored);
  if (count < 1)
    throw InputError(labels + ": expected at least one target, found none: all labels are -100");
  return count;
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const CrossEntropy& op) {
  const Value& logits = float_operand(graph, op.logits, name);
  require_labels(graph, name, logits, op.labels, op.items);
  if (!op.exponentials) return {{1}};
  return {{1}, logits.shape, {logits.shape[0]}};
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const CrossEntropyGradient& op) {
  const Value& exponentials = float_operand(graph, op.exponentials, name);
  require_dtype(exponentials, {DType::F32}, name);
  require_labels(graph, name, exponentials, op.labels, op.items);
  require_shape(float_operand(graph, op.inverse_sum, name), {exponentials.shape[0]}, name);
  if (op.upstream) require_shape(float_operand(graph, *op.upstream, name), {1}, name);
  return {exponentials.shape};
}

template <class T>
void run(const CrossEntropy& op, Arrays<T>& arrays) {
  const std::int64_t classes = arrays.columns(op.logits);
  const std::vector<std::int64_t> targets =
      targets_of(arrays.graph(), op.logits, op.labels, op.shifted, arrays.integers(op.labels));
  const std::int64_t* given = op.items ? arrays.integers(*op.items) : nullptr;
  const auto items = static_cast<T>(items_of(targets, arrays.name(op.labels), given));
  std::vector<T> room(op.exponentials ? 0 : static_cast<std::size_t>(classes));
  T loss = 0;
  for (std::int64_t row = 0; row < arrays.rows(op.logits); ++row) {
    const T* z = arrays.floats(op.logits) + row * classes;
    const T largest = maximum_of_row<T>(classes, [=](std::int64_t i) { return z[i]; });
    T* e = op.exponentials ? arrays.result(*op.exponentials) + row * classes : room.data();
    for_each_element(classes, [=](std::int64_t i) { e[i] = exponential(z[i] - largest); });
    const T sum = sum_of_row<T>(classes, [=](std::int64_t i) { return e[i]; });
    if (op.inverse_sum) arrays.result(*op.inverse_sum)[row] = T(1) / sum;
    const T log_sum_exp = largest + logarithm(sum);
    const std::int64_t target = targets[static_cast<std::size_t>(row)];
    if (target != kIgnored) loss = loss + (log_sum_exp - z[target]);
  }
  *arrays.result(op.loss) = loss / items;
}
template void run(const CrossEntropy& op, Arrays<float>& arrays);
template void run(const CrossEntropy& op, Arrays<double>& arrays);

template <class T>
void run(const CrossEntropyGradient& op, Arrays<T>& arrays) {
  const std::int64_t classes = arrays.columns(op.exponentials);
  const std::vector<std::int64_t> targets = targets_of(arrays.graph(), op.exponentials, op.labels,
                                                       op.shifted, arrays.integers(op.labels));
  const std::int64_t* given = op.items ? arrays.integers(*op.items) : nullptr;
  const T upstream = op.upstream ? *arrays.floats(*op.upstream) : T(1);
  const T factor = upstream / static_cast<T>(items_of(targets, arrays.name(op.labels), given));
  for (std::int64_t row = 0; row < arrays.rows(op.exponentials); ++row) {
    const std::int64_t target = targets[static_cast<std::size_t>(row)];
    if (target == kIgnored) continue;
    const auto label = static_cast<std::int32_t>(target);
    const T* e = arrays.floats(op.exponentials) + row * classes;
    T* out = arrays.result(op.out) + row * classes;
    const T inverse = arrays.floats(op.inverse_sum)[row];
    for_each_element(classes, [=](std::int64_t i) {
      const std::int32_t is_label = int_equal(static_cast<std::int32_t>(i), label);
      out[i] = cross_entropy_slope(e[i], inverse, is_label, factor);
    });
  }
}
template void run(const CrossEntropyGradient& op, Arrays<float>& arrays);
template void run(const CrossEntropyGradient& op, Arrays<double>& arrays);

void pull_back(Backward& backward, const CrossEntropy& op, std::optional<ValueId> upstream) {
  if (!backward.needs(op.logits)) return;
  const auto [exponentials, inverse_sum] = keep_exponentials(backward.graph(), op.loss);
  CrossEntropyGradient gradient;
  gradient.upstream = upstream;
  gradient.exponentials = exponentials;
  gradient.inverse_sum = inverse_sum;
  gradient.labels = op.labels;
  gradient.items = op.items;
  gradient.shifted = op.shifted;
  backward.add_op(op.logits, op.loss, gradient);
}

ValueId add_cross_entropy(Graph& graph, const std::string& name, ValueId logits, ValueId labels,
                          bool shifted, std::optional<ValueId> items) {
  CrossEntropy op;
  op.logits = logits;
  op.labels = labels;
  op.items = items;
  op.shifted = shifted;
  const std::vector<Shape> shapes = infer_shapes(graph, name, op);
  op.loss = add_value(graph, {name, shapes[0], DType::F32, Role::kIntermediate});
  graph.ops.push_back(op);
  return op.loss;
}

}  // namespace corank
