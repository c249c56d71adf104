#include "models/ops/scale_by.h"

#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const ScaleBy& op) {
  const Value& factor = existing_operand(graph, op.factor, name);
  require_dtype(factor, {DType::F32}, name);
  require_shape(factor, {1}, name);
  return {float_operand(graph, op.in, name).shape};
}

template <class T>
void run(const ScaleBy& op, Arrays<T>& arrays) {
  const T* in = arrays.floats(op.in);
  const T factor = *arrays.floats(op.factor);
  T* out = arrays.result(op.out);
  for (std::int64_t i = 0; i < arrays.elements(op.in); ++i) out[i] = element_of(op, in[i], factor);
}
template void run(const ScaleBy& op, Arrays<float>& arrays);
template void run(const ScaleBy& op, Arrays<double>& arrays);

ValueId add_scale_by(Graph& graph, const std::string& name, ValueId in, ValueId factor,
                     DType dtype) {
  return add_single(graph, name, ScaleBy{in, factor, -1}, dtype);
}

}  // namespace corank
