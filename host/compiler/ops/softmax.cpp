#include "models/ops/softmax.h"

#include <optional>
#include <utility>

#include "host/compiler/ops/regions.h"
#include "host/compiler/region_blocks.h"

namespace corank {
namespace {

// Streams of either softmax. The probabilities take the scores' place or, of another format, come
// where the statistics of the rows would; so does their copy.
enum { kScores, kMask, kOut, kLargest = kOut, kInverseSum, kNarrow = kOut };

// A score, hidden ones set to the smallest number. `last_key` of each query.
template <class X>
Recorded masked_score(Recorder& recorder, const X& op, const std::optional<Recorded>& last_key) {
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
  if (op.largest) recorder.store(kLargest, largest);
  const auto exponential_of_score = [&] {
    const Recorded score = whole ? recorder.load(kScores) : masked_score(recorder, op, last_key);
    return softmax_exponential(score, largest);
  };
  const Recorded sum = sum_of_columns(recorder, [&] {
    Recorded e = exponential_of_score();
    if (whole) recorder.store(kScores, e);
    return e;
  });
  const Recorded inverse = inverse_once_a_row(recorder, sum);
  if (op.inverse_sum) recorder.store(kInverseSum, inverse);
  recorder.begin_strips();
  const Recorded p = (whole ? recorder.load(kScores) : exponential_of_score()) * inverse;
  recorder.store(out, p);
  if (op.narrow) recorder.store(kNarrow, p);
}

void record_probabilities(Recorder& recorder, const SoftmaxFromStatistics& op) {
  recorder.begin_once();
  std::optional<Recorded> last_key;
  if (op.causal) last_key.emplace(recorder.column_number());
  const Recorded largest = recorder.load(kLargest);
  const Recorded inverse = recorder.load(kInverseSum);
  recorder.begin_strips();
  const Recorded score = masked_score(recorder, op, last_key);
  recorder.store(kScores, softmax_exponential(score, largest) * inverse);
}

int stream_of_result(const Graph& graph, ValueId out) {
  return graph.value(out).dtype == DType::F32 ? kScores : kOut;
}

// Why the accelerator does not run either of them; "": it does.
template <class X>
std::string refusal(const Graph& graph, const X& op, bool has_statistics) {
  if (graph.value(op.scores).dtype != DType::F32) return " of scores of BF16";
  if (stream_of_result(graph, op.out) == kOut && has_statistics)
    return " with statistics and BF16 probabilities";
  return "";
}

// A pass over the rows of scores, whole or by the phases of a program that keeps nothing between;
// `others`: blocks of statistics, or of a copy.
template <class X>
OpLowering over_scores(const Graph& graph, const X& op, const std::vector<RegionBlock>& others,
                       const Recorder& whole, const Recorder& anew) {
  const Shape& shape = graph.value(op.scores).shape;
  RegionBlock mask;  // room, if there is none
  mask.meets = Meets::kRow;
  if (op.mask) {
    mask = row(*op.mask);
    mask.share = shape[0] / graph.value(*op.mask).shape[0] * shape[1];
  }
  const bool in_its_place = stream_of_result(graph, op.out) == kScores;
  std::vector<RegionBlock> blocks = {
      in_its_place ? in_place(op.scores, op.out) : elements(op.scores), mask};
  blocks.insert(blocks.end(), others.begin(), others.end());
  if (!in_its_place) blocks.push_back(result(op.out));
  RegionPass pass = one_step(graph, op.scores, std::move(blocks), Walk::kRows, whole.program());
  pass.phases = row_phases(anew, pass.blocks);
  if (op.causal || has_vectors(pass)) pass.period = shape[1];
  return over_region(std::move(pass));
}

}  // namespace

OpLowering lowering_of(const Graph& graph, const Softmax& op) {
  if (const std::string why = refusal(graph, op, op.largest.has_value()); !why.empty())
    return {why, {}, {}};
  Recorder whole, anew;
  record_probabilities(whole, op, stream_of_result(graph, op.out), true);
  record_probabilities(anew, op, stream_of_result(graph, op.out), false);
  std::vector<RegionBlock> others;
  if (op.largest) others = {column_result(*op.largest), column_result(*op.inverse_sum)};
  if (op.narrow) others = {result(*op.narrow)};
  return over_scores(graph, op, others, whole, anew);
}

OpLowering lowering_of(const Graph& graph, const SoftmaxFromStatistics& op) {
  if (const std::string why = refusal(graph, op, true); !why.empty()) return {why, {}, {}};
  Recorder recorder;
  record_probabilities(recorder, op);
  return over_scores(graph, op, {column(op.largest), column(op.inverse_sum)}, recorder, recorder);
}

OpLowering lowering_of(const Graph& graph, const SoftmaxGradient& op) {
  Recorder recorder;
  const Recorded sum =
      sum_of_products(recorder, [&] { return std::pair(recorder.load(0), recorder.load(1)); });
  recorder.begin_strips();
  {
    const Recorded gradient = recorder.load(0);
    const Recorded p = recorder.load(1);
    if (op.narrow) recorder.store(3, p);
    recorder.store(2, softmax_slope(p, gradient, sum));
  }
  std::vector<RegionBlock> blocks{elements(op.gradient), elements(op.probabilities),
                                  result(op.out)};
  if (op.narrow) blocks.push_back(result(*op.narrow));
  return over_region(reduced_rows(graph, op.probabilities, std::move(blocks), recorder));
}

}  // namespace corank
