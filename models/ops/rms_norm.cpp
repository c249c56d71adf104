#include "models/ops/rms_norm.h"

#include "models/base/error.h"
#include "models/base/text.h"
#include "models/graph/backward.h"
#include "models/numerics/functions.h"
#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const RmsNorm& op) {
  const Value& in = float_operand(graph, op.in, name);
  require(in.shape.size() == 2, in, "a matrix", name);
  require_shape(float_operand(graph, op.weight, name), {columns_of(in)}, name);
  if (!(op.eps > 0)) {
    throw InputError(name + ": expected an eps above 0, found " + short_number(op.eps));
  }
  return {in.shape, {in.shape[0]}};
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const RmsNormGradient& op) {
  const Value& in = float_operand(graph, op.in, name);
  require_shape(float_operand(graph, op.gradient, name), in.shape, name);
  require_shape(float_operand(graph, op.inverse_rms, name), {rows_of(in)}, name);
  require_shape(float_operand(graph, op.weight, name), {columns_of(in)}, name);
  return {in.shape};
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const RmsNormWeightGradient& op) {
  const Value& in = float_operand(graph, op.in, name);
  require_shape(float_operand(graph, op.gradient, name), in.shape, name);
  require_shape(float_operand(graph, op.inverse_rms, name), {rows_of(in)}, name);
  return {{columns_of(in)}};
}

template <class T>
void run(const RmsNorm& op, Arrays<T>& arrays) {
  const std::int64_t columns = arrays.columns(op.in);
  const T* weight = arrays.floats(op.weight);
  for (std::int64_t row = 0; row < arrays.rows(op.in); ++row) {
    const T* x = arrays.floats(op.in) + row * columns;
    T* out = arrays.result(op.out) + row * columns;
    const T squares = sum_of_row<T>(columns, [&](std::int64_t i) { return x[i] * x[i]; });
    const T r = inverse_rms_of(squares, static_cast<T>(columns), static_cast<T>(op.eps));
    arrays.result(op.inverse_rms)[row] = r;
    for (std::int64_t i = 0; i < columns; ++i) out[i] = rms_normalized(x[i], r, weight[i]);
  }
}
template void run(const RmsNorm& op, Arrays<float>& arrays);
template void run(const RmsNorm& op, Arrays<double>& arrays);

template <class T>
void run(const RmsNormGradient& op, Arrays<T>& arrays) {
  const std::int64_t columns = arrays.columns(op.in);
  const T* weight = arrays.floats(op.weight);
  for (std::int64_t row = 0; row < arrays.rows(op.in); ++row) {
    const T* x = arrays.floats(op.in) + row * columns;
    const T* gradient = arrays.floats(op.gradient) + row * columns;
    T* out = arrays.result(op.out) + row * columns;
    const T r = arrays.floats(op.inverse_rms)[row];
    const T mean = sum_of_row<T>(columns,
                                 [&](std::int64_t i) {
                                   return rms_norm_projection(gradient[i], weight[i], x[i], r);
                                 }) /
                   static_cast<T>(columns);
    for (std::int64_t i = 0; i < columns; ++i) {
      out[i] = rms_norm_slope(gradient[i], weight[i], x[i], r, mean);
    }
  }
}
template void run(const RmsNormGradient& op, Arrays<float>& arrays);
template void run(const RmsNormGradient& op, Arrays<double>& arrays);

template <class T>
void run(const RmsNormWeightGradient& op, Arrays<T>& arrays) {
  const std::int64_t columns = arrays.columns(op.in);
  T* out = arrays.result(op.out);
  for (std::int64_t row = 0; row < arrays.rows(op.in); ++row) {
    const T* x = arrays.floats(op.in) + row * columns;
    const T* gradient = arrays.floats(op.gradient) + row * columns;
    const T r = arrays.floats(op.inverse_rms)[row];
    for (std::int64_t i = 0; i < columns; ++i)
      out[i] = out[i] + rms_norm_weight_slope(gradient[i], x[i], r);
  }
}
template void run(const RmsNormWeightGradient& op, Arrays<float>& arrays);
template void run(const RmsNormWeightGradient& op, Arrays<double>& arrays);

void pull_back(Backward& backward, const RmsNorm& op, ValueId gradient) {
  backward.add_op(op.in, op.out, RmsNormGradient{gradient, op.in, op.inverse_rms, op.weight, -1});
  backward.add_op(op.weight, op.out, RmsNormWeightGradient{gradient, op.in, op.inverse_rms, -1});
}

ValueId add_rms_norm(Graph& graph, const std::string& name, ValueId in, ValueId weight, double eps,
                     DType dtype) {
  RmsNorm op;
  op.in = in;
  op.weight = weight;
  op.eps = eps;
  const std::vector<Shape> shapes = infer_shapes(graph, name, op);
  op.out = add_value(graph, {name, shapes[0], dtype, Role::kIntermediate});
  op.inverse_rms =
      add_value(graph, {name + ".inverse_rms", shapes[1], DType::F32, Role::kIntermediate});
  graph.ops.push_back(op);
  return op.out;
}

}  // namespace corank
