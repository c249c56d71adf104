#include "models/ops/convert.h"

#include "models/base/error.h"
#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Convert& op) {
  const Value& in = existing_operand(graph, op.in, name);
  require_dtype(in, {DType::F32}, name);
  return {in.shape};
}

void check_results(const Graph& graph, const Convert& op) {
  const Value& out = existing_operand(graph, op.out, "a conversion");
  const Value& in = existing_operand(graph, op.in, out.name);
  infer_shapes(graph, out.name, op);
  require_dtype(out, {DType::BF16}, out.name);
  if (in.shape != out.shape) {
    throw InputError(out.name + ": expected the shape of " + typed(in) + ", found " +
                     to_string(out.shape));
  }
}

template <class T>
void run(const Convert& op, Arrays<T>& arrays) {
  const T* in = arrays.floats(op.in);
  T* out = arrays.result(op.out);
  for (std::int64_t i = 0; i < arrays.elements(op.in); ++i) out[i] = element_of(op, in[i]);
}
template void run(const Convert& op, Arrays<float>& arrays);
template void run(const Convert& op, Arrays<double>& arrays);

ValueId add_convert(Graph& graph, const std::string& name, ValueId in) {
  return add_single(graph, name, Convert{in, -1}, DType::BF16);
}

}  // namespace corank
