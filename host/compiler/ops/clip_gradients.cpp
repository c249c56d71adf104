#include "models/ops/clip_gradients.h"

#include <algorithm>
#include <variant>

#include "host/compiler/ops/regions.h"

namespace corank {
namespace {

constexpr ValueId kFactor = extra_id(0);

RegionPass factor_of(ValueId norm, double most) {
  Recorder recorder;
  recorder.store(1, clip_factor(recorder.load(0), static_cast<float>(most)));
  return over_vector(1, {scalar(norm), scalar_result(kFactor)},
                     {{Walk::kElements, whole_blocks(2), recorder.program(), {}}});
}

// As the op lets it lie that has summed up its squares.
bool lies_turned(const Graph& graph, ValueId gradient) {
  return std::any_of(graph.ops.begin(), graph.ops.end(), [&](const Op& op) {
    const auto* sums = std::get_if<SquareSums>(&op);
    return sums != nullptr && sums->in == gradient && sums->by_columns;
  });
}

}  // namespace

OpLowering lowering_of(const Graph& graph, const ClipGradients& op) {
  OpLowering lowering;
  lowering.extras = {{"factor", DType::F32, 1, 1, {}}};
  lowering.passes.push_back(factor_of(op.norm, op.most));
  Recorder recorder;
  {
    const Recorded gradient = recorder.load(0);
    recorder.store(2, gradient * recorder.load(1));
  }
  for (std::size_t i = 0; i < op.in.size(); ++i) {
    lowering.passes.push_back(
        oriented(one_step(graph, op.in[i], {elements(op.in[i]), scalar(kFactor), result(op.out[i])},
                          Walk::kElements, recorder.program()),
                 lies_turned(graph, op.in[i])));
  }
  return lowering;
}

}  // namespace corank
