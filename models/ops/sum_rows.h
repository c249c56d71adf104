// Reductions over rows: the gradient of a bias, or of a table that was added again and again.
#pragma once

#include <cstdint>

#include "models/ops/op.h"

namespace corank {

/// out row i = sum, ascending, of the rows of in whose number is i modulo `period`. A period of 1
/// gives a vector [columns], or a matrix of one row if that is what it is the gradient of.
struct SumRows {
  ValueId in = -1, out = -1;  // [rows, columns] (or more dimensions), [period, columns]
  std::int64_t period = 1;

  static constexpr OpTraits kTraits = {"sum_rows"};
  using Operands = Fields<&SumRows::in>;
  using Results = Fields<&SumRows::out>;
};

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const SumRows& op);
void check_results(const Graph& graph, const SumRows& op);
template <class T>
void run(const SumRows& op, Arrays<T>& arrays);
void pull_back(Backward& backward, const SumRows& op, ValueId gradient);

ValueId add_sum_rows(Graph& graph, const std::string& name, ValueId in, std::int64_t period,
                     DType dtype = DType::F32);

}  // namespace corank
