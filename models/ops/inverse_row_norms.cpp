#include "models/ops/inverse_row_norms.h"

#include "models/graph/graph.h"
#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const InverseRowNorms& op) {
  const Value& in = existing_operand(graph, op.in, name);
  require_dtype(in, {DType::F32}, name);
  require(in.shape.size() == 2, in, "a matrix", name);
  return {{rows_of(in)}};
}

template <class T>
void run(const InverseRowNorms& op, Arrays<T>& arrays) {
  const std::int64_t columns = arrays.columns(op.in);
  for (std::int64_t row = 0; row < arrays.rows(op.in); ++row) {
    const T* x = arrays.floats(op.in) + row * columns;
    const T squares = sum_of_row<T>(columns, [=](std::int64_t i) { return x[i] * x[i]; });
    arrays.result(op.out)[row] = reciprocal_root(squares);
  }
}
template void run(const InverseRowNorms& op, Arrays<float>& arrays);
template void run(const InverseRowNorms& op, Arrays<double>& arrays);

ValueId add_inverse_row_norms(Graph& graph, const std::string& name, ValueId in) {
  return add_single(graph, name, InverseRowNorms{in, -1}, DType::F32);
}

}  // namespace corank
