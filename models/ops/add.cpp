#include "models/ops/add.h"

#include "models/graph/backward.h"
#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Add& op) {
  return {require_rows(graph, name, op.left, op.right)};
}

template <class T>
void run(const Add& op, Arrays<T>& arrays) {
  run_with_rows(op, arrays);
}
template void run(const Add& op, Arrays<float>& arrays);
template void run(const Add& op, Arrays<double>& arrays);

void pull_back(Backward& backward, const Add& op, ValueId gradient) {
  backward.add_value(op.left, gradient);
  const Graph& graph = backward.graph();
  if (graph.value(op.right).shape == graph.value(op.left).shape) {
    backward.add_value(op.right, gradient);
  } else {
    backward.add_op(op.right, op.out, SumRows{gradient, -1, rows_of(graph.value(op.right))});
  }
}

ValueId add_add(Graph& graph, const std::string& name, ValueId left, ValueId right, DType dtype) {
  return add_single(graph, name, Add{left, right, -1}, dtype);
}

}  // namespace corank
