#include "models/ops/cross_entropy.h"

#include "host/compiler/ops/regions.h"

namespace corank {
namespace {

// Extras, of both ops.
enum { kTargets, kTerms, kSum, kCount };
constexpr int kScaleOfSlopes = kSum;

Recorded is_ignored(const Recorded& target) { return int_equal(target, kIgnoredLabel); }

// The label that each row is held against, as a vector: they lie so already, or are put there.
ValueId add_targets(const Graph& graph, ValueId labels, bool shifted, std::int64_t rows,
                    OpLowering& lowering) {
  const Shape& shape = graph.value(labels).shape;
  if (!shifted && shape.size() == 1) return labels;
  const std::int64_t sequence = shape.back(), first = shifted ? 1 : 0;
  std::vector<Move> moves;
  for (std::int64_t row = 0; row * sequence < rows && sequence > first; ++row)
    moves.push_back({labels, row, first, 0, row * sequence, 1, sequence - first});
  lowering.movements.push_back(
      movement_of(graph, extra_id(kTargets), DType::I64, std::move(moves), kIgnoredLabel));
  return extra_id(kTargets);
}

// The number of kept rows, to an extra.
RegionStep count_of(std::vector<RegionStream> streams) {
  return reduce_rows(std::move(streams), interface::VectorOpcode::kIntAdd, 0,
                     [](Recorder& recorder) { return int_add(is_ignored(recorder.load(0)), 1); });
}

struct LargestAndPicked {
  Recorded largest, picked;
};

// The largest logit of a row, and the one of the target.
template <class Logit>
LargestAndPicked largest_and_picked(Recorder& recorder, const Recorded& target,
                                    const Logit& logit) {
  Recorded largest = maximum_of_columns(recorder, logit);
  Recorded picked = maximum_of_columns(recorder, [&] {
    const Recorded is_label = int_equal(recorder.row_number(), target);
    return select(is_label, logit(), -std::numeric_limits<float>::infinity());
  });
  return {std::move(largest), std::move(picked)};
}

// The same in one section: as a phase it loads the row once.
template <class Logit>
LargestAndPicked largest_and_picked_together(Recorder& recorder, const Recorded& target,
                                             const Logit& logit) {
  constexpr auto kMaximum = interface::VectorOpcode::kMaximum;
  constexpr float kLeast = -std::numeric_limits<float>::infinity();
  recorder.begin_once();
  std::pair<Recorded, Recorded> all = recorder.fill_pair(kLeast);
  std::pair<Recorded, Recorded> of_target = recorder.fill_pair(kLeast);
  recorder.begin_strips();
  {
    const Recorded x = logit();
    Recorder::accumulate(kMaximum, all.first, x, true);
    const Recorded is_label = int_equal(recorder.row_number(), target);
    Recorder::accumulate(kMaximum, of_target.first, select(is_label, x, kLeast), true);
  }
  recorder.begin_once();
  Recorded largest = tree_of(kMaximum, std::move(all));
  return {std::move(largest), tree_of(kMaximum, std::move(of_target))};
}

// What each row adds to the loss. If they are kept, the exponentials take the logits' place, and
// 1 / their sum is stored.
void record_row_losses(Recorder& recorder, bool keeps, bool whole) {
  enum { kLogits, kLabels, kLosses, kInverseSum };
  recorder.begin_once();
  const Recorded target = recorder.load(kLabels);
  const auto logit = [&] { return recorder.load(kLogits); };
  const LargestAndPicked both = whole ? largest_and_picked(recorder, target, logit)
                                      : largest_and_picked_together(recorder, target, logit);
  const Recorded sum = sum_of_columns(recorder, [&] {
    Recorded e = exponential(logit() - both.largest);
    if (keeps) recorder.store(kLogits, e);
    return e;
  });
  if (keeps) recorder.store(kInverseSum, inverse_once_a_row(recorder, sum));
  const Recorded log_sum_exp = logarithm(sum) + both.largest;
  const Recorded loss = log_sum_exp - both.picked;
  recorder.store(kLosses, select(is_ignored(target), 0.0f, loss));
}

}  // namespace

OpLowering lowering_of(const Graph& graph, const CrossEntropy& op) {
  const Shape& shape = graph.value(op.logits).shape;
  if (op.exponentials && graph.value(op.logits).dtype != DType::F32)
    return {" of logits of BF16", {}, {}};
  OpLowering lowering;
  lowering.extras = {{"targets", DType::I64, 1, shape[0], {}},
                     {"row losses", DType::F32, 1, shape[0], {}},
                     {"sum", DType::F32, 1, 1, {}},
                     {"count", DType::I64, 1, 1, {}}};
  const ValueId targets = add_targets(graph, op.labels, op.shifted, shape[0], lowering);
  const bool keeps = op.exponentials.has_value();
  Recorder whole, phases;
  record_row_losses(whole, keeps, true);
  record_row_losses(phases, keeps, false);
  std::vector<RegionBlock> blocks = {
      keeps ? in_place(op.logits, *op.exponentials) : elements(op.logits), column(targets),
      column_result(extra_id(kTerms))};
  if (keeps) blocks.push_back(column_result(*op.inverse_sum));
  RegionPass losses = one_step(graph, op.logits, std::move(blocks), Walk::kRows, whole.program());
  losses.phases = row_phases(phases, losses.blocks);
  lowering.passes.push_back(std::move(losses));
  RegionStep sum = sum_over_rows({{0}, {2}}, [](Recorder& recorder) { return recorder.load(0); });
  lowering.passes.push_back(over_vector(shape[0],
                                        {column(extra_id(kTerms)), column(targets),
                                         row_result(extra_id(kSum)), row_result(extra_id(kCount))},
                                        {std::move(sum), count_of({{1}, {3}})}));
  Recorder mean;
  {
    const Recorded loss = mean.load(0);
    mean.store(2, loss / to_float(mean.load(1)));
  }
  lowering.passes.push_back(
      over_vector(1,
                  {scalar(extra_id(kSum)), scalar(op.items ? *op.items : extra_id(kCount)),
                   scalar_result(op.loss)},
                  {{Walk::kElements, whole_blocks(3), mean.program(), {}}}));
  return lowering;
}

OpLowering lowering_of(const Graph& graph, const CrossEntropyGradient& op) {
  const Shape& shape = graph.value(op.exponentials).shape;
  OpLowering lowering;
  lowering.extras = {{"targets", DType::I64, 1, shape[0], {}},
                     {"unused", DType::F32, 1, 1, {}},
                     {"factor", DType::F32, 1, 1, {}},
                     {"count", DType::I64, 1, 1, {}}};
  const ValueId targets = add_targets(graph, op.labels, op.shifted, shape[0], lowering);
  if (!op.items) {
    lowering.passes.push_back(over_vector(shape[0], {column(targets), row_result(extra_id(kCount))},
                                          {count_of({{0}, {1}})}));
  }
  Recorder factor;
  {
    const Recorded items = to_float(factor.load(0));
    factor.store(2, (op.upstream ? factor.load(1) : factor.fill(1.0f)) / items);
  }
  lowering.passes.push_back(over_vector(
      1,
      {scalar(op.items ? *op.items : extra_id(kCount)),
       scalar(op.upstream ? *op.upstream : extra_id(1)), scalar_result(extra_id(kScaleOfSlopes))},
      {{Walk::kElements, whole_blocks(3), factor.program(), {}}}));

  // The slope of a row's loss takes the exponentials' place, then it is scaled.
  enum { kExponentials, kLabels, kInverseSum, kScale, kOut };
  Recorder slope, scaled;
  {
    slope.begin_once();
    const Recorded target = slope.load(1);
    const Recorded inverse_sum = slope.load(2);
    slope.begin_strips();
    const Recorded is_label = int_equal(slope.row_number(), target);
    slope.store(0, cross_entropy_distance(slope.load(0), inverse_sum, is_label));
  }
  {
    scaled.begin_once();
    const Recorded ignored = is_ignored(scaled.load(1));
    const Recorded scale = scaled.load(2);
    scaled.begin_strips();
    const Recorded distance = scaled.load(0);
    scaled.store(3, select(ignored, 0.0f, distance * scale));
  }
  RegionPass pass = one_step(graph, op.exponentials,
                             {elements(op.exponentials), column(targets), column(op.inverse_sum),
                              scalar(extra_id(kScaleOfSlopes)), result(op.out)},
                             Walk::kRows, {});
  pass.whole_rows = false;
  pass.steps = {
      {Walk::kRows, {{kExponentials}, {kLabels}, {kInverseSum}}, slope.program(), {}},
      {Walk::kRows, {{kExponentials}, {kLabels}, {kScale}, {kOut}}, scaled.program(), {}}};
  lowering.passes.push_back(std::move(pass));
  return lowering;
}

}  // namespace corank
