#include "models/ops/softmax.h"

#include <algorithm>
#include <optional>

#include "models/graph/backward.h"
#include "models/numerics/functions.h"
#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {
namespace {

/// The scores of a row, masked ones set to one finite number.
template <class T>
void mask_row(const T* scores, std::int64_t keys, std::optional<std::int64_t> last_key,
              const std::int64_t* mask, T* row) {
  std::copy_n(scores, keys, row);
  if (last_key) {
    const auto last = static_cast<std::int32_t>(*last_key);
    for (std::int32_t j = 0; j < keys; ++j) row[j] = masked(int_less(last, j), row[j]);
  }
  if (mask != nullptr) {
    for (std::int64_t j = 0; j < keys; ++j) row[j] = masked(int_equal(mask[j] != 0, 0), row[j]);
  }
}

/// The same of row r of all queries' scores, of either softmax.
template <class X, class T>
void mask_row_of(const X& op, Arrays<T>& arrays, std::int64_t r, T* row) {
  const Shape& shape = arrays.shape(op.scores);
  const std::int64_t queries = shape[1], keys = shape[2];
  const std::int64_t heads = op.mask ? shape[0] / arrays.shape(*op.mask)[0] : 1;
  const std::int64_t* mask =
      op.mask ? arrays.integers(*op.mask) + r / queries / heads * keys : nullptr;
  mask_row(arrays.floats(op.scores) + r * keys, keys,
           op.causal ? std::optional(r % queries) : std::nullopt, mask, row);
}

template <class X>
Shape shape_of_scores(const Graph& graph, const std::string& name, const X& op) {
  const Value& scores = float_operand(graph, op.scores, name);
  require(scores.shape.size() == 3, scores, "[batch * heads, queries, keys]", name);
  if (op.mask) {
    const Value& mask = integer_operand(graph, *op.mask, name);
    require(mask.shape.size() == 2 && mask.shape[1] == scores.shape[2] &&
                scores.shape[0] % mask.shape[0] == 0,
            mask, "a mask [batch, keys] of the scores " + to_string(scores.shape), name);
  }
  return scores.shape;
}

}  // namespace

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Softmax& op) {
  const Shape shape = shape_of_scores(graph, name, op);
  std::vector<Shape> shapes{shape};
  if (op.largest) shapes.insert(shapes.end(), 2, {shape[0], shape[1]});
  if (op.narrow) shapes.push_back(shape);
  return shapes;
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const SoftmaxFromStatistics& op) {
  const Shape shape = shape_of_scores(graph, name, op);
  for (const ValueId id : {op.largest, op.inverse_sum}) {
    const Value& statistic = float_operand(graph, id, name);
    require_dtype(statistic, {DType::F32}, name);
    require_shape(statistic, {shape[0], shape[1]}, name);
  }
  return {shape};
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const SoftmaxGradient& op) {
  const Value& probabilities = float_operand(graph, op.probabilities, name);
  require_shape(float_operand(graph, op.gradient, name), probabilities.shape, name);
  return std::vector<Shape>(op.narrow ? 2 : 1, probabilities.shape);
}

template <class T>
void run(const Softmax& op, Arrays<T>& arrays) {
  const std::int64_t keys = arrays.columns(op.scores);
  for (std::int64_t r = 0; r < arrays.rows(op.scores); ++r) {
    T* out = arrays.result(op.out) + r * keys;
    mask_row_of(op, arrays, r, out);
    const T largest = maximum_of_row<T>(keys, [=](std::int64_t j) { return out[j]; });
    for_each_element(keys, [=](std::int64_t j) { out[j] = softmax_exponential(out[j], largest); });
    const T inverse = T(1) / sum_of_row<T>(keys, [=](std::int64_t j) { return out[j]; });
    for (std::int64_t j = 0; j < keys; ++j) out[j] = out[j] * inverse;
    if (op.narrow) std::copy_n(out, keys, arrays.result(*op.narrow) + r * keys);
    if (!op.largest) continue;
    arrays.result(*op.largest)[r] = largest;
    arrays.result(*op.inverse_sum)[r] = inverse;
  }
}
template void run(const Softmax& op, Arrays<float>& arrays);
template void run(const Softmax& op, Arrays<double>& arrays);

template <class T>
void run(const SoftmaxFromStatistics& op, Arrays<T>& arrays) {
  const std::int64_t keys = arrays.columns(op.scores);
  for (std::int64_t r = 0; r < arrays.rows(op.scores); ++r) {
    T* out = arrays.result(op.out) + r * keys;
    mask_row_of(op, arrays, r, out);
    const T largest = arrays.floats(op.largest)[r], inverse = arrays.floats(op.inverse_sum)[r];
    for_each_element(
        keys, [=](std::int64_t j) { out[j] = softmax_exponential(out[j], largest) * inverse; });
  }
}
template void run(const SoftmaxFromStatistics& op, Arrays<float>& arrays);
template void run(const SoftmaxFromStatistics& op, Arrays<double>& arrays);

template <class T>
void run(const SoftmaxGradient& op, Arrays<T>& arrays) {
  const std::int64_t columns = arrays.columns(op.probabilities);
  for (std::int64_t row = 0; row < arrays.rows(op.probabilities); ++row) {
    const T* p = arrays.floats(op.probabilities) + row * columns;
    const T* gradient = arrays.floats(op.gradient) + row * columns;
    T* out = arrays.result(op.out) + row * columns;
    const T sum = sum_of_row<T>(columns, [=](std::int64_t i) { return gradient[i] * p[i]; });
    for (std::int64_t i = 0; i < columns; ++i) out[i] = softmax_slope(p[i], gradient[i], sum);
    if (op.narrow) std::copy_n(p, columns, arrays.result(*op.narrow) + row * columns);
  }
}
template void run(const SoftmaxGradient& op, Arrays<float>& arrays);
template void run(const SoftmaxGradient& op, Arrays<double>& arrays);

void pull_back(Backward& backward, const Softmax& op, ValueId gradient) {
  backward.add_op(op.scores, op.out, SoftmaxGradient{gradient, op.out, -1, {}});
}

ValueId add_softmax(Graph& graph, const std::string& name, ValueId scores,
                    std::optional<ValueId> mask, bool causal, DType dtype) {
  Softmax op;
  op.scores = scores;
  op.mask = mask;
  op.causal = causal;
  return add_single(graph, name, op, dtype);
}

void add_row_statistics(Graph& graph, Softmax& op) {
  const Value out = graph.value(op.out);
  const auto add = [&](const char* name) {
    return add_value(
        graph, {out.name + name, {out.shape[0], out.shape[1]}, DType::F32, Role::kIntermediate},
        out.origin);
  };
  op.largest = add(".largest");
  op.inverse_sum = add(".inverse_sum");
}

}  // namespace corank
