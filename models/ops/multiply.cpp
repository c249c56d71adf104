#include "models/ops/multiply.h"

#include "models/graph/backward.h"
#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Multiply& op) {
  return {require_rows(graph, name, op.left, op.right)};
}

template <class T>
void run(const Multiply& op, Arrays<T>& arrays) {
  run_with_rows(op, arrays);
}
template void run(const Multiply& op, Arrays<float>& arrays);
template void run(const Multiply& op, Arrays<double>& arrays);

void pull_back(Backward& backward, const Multiply& op, ValueId gradient) {
  Graph& graph = backward.graph();
  backward.add_op(op.left, op.out, Multiply{gradient, op.right, -1});
  if (graph.value(op.right).shape == graph.value(op.left).shape) {
    backward.add_op(op.right, op.out, Multiply{gradient, op.left, -1});
  } else if (backward.needs(op.right)) {
    const ValueId product = backward.temporary(op.right, graph.value(op.out).name + ".dproduct",
                                               graph.value(op.left).shape);
    graph.ops.push_back(Multiply{gradient, op.left, product});
    backward.add_op(op.right, op.out, SumRows{product, -1, rows_of(graph.value(op.right))});
  }
}

ValueId add_multiply(Graph& graph, const std::string& name, ValueId left, ValueId right,
                     DType dtype) {
  return add_single(graph, name, Multiply{left, right, -1}, dtype);
}

}  // namespace corank
