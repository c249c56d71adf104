// The L2 norm of all gradients together.
#pragma once

#include "models/ops/op.h"

namespace corank {

/// out[i] = the sum of the squares of row i (of the last dimension) or, by_columns, of column i, as
/// sum_of_row() adds them up. Both are F32.
struct SquareSums {
  ValueId in = -1, out = -1;  // out: [1, rows], or [1, columns]
  bool by_columns = false;    // of a matrix

  static constexpr OpTraits kTraits = {"square_sums"};
  using Operands = Fields<&SquareSums::in>;
  using Results = Fields<&SquareSums::out>;
};

/// out = the square root of the sums' sum, one chain, ascending from +0. Both are F32.
struct GradientNorm {
  ValueId sums = -1, out = -1;  // [1, count], [1]

  static constexpr OpTraits kTraits = {"gradient_norm"};
  using Operands = Fields<&GradientNorm::sums>;
  using Results = Fields<&GradientNorm::out>;
};

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const SquareSums& op);
std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const GradientNorm& op);
template <class T>
void run(const SquareSums& op, Arrays<T>& arrays);
template <class T>
void run(const GradientNorm& op, Arrays<T>& arrays);

/// A gradient, and which way its squares are summed up first.
struct NormedGradient {
  ValueId gradient = -1;
  bool by_columns = false;
};

/// The norm of all elements of all gradients together, [1], named `name`: the sums of the squares
/// of each row or column, ascending, and gradient by gradient, are one chain. A NaN makes it NaN.
ValueId add_gradient_norm(Graph& graph, const std::string& name,
                          const std::vector<NormedGradient>& gradients);

}  // namespace corank
