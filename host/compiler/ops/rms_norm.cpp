#include "host/compiler/ops/regions.h"
#include "models/ops/rms_norm.h"

namespace corank {

OpLowering lowering_of(const Graph& graph, const RmsNorm& op) {
  enum { kIn, kWeight, kOut, kInverse };
  const auto count = static_cast<float>(graph.value(op.in).shape.back());
  Recorder recorder;
  const Recorded squares = sum_of_squares(recorder, kIn);
  const Recorded r = once_a_row(
      recorder, [&] { return inverse_rms_of(squares, count, static_cast<float>(op.eps)); });
  recorder.store(kInverse, r);
  recorder.begin_strips();
  {
    const Recorded x = recorder.load(kIn);
    const Recorded weight = recorder.load(kWeight);
    recorder.store(kOut, rms_normalized(x, r, weight));
  }
  return over_region(one_step(
      graph, op.in, {elements(op.in), row(op.weight), result(op.out), column_result(op.inverse_rms)},
      Walk::kRows, recorder.program()));
}

OpLowering lowering_of(const Graph& graph, const RmsNormGradient& op) {
  enum { kGradient, kIn, kWeight, kInverse, kOut };
  const auto count = static_cast<float>(graph.value(op.in).shape.back());
  // Five streams: the gradient's block takes the result where it can.
  const bool in_its_place = graph.value(op.gradient).dtype == graph.value(op.out).dtype;
  const bool in_ins_place = graph.value(op.in).dtype == graph.value(op.out).dtype;
  if (!in_its_place && !in_ins_place)
    return {" with a result of another format than its operands", {}, {}};
  const int out = in_its_place ? kGradient : kIn;
  Recorder recorder;
  recorder.begin_once();
  const Recorded r = recorder.load(kInverse);
  const Recorded sum = sum_of_columns(recorder, [&] {
    const Recorded gradient = recorder.load(kGradient);
    const Recorded weight = recorder.load(kWeight);
    const Recorded x = recorder.load(kIn);
    return rms_norm_projection(gradient, weight, x, r);
  });
  const Recorded mean = once_a_row(recorder, [&] { return sum / count; });
  recorder.begin_strips();
  {
    const Recorded gradient = recorder.load(kGradient);
    const Recorded weight = recorder.load(kWeight);
    const Recorded x = recorder.load(kIn);
    recorder.store(out, rms_norm_slope(gradient, weight, x, r, mean));
  }
  RegionPass pass = one_step(
      graph, op.in, {elements(op.gradient), elements(op.in), row(op.weight), column(op.inverse_rms)},
      Walk::kRows, recorder.program());
  pass.blocks[static_cast<std::size_t>(out)].result = op.out;
  return over_region(std::move(pass));
}

OpLowering lowering_of(const Graph& graph, const RmsNormWeightGradient& op) {
  RegionPass pass = one_step(
      graph, op.in,
      {elements(op.gradient), elements(op.in), column(op.inverse_rms), row_result(op.out)},
      Walk::kColumns, {});
  pass.steps = {sum_over_rows(whole_blocks(4), [](Recorder& recorder) {
    const Recorded gradient = recorder.load(0);
    const Recorded x = recorder.load(1);
    const Recorded r = recorder.load(2);
    return rms_norm_weight_slope(gradient, x, r);
  })};
  return over_region(std::move(pass));
}

}  // namespace corank
