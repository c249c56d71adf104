// One over the L2 norm of each row: what DoRA divides a weight's rows by.
#pragma once

#include "models/numerics/functions.h"
#include "models/ops/op.h"

namespace corank {

/// out[i] = 1 / sqrt(sum of the squares of row i), added up as sum_of_row() does it. A constant to
/// the derivative (Liu et al., 2024, arXiv 2402.09353, section 4.3).
struct InverseRowNorms {
  ValueId in = -1, out = -1;  // [rows, columns], [rows], F32

  static constexpr OpTraits kTraits = {"inverse_row_norms", Recompute::kNever, OpClass::kDetached};
  using Operands = Fields<&InverseRowNorms::in>;
  using Results = Fields<&InverseRowNorms::out>;
};

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const InverseRowNorms& op);
template <class T>
void run(const InverseRowNorms& op, Arrays<T>& arrays);

ValueId add_inverse_row_norms(Graph& graph, const std::string& name, ValueId in);

}  // namespace corank
