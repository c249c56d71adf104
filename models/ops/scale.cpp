#include "models/ops/scale.h"

#include <cmath>

#include "models/base/error.h"
#include "models/graph/backward.h"
#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Scale& op) {
  if (!std::isfinite(op.factor)) throw InputError(name + ": its factor is not finite");
  return {float_operand(graph, op.in, name).shape};
}

template <class T>
void run(const Scale& op, Arrays<T>& arrays) {
  const T* in = arrays.floats(op.in);
  T* out = arrays.result(op.out);
  for (std::int64_t i = 0; i < arrays.elements(op.in); ++i) {
    out[i] = element_of(op, in[i]);
  }
}
template void run(const Scale& op, Arrays<float>& arrays);
template void run(const Scale& op, Arrays<double>& arrays);

void pull_back(Backward& backward, const Scale& op, ValueId gradient) {
  backward.add_op(op.in, op.out, Scale{gradient, -1, op.factor});
}

ValueId add_scale(Graph& graph, const std::string& name, ValueId in, float factor, DType dtype) {
  return add_single(graph, name, Scale{in, -1, factor}, dtype);
}

}  // namespace corank
