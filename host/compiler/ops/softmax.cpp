#include "models/ops/softmax.h"

#include <algorithm>
#include <optional>

#include "host/compiler/ops/regions.h"

namespace corank {
namespace {

enum { kScores, kMask, kOut };

// A score, hidden ones set to the smallest number. `last_key` of each query.
Recorded masked_score(Recorder& recorder, const Softmax& op,
                      const std::optional<Recorded>& last_key) {
  Recorded score = recorder.load(kScores);
  if (last_key) {
    const Recorded hidden = int_less(*last_key, recorder.row_number());
    score = masked(hidden, score);
  }
  if (op.mask) {
    const Recorded hidden = int_equal(recorder.load(kMask), 0);
    score = masked(hidden, score);
  }
  return score;
}

}  // namespace

OpLowering lowering_of(const Graph& graph, const Softmax& op) {
  const Shape& shape = graph.value(op.scores).shape;
  if (graph.value(op.scores).dtype != DType::F32) return {" of scores of BF16", {}, {}};
  Recorder recorder;
  recorder.begin_once();
  std::optional<Recorded> last_key;
  if (op.causal) last_key.emplace(recorder.column_number());
  // The block of the scores keeps what is masked, then its exponentials.
  const bool is_masked = op.causal || op.mask.has_value();
  const Recorded largest = maximum_of_columns(recorder, [&] {
    Recorded score = masked_score(recorder, op, last_key);
    if (is_masked) recorder.store(kScores, score);
    return score;
  });
  const Recorded sum = sum_of_columns(recorder, [&] {
    const Recorded score = recorder.load(kScores);
    Recorded e = softmax_exponential(score, largest);
    recorder.store(kScores, e);
    return e;
  });
  const Recorded inverse = once_a_row(recorder, [&] { return constant(sum, 1.0f) / sum; });
  recorder.begin_strips();
  const bool in_its_place = graph.value(op.out).dtype == DType::F32;
  recorder.store(in_its_place ? kScores : kOut, recorder.load(kScores) * inverse);

  RegionBlock mask;  // room, if there is none
  mask.meets = Meets::kRow;
  if (op.mask) {
    mask = row(*op.mask);
    mask.share = shape[0] / graph.value(*op.mask).shape[0] * shape[1];
  }
  std::vector<RegionBlock> blocks = {elements(op.scores), mask};
  if (in_its_place) {
    blocks[kScores].result = op.out;
  } else {
    blocks.push_back(result(op.out));
  }
  RegionPass pass = one_step(graph, op.scores, std::move(blocks), Walk::kRows, recorder.program());
  if (op.causal) pass.period = shape[1];
  return over_region(std::move(pass));
}

OpLowering lowering_of(const Graph& graph, const SoftmaxGradient& op) {
  Recorder recorder;
  const Recorded sum =
      sum_of_products(recorder, [&] { return std::pair(recorder.load(0), recorder.load(1)); });
  recorder.begin_strips();
  {
    const Recorded gradient = recorder.load(0);
    const Recorded p = recorder.load(1);
    recorder.store(2, softmax_slope(p, gradient, sum));
  }
  return over_region(one_step(graph, op.probabilities,
                              {elements(op.gradient), elements(op.probabilities), result(op.out)},
                              Walk::kRows, recorder.program()));
}

}  // namespace corank
