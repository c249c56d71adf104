#include "models/ops/inverse_row_norms.h"

#include "host/compiler/ops/regions.h"

namespace corank {

OpLowering lowering_of(const Graph& graph, const InverseRowNorms& op) {
  Recorder recorder;
  const Recorded squares = sum_of_squares(recorder, 0);
  recorder.store(1, once_a_row(recorder, [&] { return reciprocal_root(squares); }));
  return over_region(
      reduced_rows(graph, op.in, {elements(op.in), column_result(op.out)}, recorder));
}

}  // namespace corank
