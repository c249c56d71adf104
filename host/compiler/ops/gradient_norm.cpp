#include "models/ops/gradient_norm.h"

#include "host/compiler/ops/regions.h"

namespace corank {

OpLowering lowering_of(const Graph& graph, const SquareSums& op) {
  Recorder recorder;
  {
    const Recorded sum = sum_of_squares(recorder, 0);
    recorder.store(1, sum);
  }
  return over_region(
      oriented(reduced_rows(graph, op.in, {elements(op.in), column_result(op.out)}, recorder),
               op.by_columns));
}

OpLowering lowering_of(const Graph& graph, const GradientNorm& op) {
  constexpr ValueId kSum = extra_id(0);
  OpLowering lowering;
  lowering.extras = {{"sum of squares", DType::F32, 1, 1, {}}};
  lowering.passes.push_back(over_vector(
      graph.value(op.sums).shape.back(), {column(op.sums), row_result(kSum)},
      {sum_over_rows(whole_blocks(2), [](Recorder& recorder) { return recorder.load(0); })}));
  Recorder root;
  root.store(1, sqrt(root.load(0)));
  lowering.passes.push_back(over_vector(1, {scalar(kSum), scalar_result(op.out)},
                                        {{Walk::kElements, whole_blocks(2), root.program(), {}}}));
  return lowering;
}

}  // namespace corank
