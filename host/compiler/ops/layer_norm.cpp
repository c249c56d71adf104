#include "host/compiler/ops/regions.h"
#include "models/ops/layer_norm.h"

namespace corank {

OpLowering lowering_of(const Graph& graph, const LayerNorm& op) {
  enum { kIn, kNormalized, kInverse, kOut };  // of the first step; of the second one:
  enum { kFinished, kWeight, kBias, kResult };
  const auto count = static_cast<float>(graph.value(op.in).shape.back());
  Recorder recorder;
  const Recorded sum = sum_of_columns(recorder, [&] { return recorder.load(kIn); });
  const Recorded mean = once_a_row(recorder, [&] { return sum / count; });
  const Recorded squares = sum_of_columns(
      recorder, [&] { return squared_distance(recorder.load(kIn), mean); });
  const Recorded r = once_a_row(
      recorder, [&] { return inverse_std_of(squares, count, static_cast<float>(op.eps)); });
  recorder.store(kInverse, r);
  recorder.begin_strips();
  {
    const Recorded x = recorder.load(kIn);
    const Recorded normalized = layer_normalized(x, mean, r);
    recorder.store(kNormalized, normalized);
    // What is stored may be rounded; what follows is not computed of that.
    recorder.store(kOut, normalized);
  }
  Recorder second;
  {
    const Recorded normalized = second.load(kFinished);
    const Recorded weight = second.load(kWeight);
    const Recorded bias = second.load(kBias);
    second.store(kResult, scaled_and_shifted(normalized, weight, bias));
  }
  RegionPass pass =
      one_step(graph, op.in, {elements(op.in), result(op.normalized), column_result(op.inverse_std),
                              row(op.weight), row(op.bias), result(op.out)},
               Walk::kRows, {});
  pass.blocks.push_back({});  // (x - mean) r as FP32, between the steps
  pass.steps = {{Walk::kRows, {{0}, {1}, {2}, {6}}, recorder.program(), {}},
                {Walk::kElements, {{6}, {3}, {4}, {5}}, second.program(), {}}};
  return over_region(std::move(pass));
}

OpLowering lowering_of(const Graph& graph, const LayerNormGradient& op) {
  enum { kGradient, kNormalized, kWeight, kInverse };
  const auto count = static_cast<float>(graph.value(op.normalized).shape.back());
  const bool in_its_place = graph.value(op.gradient).dtype == graph.value(op.out).dtype;
  const bool in_ins_place = graph.value(op.normalized).dtype == graph.value(op.out).dtype;
  if (!in_its_place && !in_ins_place)
    return {" with a result of another format than its operands", {}, {}};
  const int out = in_its_place ? kGradient : kNormalized;
  Recorder recorder;
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
  {
    const Recorded gradient = loaded_gradient();
    const Recorded weight = recorder.load(kWeight);
    const Recorded n = recorder.load(kNormalized);
    recorder.store(out, layer_norm_slope(gradient, weight, n, r, mean, projection));
  }
  RegionPass pass = one_step(graph, op.normalized,
                             {elements(op.gradient), elements(op.normalized), row(op.weight),
                              column(op.inverse_std)},
                             Walk::kRows, recorder.program());
  pass.blocks[static_cast<std::size_t>(out)].result = op.out;
  return over_region(std::move(pass));
}

}  // namespace corank
