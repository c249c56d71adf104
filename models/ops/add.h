// Elementwise sums.
#pragma once

#include "models/ops/op.h"

namespace corank {

/// out = left + right. The rows of right (all dimensions but the last; a vector is one row) divide
/// those of left and are used again and again: row i of left meets row i mod rows(right). So it
/// adds a bias, or one table of positions to every sequence.
struct Add {
  ValueId left = -1, right = -1, out = -1;

  static constexpr OpTraits kTraits = {"add"};
  using Operands = Fields<&Add::left, &Add::right>;
  using Results = Fields<&Add::out>;
};

template <class T>
T element_of(const Add&, const T& left, const T& right) {
  return left + right;
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Add& op);
template <class T>
void run(const Add& op, Arrays<T>& arrays);
void pull_back(Backward& backward, const Add& op, ValueId gradient);

ValueId add_add(Graph& graph, const std::string& name, ValueId left, ValueId right,
                DType dtype = DType::BF16);

}  // namespace corank
