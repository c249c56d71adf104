#include "models/ops/rope.h"

#include <cmath>
#include <utility>

#include "models/graph/backward.h"
#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Rope& op) {
  const Value& in = float_operand(graph, op.in, name);
  require(in.shape.size() == 3 &&
              columns_of(in) == 2 * static_cast<std::int64_t>(op.frequencies.size()),
          in, "[batch, positions, " + std::to_string(2 * op.frequencies.size()) + "]", name);
  return {in.shape};
}

template <class T>
RopeTables<T> rope_tables(const Rope& op, std::int64_t positions) {
  RopeTables<T> tables;
  for (std::int64_t p = 0; p < positions; ++p) {
    for (const float frequency : op.frequencies) {
      const T angle = static_cast<T>(p) * static_cast<T>(frequency);
      const T sine = static_cast<T>(std::sin(static_cast<double>(angle)));
      tables.cosines.push_back(static_cast<T>(std::cos(static_cast<double>(angle))));
      tables.sines.push_back(op.inverse ? -sine : sine);
    }
  }
  return tables;
}
template RopeTables<float> rope_tables(const Rope& op, std::int64_t positions);
template RopeTables<double> rope_tables(const Rope& op, std::int64_t positions);

template <class T>
void run(const Rope& op, Arrays<T>& arrays) {
  const Shape& shape = arrays.shape(op.in);
  const std::int64_t positions = shape[1];
  const auto half = static_cast<std::int64_t>(op.frequencies.size());
  const RopeTables<T> tables = rope_tables<T>(op, positions);
  for (std::int64_t row = 0; row < shape[0] * positions; ++row) {
    const T* in = arrays.floats(op.in) + row * 2 * half;
    T* out = arrays.result(op.out) + row * 2 * half;
    const T* c = tables.cosines.data() + row % positions * half;
    const T* s = tables.sines.data() + row % positions * half;
    for (std::int64_t j = 0; j < half; ++j) {
      const Rotated<T> both = rotated(in[j], in[j + half], c[j], s[j]);
      out[j] = both.low;
      out[j + half] = both.high;
    }
  }
}
template void run(const Rope& op, Arrays<float>& arrays);
template void run(const Rope& op, Arrays<double>& arrays);

void pull_back(Backward& backward, const Rope& op, ValueId gradient) {
  backward.add_op(op.in, op.out, Rope{gradient, -1, op.frequencies, !op.inverse});
}

ValueId add_rope(Graph& graph, const std::string& name, ValueId in, std::vector<float> frequencies,
                 bool inverse, DType dtype) {
  return add_single(graph, name, Rope{in, -1, std::move(frequencies), inverse}, dtype);
}

}  // namespace corank
