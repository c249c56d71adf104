#include "models/ops/sum_rows.h"

#include "models/graph/backward.h"
#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const SumRows& op) {
  const Value& in = float_operand(graph, op.in, name);
  require(op.period >= 1 && rows_of(in) % op.period == 0, in,
          "a multiple of " + std::to_string(op.period) + " rows", name);
  return {op.period == 1 ? Shape{columns_of(in)} : Shape{op.period, columns_of(in)}};
}

void check_results(const Graph& graph, const SumRows& op) {
  const Value& out = float_operand(graph, op.out, "sum_rows");
  const Shape shape = infer_shapes(graph, out.name, op).front();
  if (op.period == 1 && out.shape == Shape{1, shape.front()}) return;
  require_shape(out, shape, out.name);
}

template <class T>
void run(const SumRows& op, Arrays<T>& arrays) {
  const std::int64_t columns = arrays.columns(op.in);
  for (std::int64_t row = 0; row < arrays.rows(op.in); ++row) {
    const T* in = arrays.floats(op.in) + row * columns;
    T* sum = arrays.result(op.out) + row % op.period * columns;
    for (std::int64_t i = 0; i < columns; ++i) sum[i] = sum[i] + in[i];
  }
}
template void run(const SumRows& op, Arrays<float>& arrays);
template void run(const SumRows& op, Arrays<double>& arrays);

void pull_back(Backward& backward, const SumRows& op, ValueId gradient) {
  Graph& graph = backward.graph();
  if (!backward.needs(op.in)) return;
  // Every row gets the gradient of its sum: 0 + gradient, the rows of which are used again.
  const ValueId zero =
      backward.temporary(op.in, graph.value(op.out).name + ".zero", graph.value(op.in).shape);
  graph.ops.push_back(Scale{op.in, zero, 0.0f});
  backward.add_op(op.in, op.out, Add{zero, gradient, -1});
}

ValueId add_sum_rows(Graph& graph, const std::string& name, ValueId in, std::int64_t period,
                     DType dtype) {
  return add_single(graph, name, SumRows{in, -1, period}, dtype);
}

}  // namespace corank
