#include "models/ops/layer_norm.h"

#include "host/compiler/ops/regions.h"

namespace corank {

namespace {

// The gradient, to a stream.
void record_layer_norm_slope(Recorder& recorder, float count, int out) {
  enum { kGradient, kNormalized, kWeight, kInverse };
  const auto loaded_gradient = [&] { return recorder.load(kGradient); };
  const Recorded sum = sum_of_products(
      recorder, [&] { return std::pair(loaded_gradient(), recorder.load(kWeight)); });
  const Recorded mean = once_a_row(recorder, [&] { return sum / count; });
  const Recorded projected = sum_of_columns(recorder, [&] {
    const Recorded gradient = loaded_gradient();
    const Recorded weight = recorder.load(kWeight);
    const Recorded n = recorder.load(kNormalized);
    return layer_norm_projection(gradient, weight, n);
  });
  const Recorded projection = once_a_row(recorder, [&] { return projected / count; });
  const Recorded r = recorder.load(kInverse);
  recorder.begin_strips();
  const Recorded gradient = loaded_gradient();
  const Recorded weight = recorder.load(kWeight);
  const Recorded n = recorder.load(kNormalized);
  recorder.store(out, layer_norm_slope(gradient, weight, n, r, mean, projection));
}

// The result takes the place of an operand, 0 the gradient or 1 the normalized input.
OpLowering in_the_place_of(int operand, const Graph& graph, const LayerNormGradient& op) {
  Recorder recorder;
  record_layer_norm_slope(recorder, static_cast<float>(graph.value(op.normalized).shape.back()),
                          operand);
  std::vector<RegionBlock> blocks = {elements(op.gradient), elements(op.normalized), row(op.weight),
                                     column(op.inverse_std)};
  blocks[static_cast<std::size_t>(operand)].result = op.out;
  return over_region(reduced_rows(graph, op.normalized, std::move(blocks), recorder));
}

// Where the result has another format than both, what follows from n is FP32 in between. By phases
// nothing is between.
OpLowering by_steps(const Graph& graph, const LayerNormGradient& op) {
  enum { kGradient, kNormalized, kWeight, kInverse, kOut, kBetween, kMean, kProjection };
  const auto count = static_cast<float>(graph.value(op.normalized).shape.back());
  Recorder mean, projection, slope;
  {
    const Recorded sum =
        sum_of_products(mean, [&] { return std::pair(mean.load(0), mean.load(1)); });
    mean.store(2, once_a_row(mean, [&] { return sum / count; }));
  }
  {
    const Recorded sum = sum_of_columns(projection, [&] {
      const Recorded gradient = projection.load(0);
      const Recorded weight = projection.load(1);
      return layer_norm_projection(gradient, weight, projection.load(2));
    });
    projection.store(3, once_a_row(projection, [&] { return sum / count; }));
  }
  {
    slope.begin_once();
    const Recorded m = slope.load(2);
    slope.begin_strips();
    const Recorded gradient = slope.load(0);
    Recorded g = gradient * slope.load(1);
    g = std::move(g) - m;
    slope.store(3, std::move(g) - slope.load(3));
  }
  RegionPass pass = one_step(graph, op.normalized,
                             {elements(op.gradient),
                              elements(op.normalized),
                              row(op.weight),
                              column(op.inverse_std),
                              result(op.out),
                              {},
                              room_for_column(),
                              room_for_column()},
                             Walk::kRows, {});
  pass.steps = {{Walk::kRows, {{kGradient}, {kWeight}, {kMean}}, mean.program(), {}},
                {Walk::kRows,
                 {{kGradient}, {kWeight}, {kNormalized}, {kProjection}},
                 projection.program(),
                 {}},
                {Walk::kRows, {{kNormalized}, {kProjection}, {kBetween}}, times_column(), {}},
                {Walk::kRows, {{kGradient}, {kWeight}, {kMean}, {kBetween}}, slope.program(), {}},
                {Walk::kRows, {{kBetween}, {kInverse}, {kOut}}, times_column(), {}}};
  Recorder phases;
  record_layer_norm_slope(phases, count, kOut);
  pass.phases = row_phases(phases, pass.blocks);
  return over_region(std::move(pass));
}

// The mean and r of each row, which is stream 0; r goes to stream 2. Then a section of strips
// begins, of which `strips` records what it does with both.
template <class Strips>
void record_normalization(Recorder& recorder, const Graph& graph, const LayerNorm& op,
                          const Strips& strips) {
  enum { kIn, kNormalized, kInverse };
  const auto count = static_cast<float>(graph.value(op.in).shape.back());
  const Recorded sum = sum_of_columns(recorder, [&] { return recorder.load(kIn); });
  const Recorded mean = once_a_row(recorder, [&] { return sum / count; });
  const Recorded squares =
      sum_of_columns(recorder, [&] { return squared_distance(recorder.load(kIn), mean); });
  const Recorded r = once_a_row(
      recorder, [&] { return inverse_std_of(squares, count, static_cast<float>(op.eps)); });
  recorder.store(kInverse, r);
  recorder.begin_strips();
  strips(mean, r);
}

}  // namespace

OpLowering lowering_of(const Graph& graph, const LayerNorm& op) {
  enum { kIn, kNormalized, kInverse, kWeight, kBias, kOut, kBetween };
  RegionPass pass = one_step(graph, op.in,
                             {elements(op.in), result(op.normalized), column_result(op.inverse_std),
                              row(op.weight), row(op.bias), result(op.out)},
                             Walk::kRows, {});
  pass.blocks.push_back({});  // (x - mean) r as FP32, between the steps
  Recorder normalized, second, phases;
  record_normalization(normalized, graph, op, [&](const Recorded& mean, const Recorded& r) {
    constexpr int kWide = 3;
    const Recorded n = layer_normalized(normalized.load(kIn), mean, r);
    normalized.store(kNormalized, n);
    // What is stored may be rounded; what follows is not computed of that.
    normalized.store(kWide, n);
  });
  {
    const Recorded n = second.load(0);
    const Recorded weight = second.load(1);
    const Recorded bias = second.load(2);
    second.store(3, scaled_and_shifted(n, weight, bias));
  }
  pass.steps = {
      {Walk::kRows, {{kIn}, {kNormalized}, {kInverse}, {kBetween}}, normalized.program(), {}},
      {Walk::kElements, {{kBetween}, {kWeight}, {kBias}, {kOut}}, second.program(), {}}};
  // By phases nothing is between: it is computed twice.
  record_normalization(phases, graph, op, [&](const Recorded& mean, const Recorded& r) {
    phases.store(kNormalized, layer_normalized(phases.load(kIn), mean, r));
    phases.begin_strips();
    const Recorded n = layer_normalized(phases.load(kIn), mean, r);
    const Recorded weight = phases.load(kWeight);
    const Recorded bias = phases.load(kBias);
    phases.store(kOut, scaled_and_shifted(n, weight, bias));
  });
  pass.phases = row_phases(phases, pass.blocks);
  return over_region(std::move(pass));
}

OpLowering lowering_of(const Graph& graph, const LayerNormGradient& op) {
  const DType out = graph.value(op.out).dtype;
  if (graph.value(op.gradient).dtype == out) return in_the_place_of(0, graph, op);
  if (graph.value(op.normalized).dtype == out) return in_the_place_of(1, graph, op);
  return by_steps(graph, op);
}

}  // namespace corank
