#include "models/ops/clip_gradients.h"

#include <algorithm>
#include <cmath>

#include "models/base/numerics.h"
#include "models/numerics/functions.h"
#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {
namespace {

/// `sum`, a chain, goes on with the squares of a gradient, row by row.
template <class T>
T with_squares(T sum, const T* elements, std::int64_t rows, std::int64_t columns) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const T* x = elements + row * columns;
    sum = sum + sum_of_row<T>(columns, [=](std::int64_t i) { return x[i] * x[i]; });
  }
  return sum;
}

}  // namespace

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const ClipGradients& op) {
  std::vector<Shape> shapes;
  for (const ValueId id : op.in) {
    const Value& gradient = existing_operand(graph, id, name);
    require_dtype(gradient, {DType::F32}, name);
    shapes.push_back(gradient.shape);
  }
  return shapes;
}

template <class T>
void run(const ClipGradients& op, Arrays<T>& arrays) {
  T squares = 0;
  for (const ValueId id : op.in)
    squares = with_squares(squares, arrays.floats(id), arrays.rows(id), arrays.columns(id));
  const T factor = clip_factor(std::sqrt(squares), static_cast<T>(op.most));
  for (std::size_t i = 0; i < op.in.size(); ++i) {
    const T* in = arrays.floats(op.in[i]);
    const std::int64_t count = arrays.elements(op.in[i]);
    std::transform(in, in + count, arrays.result(op.out[i]), [=](T x) { return x * factor; });
  }
}
template void run(const ClipGradients& op, Arrays<float>& arrays);
template void run(const ClipGradients& op, Arrays<double>& arrays);

float global_norm(const std::vector<const Tensor*>& gradients) {
  const FloatEnvironment environment;
  float squares = 0;
  for (const Tensor* gradient : gradients) {
    const std::int64_t columns = gradient->shape.back();
    squares = with_squares(squares, gradient->data<float>(),
                           element_count(gradient->shape) / columns, columns);
  }
  return std::sqrt(squares);
}

std::vector<ValueId> add_clip_gradients(Graph& graph, const std::vector<ValueId>& gradients,
                                        double most) {
  ClipGradients op{gradients, {}, most};
  for (const ValueId id : gradients) {
    const Value gradient = graph.value(id);
    op.out.push_back(add_value(
        graph, {gradient.name + ".clipped", gradient.shape, DType::F32, Role::kIntermediate},
        update_of(gradient.origin)));
  }
  graph.ops.push_back(op);
  return op.out;
}

}  // namespace corank
