#include "models/ops/clip_gradients.h"

#include <algorithm>

#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const ClipGradients& op) {
  const Value& norm = existing_operand(graph, op.norm, name);
  require_dtype(norm, {DType::F32}, name);
  require(element_count(norm.shape) == 1, norm, "one number", name);
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
  const T factor = clip_factor(*arrays.floats(op.norm), static_cast<T>(op.most));
  for (std::size_t i = 0; i < op.in.size(); ++i) {
    const T* in = arrays.floats(op.in[i]);
    const std::int64_t count = arrays.elements(op.in[i]);
    std::transform(in, in + count, arrays.result(op.out[i]), [=](T x) { return x * factor; });
  }
}
template void run(const ClipGradients& op, Arrays<float>& arrays);
template void run(const ClipGradients& op, Arrays<double>& arrays);

std::vector<ValueId> add_clip_gradients(Graph& graph, const std::vector<ValueId>& gradients,
                                        ValueId norm, double most) {
  ClipGradients op{gradients, norm, {}, most};
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
