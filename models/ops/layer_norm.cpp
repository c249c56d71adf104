#include "models/ops/layer_norm.h"

#include "models/base/error.h"
#include "models/base/text.h"
#include "models/graph/backward.h"
#include "models/numerics/functions.h"
#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const LayerNorm& op) {
  const Value& in = float_operand(graph, op.in, name);
  require(in.shape.size() == 2, in, "a matrix", name);
  require_shape(float_operand(graph, op.weight, name), {columns_of(in)}, name);
  require_shape(float_operand(graph, op.bias, name), {columns_of(in)}, name);
  if (!(op.eps > 0)) {
    throw InputError(name + ": expected an eps above 0, found " + short_number(op.eps));
  }
  return {in.shape, in.shape, {in.shape[0]}};
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const LayerNormGradient& op) {
  const Value& in = float_operand(graph, op.normalized, name);
  require_shape(float_operand(graph, op.gradient, name), in.shape, name);
  require_shape(float_operand(graph, op.inverse_std, name), {rows_of(in)}, name);
  require_shape(float_operand(graph, op.weight, name), {columns_of(in)}, name);
  return {in.shape};
}

template <class T>
void run(const LayerNorm& op, Arrays<T>& arrays) {
  const std::int64_t columns = arrays.columns(op.in);
  const auto count = static_cast<T>(columns);
  const T* weight = arrays.floats(op.weight);
  const T* bias = arrays.floats(op.bias);
  for (std::int64_t row = 0; row < arrays.rows(op.in); ++row) {
    const T* x = arrays.floats(op.in) + row * columns;
    T* out = arrays.result(op.out) + row * columns;
    T* normalized = arrays.result(op.normalized) + row * columns;
    const T mean = sum_of_row<T>(columns, [&](std::int64_t i) { return x[i]; }) / count;
    const T squares =
        sum_of_row<T>(columns, [&](std::int64_t i) { return squared_distance(x[i], mean); });
    const T r = inverse_std_of(squares, count, static_cast<T>(op.eps));
    arrays.result(op.inverse_std)[row] = r;
    for (std::int64_t i = 0; i < columns; ++i) {
      normalized[i] = layer_normalized(x[i], mean, r);
      out[i] = scaled_and_shifted(normalized[i], weight[i], bias[i]);
    }
  }
}
template void run(const LayerNorm& op, Arrays<float>& arrays);
template void run(const LayerNorm& op, Arrays<double>& arrays);

template <class T>
void run(const LayerNormGradient& op, Arrays<T>& arrays) {
  const std::int64_t columns = arrays.columns(op.normalized);
  const auto count = static_cast<T>(columns);
  const T* weight = arrays.floats(op.weight);
  for (std::int64_t row = 0; row < arrays.rows(op.normalized); ++row) {
    const T* n = arrays.floats(op.normalized) + row * columns;
    const T* gradient = arrays.floats(op.gradient) + row * columns;
    T* out = arrays.result(op.out) + row * columns;
    const T r = arrays.floats(op.inverse_std)[row];
    const T mean =
        sum_of_row<T>(columns, [&](std::int64_t i) { return gradient[i] * weight[i]; }) / count;
    const T projection = sum_of_row<T>(columns,
                                       [&](std::int64_t i) {
                                         return layer_norm_projection(gradient[i], weight[i], n[i]);
                                       }) /
                         count;
    for (std::int64_t i = 0; i < columns; ++i) {
      out[i] = layer_norm_slope(gradient[i], weight[i], n[i], r, mean, projection);
    }
  }
}
template void run(const LayerNormGradient& op, Arrays<float>& arrays);
template void run(const LayerNormGradient& op, Arrays<double>& arrays);

void pull_back(Backward& backward, const LayerNorm& op, ValueId gradient) {
  Graph& graph = backward.graph();
  backward.add_op(op.in, op.out,
                  LayerNormGradient{gradient, op.normalized, op.inverse_std, op.weight, -1});
  if (backward.needs(op.weight)) {
    const ValueId product = backward.temporary(op.weight, graph.value(op.out).name + ".dproduct",
                                               graph.value(op.out).shape);
    graph.ops.push_back(Multiply{gradient, op.normalized, product});
    backward.add_op(op.weight, op.out, SumRows{product, -1, 1});
  }
  backward.add_op(op.bias, op.out, SumRows{gradient, -1, 1});
}

ValueId add_layer_norm(Graph& graph, const std::string& name, ValueId in, ValueId weight,
                       ValueId bias, double eps, DType dtype) {
  LayerNorm op;
  op.in = in;
  op.weight = weight;
  op.bias = bias;
  op.eps = eps;
  const std::vector<Shape> shapes = infer_shapes(graph, name, op);
  op.out = add_value(graph, {name, shapes[0], dtype, Role::kIntermediate});
  op.normalized = add_value(graph, {name + ".normalized", shapes[1], dtype, Role::kIntermediate});
  op.inverse_std =
      add_value(graph, {name + ".inverse_std", shapes[2], DType::F32, Role::kIntermediate});
  graph.ops.push_back(op);
  return op.out;
}

}  // namespace corank
