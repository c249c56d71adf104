#include "models/ops/gradient_norm.h"

#include <cmath>
#include <numeric>

#include "models/numerics/functions.h"
#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const SquareSums& op) {
  const Value& gradient = existing_operand(graph, op.in, name);
  require_dtype(gradient, {DType::F32}, name);
  require(!op.by_columns || gradient.shape.size() == 2, gradient, "a matrix", name);
  return {{1, op.by_columns ? columns_of(gradient) : rows_of(gradient)}};
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const GradientNorm& op) {
  const Value& sums = existing_operand(graph, op.sums, name);
  require_dtype(sums, {DType::F32}, name);
  require(rows_of(sums) == 1, sums, "one row", name);
  return {{1}};
}

template <class T>
void run(const SquareSums& op, Arrays<T>& arrays) {
  const T* in = arrays.floats(op.in);
  const std::int64_t rows = arrays.rows(op.in), columns = arrays.columns(op.in);
  const std::int64_t count = op.by_columns ? rows : columns;  // of the squares of a sum
  const std::int64_t apart = op.by_columns ? columns : 1;     // two of these
  const std::int64_t next = op.by_columns ? 1 : columns;      // those of two sums
  for (std::int64_t sum = 0; sum < arrays.elements(op.out); ++sum) {
    const T* x = in + sum * next;
    arrays.result(op.out)[sum] =
        sum_of_row<T>(count, [=](std::int64_t i) { return x[i * apart] * x[i * apart]; });
  }
}
template void run(const SquareSums& op, Arrays<float>& arrays);
template void run(const SquareSums& op, Arrays<double>& arrays);

template <class T>
void run(const GradientNorm& op, Arrays<T>& arrays) {
  const T* sums = arrays.floats(op.sums);
  *arrays.result(op.out) = std::sqrt(std::accumulate(sums, sums + arrays.elements(op.sums), T(0)));
}
template void run(const GradientNorm& op, Arrays<float>& arrays);
template void run(const GradientNorm& op, Arrays<double>& arrays);

ValueId add_gradient_norm(Graph& graph, const std::string& name,
                          const std::vector<NormedGradient>& gradients) {
  const Origin origin = graph.origin;
  std::vector<ValueId> sums;
  for (const auto& [gradient, by_columns] : gradients) {
    graph.origin = update_of(graph.value(gradient).origin);
    sums.push_back(add_single(graph, graph.value(gradient).name + ".squares",
                              SquareSums{gradient, -1, by_columns}, DType::F32));
  }
  graph.origin = origin;
  const ValueId all =
      sums.size() == 1 ? sums.front() : add_concat(graph, name + ".squares", sums, 1, DType::F32);
  return add_single(graph, name, GradientNorm{all, -1}, DType::F32);
}

}  // namespace corank
