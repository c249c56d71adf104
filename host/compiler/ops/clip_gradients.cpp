#include "models/ops/clip_gradients.h"

#include "host/compiler/ops/regions.h"

namespace corank {
namespace {

enum { kSquares, kFactor, kFirstRows };  // extras: the sum of all squares, the factor, sums of rows

// The sums of squares of a gradient's rows, to an extra.
RegionPass squares_of_rows(const Graph& graph, ValueId gradient, ValueId sums) {
  Recorder recorder;
  const Recorded sum = sum_of_squares(recorder, 0);
  recorder.store(1, sum);
  return reduced_rows(graph, gradient, {elements(gradient), column_result(sums)}, recorder);
}

// The chain over them goes on from the gradient before.
RegionPass chain_of(std::int64_t rows, ValueId sums, bool continues) {
  RegionStep step =
      sum_over_rows(whole_blocks(2), [](Recorder& recorder) { return recorder.load(0); });
  RegionBlock squares = row_result(extra_id(kSquares));
  if (continues) {
    squares.operand = extra_id(kSquares);
    step.program = step.continuation;
  }
  return over_vector(rows, {column(sums), squares}, {std::move(step)});
}

RegionPass factor_of(double most) {
  Recorder recorder;
  {
    const Recorded squares = recorder.load(0);
    recorder.store(1, clip_factor(sqrt(squares), static_cast<float>(most)));
  }
  return over_vector(1, {scalar(extra_id(kSquares)), scalar_result(extra_id(kFactor))},
                     {{Walk::kElements, whole_blocks(2), recorder.program(), {}}});
}

}  // namespace

OpLowering lowering_of(const Graph& graph, const ClipGradients& op) {
  OpLowering lowering;
  lowering.extras = {{"squares", DType::F32, 1, 1, {}}, {"factor", DType::F32, 1, 1, {}}};
  for (std::size_t i = 0; i < op.in.size(); ++i) {
    const Shape& shape = graph.value(op.in[i]).shape;
    const std::int64_t rows = element_count(shape) / shape.back();
    const ValueId sums = extra_id(kFirstRows + static_cast<int>(i));
    lowering.extras.push_back({"squares of rows", DType::F32, 1, rows, {}});
    lowering.passes.push_back(squares_of_rows(graph, op.in[i], sums));
    lowering.passes.push_back(chain_of(rows, sums, i > 0));
  }
  lowering.passes.push_back(factor_of(op.most));
  Recorder recorder;
  {
    const Recorded gradient = recorder.load(0);
    recorder.store(2, gradient * recorder.load(1));
  }
  for (std::size_t i = 0; i < op.in.size(); ++i) {
    lowering.passes.push_back(one_step(
        graph, op.in[i], {elements(op.in[i]), scalar(extra_id(kFactor)), result(op.out[i])},
        Walk::kElements, recorder.program()));
  }
  return lowering;
}

}  // namespace corank
