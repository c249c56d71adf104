// A constant factor.
#pragma once

#include "models/ops/op.h"

namespace corank {

/// out = factor * in, of one shape.
struct Scale {
  ValueId in = -1, out = -1;
  float factor = 1.0f;

  static constexpr OpTraits kTraits = {"scale"};
  using Operands = Fields<&Scale::in>;
  using Results = Fields<&Scale::out>;
};

template <class T>
T element_of(const Scale& op, const T& in) {
  return in * op.factor;
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Scale& op);
template <class T>
void run(const Scale& op, Arrays<T>& arrays);
void pull_back(Backward& backward, const Scale& op, ValueId gradient);

/// Throws InputError if the factor is not finite.
ValueId add_scale(Graph& graph, const std::string& name, ValueId in, float factor,
                  DType dtype = DType::BF16);

}  // namespace corank
