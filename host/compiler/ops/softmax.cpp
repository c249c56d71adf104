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

// The probabilities of a row, to a stream. If it is `whole`, the block of the scores keeps what is
// masked, then its exponentials; else they are computed anew.
void record_probabilities(Recorder& recorder, const Softmax& op, int out, bool whole) {
  recorder.begin_once();
  std::optional<Recorded> last_key;
  if (op.causal) last_key.emplace(recorder.column_number());
  const bool is_masked = op.causal || op.mask.has_value();
  const Recorded largest = maximum_of_columns(recorder, [&] {
    Recorded score = masked_score(recorder, op, last_key);
    if (whole && is_masked) recorder.store(kScores, score);
    return score;
  });
  const auto exponential_of_score = [&] {
    const Recorded score = whole ? recorder.load(kScores) : masked_score(recorder, op, last_key);
    return softmax_exponential(score, largest);
  };
  const Recorded sum = sum_of_columns(recorder, [&] {
    Recorded e = exponential_of_score();
    if (whole) recorder.store(kScores, e);
    return e;
  });
  const Recorded inverse = once_a_row(recorder, [&] { return constant(sum, 1.0f) / sum; });
  recorder.begin_strips();
  recorder.store(out, (whole ? recorder.load(kScores) : exponential_of_score()) * inverse);
}

}  // namespace

OpLowering lowering_of(const Graph& graph, const Softmax& op) {
  const Shape& shape = graph.value(op.scores).shape;
  if (graph.value(op.scores).dtype != DType::F32) return {" of scores of BF16", {}, {}};
  RegionBlock mask;  // room, if there is none
  mask.meets = Meets::kRow;
  if (op.mask) {
    mask = row(*op.mask);
    mask.share = shape[0] / graph.value(*op.mask).shape[0] * shape[1];
  }
  std::vector<RegionBlock> blocks = {elements(op.scores), mask};
  const bool in_its_place = graph.value(op.out).dtype == DType::F32;
  if (in_its_place) {
    blocks[kScores].result = op.out;
  } else {
    blocks.push_back(result(op.out));
  }
  Recorder whole, anew;
  record_probabilities(whole, op, in_its_place ? kScores : kOut, true);
  record_probabilities(anew, op, in_its_place ? kScores : kOut, false);
  RegionPass pass = one_step(graph, op.scores, std::move(blocks), Walk::kRows, whole.program());
  pass.phases = row_phases(anew, pass.blocks);
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
  return over_region(
      reduced_rows(graph, op.probabilities,
                   {elements(op.gradient), elements(op.probabilities), result(op.out)}, recorder));
}

}  // namespace corank
