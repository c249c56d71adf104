#include "models/ops/clip_gradients.h"

#include <algorithm>
#include <cmath>

#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {
namespace {

template <class T>
void add_squares(double& sum, const T* elements, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i)
    sum += static_cast<double>(elements[i]) * static_cast<double>(elements[i]);
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
  double squares = 0;
  for (const ValueId id : op.in) add_squares(squares, arrays.floats(id), arrays.elements(id));
  const double limited = std::min(1.0, op.most / (std::sqrt(squares) + 1e-6));
  const auto factor = static_cast<T>(static_cast<float>(limited));
  for (std::size_t i = 0; i < op.in.size(); ++i) {
    const T* in = arrays.floats(op.in[i]);
    const std::int64_t count = arrays.elements(op.in[i]);
    std::transform(in, in + count, arrays.result(op.out[i]), [=](T x) { return x * factor; });
  }
}
template void run(const ClipGradients& op, Arrays<float>& arrays);
template void run(const ClipGradients& op, Arrays<double>& arrays);

double global_norm(const std::vector<const Tensor*>& gradients) {
  double squares = 0;
  for (const Tensor* gradient : gradients)
    add_squares(squares, gradient->data<float>(), element_count(gradient->shape));
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
