// A factor that is fed.
#pragma once

#include "models/ops/op.h"

namespace corank {

/// out = in * factor, of one shape; the factor is F32 [1]. Gradients are weighted so, after the
/// backward pass: there is no derivative.
struct ScaleBy {
  ValueId in = -1, factor = -1, out = -1;

  static constexpr OpTraits kTraits = {"scale_by"};
  using Operands = Fields<&ScaleBy::in, &ScaleBy::factor>;
  using Results = Fields<&ScaleBy::out>;
};

/// Number is that of the factor: float, or what records an operand that is fed.
template <class T, class Number>
T element_of(const ScaleBy& /*op*/, const T& in, const Number& factor) {
  return in * factor;
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const ScaleBy& op);
template <class T>
void run(const ScaleBy& op, Arrays<T>& arrays);

ValueId add_scale_by(Graph& graph, const std::string& name, ValueId in, ValueId factor,
                     DType dtype);

}  // namespace corank
