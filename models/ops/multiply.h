// Elementwise products.
#pragma once

#include "models/ops/op.h"

namespace corank {

/// out = left * right; the rows of right are used again and again, as Add does it.
struct Multiply {
  ValueId left = -1, right = -1, out = -1;

  static constexpr OpTraits kTraits = {"multiply"};
  using Operands = Fields<&Multiply::left, &Multiply::right>;
  using Results = Fields<&Multiply::out>;
};

template <class T>
T element_of(const Multiply&, const T& left, const T& right) {
  return left * right;
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Multiply& op);
template <class T>
void run(const Multiply& op, Arrays<T>& arrays);
void pull_back(Backward& backward, const Multiply& op, ValueId gradient);

ValueId add_multiply(Graph& graph, const std::string& name, ValueId left, ValueId right,
                     DType dtype = DType::BF16);

}  // namespace corank
