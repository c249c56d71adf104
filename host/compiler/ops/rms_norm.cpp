#include "models/ops/rms_norm.h"

#include "host/compiler/ops/regions.h"

namespace corank {

namespace {

// The gradient, to a stream.
void record_rms_norm_slope(Recorder& recorder, float count, int out) {
  enum { kGradient, kIn, kWeight, kInverse };
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
  const Recorded gradient = recorder.load(kGradient);
  const Recorded weight = recorder.load(kWeight);
  const Recorded x = recorder.load(kIn);
  recorder.store(out, rms_norm_slope(gradient, weight, x, r, mean));
}

// The result takes the place of an operand, 0 the gradient or 1 the input: there are no more
// streams.
OpLowering in_the_place_of(int operand, const Graph& graph, const RmsNormGradient& op) {
  Recorder recorder;
  record_rms_norm_slope(recorder, static_cast<float>(graph.value(op.in).shape.back()), operand);
  std::vector<RegionBlock> blocks = {elements(op.gradient), elements(op.in), row(op.weight),
                                     column(op.inverse_rms)};
  blocks[static_cast<std::size_t>(operand)].result = op.out;
  return over_region(reduced_rows(graph, op.in, std::move(blocks), recorder));
}

// Where the result has another format than both, n and what follows from it are FP32 in between.
// By phases nothing is between.
OpLowering by_steps(const Graph& graph, const RmsNormGradient& op) {
  enum { kGradient, kIn, kWeight, kInverse, kOut, kBetween, kMean };
  const auto count = static_cast<float>(graph.value(op.in).shape.back());
  Recorder mean, slope;
  {
    const Recorded sum = sum_of_columns(mean, [&] {
      const Recorded gradient = mean.load(0);
      const Recorded weight = mean.load(1);
      return (gradient * weight) * mean.load(2);
    });
    mean.store(3, once_a_row(mean, [&] { return sum / count; }));
  }
  {
    slope.begin_once();
    const Recorded m = slope.load(3);
    slope.begin_strips();
    const Recorded gradient = slope.load(0);
    const Recorded g = gradient * slope.load(1);
    slope.store(2, g - slope.load(2) * m);
  }
  RegionPass pass = one_step(graph, op.in,
                             {elements(op.gradient),
                              elements(op.in),
                              row(op.weight),
                              column(op.inverse_rms),
                              result(op.out),
                              {},
                              room_for_column()},
                             Walk::kRows, {});
  pass.steps = {{Walk::kRows, {{kIn}, {kInverse}, {kBetween}}, times_column(), {}},
                {Walk::kRows, {{kGradient}, {kWeight}, {kBetween}, {kMean}}, mean.program(), {}},
                {Walk::kRows, {{kGradient}, {kWeight}, {kBetween}, {kMean}}, slope.program(), {}},
                {Walk::kRows, {{kBetween}, {kInverse}, {kOut}}, times_column(), {}}};
  Recorder phases;
  record_rms_norm_slope(phases, count, kOut);
  pass.phases = row_phases(phases, pass.blocks);
  return over_region(std::move(pass));
}

}  // namespace

OpLowering lowering_of(const Graph& graph, const RmsNorm& op) {
  enum { kIn, kWeight, kInverse, kOut };
  const bool in_its_place = graph.value(op.in).dtype == graph.value(op.out).dtype;
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
    recorder.store(in_its_place ? kIn : kOut, rms_normalized(x, r, weight));
  }
  std::vector<RegionBlock> blocks = {elements(op.in), row(op.weight),
                                     column_result(op.inverse_rms)};
  if (in_its_place) {
    blocks[kIn].result = op.out;
  } else {
    blocks.push_back(result(op.out));
  }
  return over_region(reduced_rows(graph, op.in, std::move(blocks), recorder));
}

OpLowering lowering_of(const Graph& graph, const RmsNormGradient& op) {
  const DType out = graph.value(op.out).dtype;
  if (graph.value(op.gradient).dtype == out) return in_the_place_of(0, graph, op);
  if (graph.value(op.in).dtype == out) return in_the_place_of(1, graph, op);
  return by_steps(graph, op);
}

OpLowering lowering_of(const Graph& graph, const RmsNormWeightGradient& op) {
  RegionPass pass =
      one_step(graph, op.in,
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
