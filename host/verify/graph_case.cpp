#include "host/verify/graph_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "host/run/simulate.h"
#include "host/verify/drawn_packing.h"
#include "host/verify/drawn_values.h"
#include "models/base/error.h"
#include "models/graph/differentiate.h"
#include "models/graph/fused_copies.h"
#include "models/program/optimizer.h"

namespace corank {
namespace {

using draw::between;
using draw::chance;
using draw::int_between;
using draw::one_of;
using draw::Random;

constexpr GemmKind kFrozenForward{Part::kFrozen, Pass::kForward};
constexpr GemmKind kAttentionForward{Part::kAttention, Pass::kForward};

// The forward pass of a random graph: `value`, a matrix of [batch * sequence, width] BF16 numbers,
// goes from op to op. One with long rows has no products, which would take most of the time.
// `packing`: of the weights of products; nullptr: they stay plain.
class RandomGraph {
 public:
  RandomGraph(Random& random, bool long_rows, draw::Packing* packing)
      : random_(random), long_rows_(long_rows), packing_(packing) {
    batch_ = between(random, 1, 2);
    sequence_ = between(random, 1, one_of(random, std::array<int, 3>{3, 6, 12}));
    width_ = long_rows ? between(random, 150, 500) : drawn_width();
    if (chance(random_, 4)) {
      embedding();
    } else {
      value_ = add_value(graph_, {"x", {tokens(), width_}, DType::BF16, Role::kInput});
      input_ = value_;
    }
    earlier_.push_back(value_);
  }

  void add_op() {
    using Step = void (RandomGraph::*)();
    struct Named {
      const char* name;
      Step step;
    };
    constexpr std::array<Named, 16> kSteps = {{{"linear", &RandomGraph::linear},
                                               {"rms_norm", &RandomGraph::rms_norm},
                                               {"layer_norm", &RandomGraph::layer_norm},
                                               {"activation", &RandomGraph::activation},
                                               {"gated_activation", &RandomGraph::gated_activation},
                                               {"residual", &RandomGraph::residual},
                                               {"multiply", &RandomGraph::multiply},
                                               {"positions", &RandomGraph::positions},
                                               {"attention", &RandomGraph::attention},
                                               {"dropout", &RandomGraph::dropout},
                                               {"concat", &RandomGraph::concat},
                                               {"select_rows", &RandomGraph::select_rows},
                                               {"pick_rows", &RandomGraph::pick_rows},
                                               {"replace_rows", &RandomGraph::replace_rows},
                                               {"slice_rows", &RandomGraph::slice_rows},
                                               {"scale", &RandomGraph::scale}}};
    const Named& drawn = kSteps[random_() % kSteps.size()];
    ++ops_;
    graph_.origin.group = ops_;
    (this->*drawn.step)();
    graph_.origin = {};
    text_ += (text_.empty() ? "" : ", ") + std::string(drawn.name);
    earlier_.push_back(value_);
  }

  // The backward pass and the updates of all that is trained. Every op that was added is a layer.
  TrainingProgram finish(const OptimizerSettings& optimizer, RecomputePolicy recompute) {
    TrainingProgram program;
    program.optimizer = optimizer;
    if (earlier_.size() == 1) scale();
    DifferentiateRequest request;
    request.recompute = recompute;
    if (recompute != RecomputePolicy::kNone)
      text_ += std::string(", recompute ") + name_of(recompute);
    if (input_ >= 0) request.wanted = {input_};
    if (chance(random_, 3)) {
      request.loss = loss();
    } else {
      graph_.value(value_).role = Role::kResult;
      request.output_gradients[value_] =
          add_value(graph_, {"dout", graph_.value(value_).shape, DType::BF16, Role::kInput});
    }
    const std::map<ValueId, ValueId> gradients = differentiate(graph_, request);
    std::vector<Trained> trained;
    for (const ValueId parameter : trained_) {
      const auto found = gradients.find(parameter);
      if (found == gradients.end()) continue;
      program.gradients[parameter] = found->second;
      trained.push_back({parameter, found->second, 1});
    }
    program.graph = std::move(graph_);
    if (chance(random_, 2)) fuse_copies(program.graph);
    if (!trained.empty()) add_updates(program, trained);
    check(program.graph);
    return program;
  }

  const std::string& text() const { return text_; }

 private:
  std::int64_t tokens() const { return batch_ * sequence_; }
  std::int64_t drawn_width() {
    if (packing_ != nullptr) {
      if (const std::optional<std::int64_t> wide = packing_->wide_size()) return *wide;
    }
    return between(random_, 1, one_of(random_, std::array<int, 4>{3, 12, 30, 66}));
  }
  std::string name(const char* what) const { return fmt::format("{}{}", what, ops_); }
  Shape shape() const { return {tokens(), width_}; }

  ValueId parameter(const char* what, const Shape& shape) {
    const std::string named = name(what);
    if (chance(random_, 2)) return add_value(graph_, {named, shape, DType::BF16, Role::kFrozen});
    trained_.push_back(add_value(graph_, {named, shape, DType::F32, Role::kTrainable}));
    return trained_.back();
  }

  // An earlier value of this shape, or one that an op makes of this one.
  ValueId companion() {
    std::vector<ValueId> fitting;
    for (const ValueId id : earlier_)
      if (id != value_ && graph_.value(id).shape == shape()) fitting.push_back(id);
    if (!fitting.empty()) return one_of(random_, fitting);
    return add_activation(graph_, name("companion"), value_, drawn_function());
  }
  ActivationFunction drawn_function() {
    using F = ActivationFunction;
    return one_of(random_, std::array<F, 4>{F::kSilu, F::kGeluErf, F::kGeluTanh, F::kRelu});
  }

  ValueId product(const char* what, std::int64_t out) {
    const ValueId weight =
        add_value(graph_, {name(what) + ".weight", {out, width_}, DType::BF16, Role::kFrozen});
    std::optional<ValueId> bias;
    if (chance(random_, 2)) bias = parameter((std::string(what) + ".bias").c_str(), {out});
    return add_contraction(graph_, name(what), {{value_, false, weight, true, kFrozenForward}},
                           1.0f, bias, DType::BF16, Role::kIntermediate);
  }

  void embedding() {
    const std::int64_t rows = between(random_, 1, 40);
    // The columns of the table of an adapter on an embedding.
    const bool columns = chance(random_, 3);
    const ValueId table =
        parameter("embedding", columns ? Shape{width_, rows} : Shape{rows, width_});
    const Shape shape = chance(random_, 2) ? Shape{batch_, sequence_} : Shape{tokens()};
    const ValueId ids = add_value(graph_, {"ids", shape, DType::I64, Role::kInput});
    std::optional<std::int64_t> padding;
    if (chance(random_, 2)) padding = between(random_, 0, rows - 1);
    value_ = add_embedding(graph_, "embedded", table, ids, columns, padding);
    text_ = columns ? "embedding of columns" : "embedding";
  }

  // Logits and the cross-entropy of a head.
  ValueId loss() {
    ++ops_;
    const ValueId logits =
        long_rows_ ? add_scale(graph_, "logits", value_, 2.0f, DType::F32) : head();
    graph_.value(logits).role = Role::kResult;
    const bool shifted = sequence_ > 1 && chance(random_, 2);
    const Shape shape = shifted || chance(random_, 2) ? Shape{batch_, sequence_} : Shape{tokens()};
    const ValueId labels = add_value(graph_, {"labels", shape, DType::I64, Role::kInput});
    std::optional<ValueId> items;
    if (chance(random_, 3)) items = add_value(graph_, {"items", {1}, DType::I64, Role::kInput});
    const ValueId loss = add_cross_entropy(graph_, "loss", logits, labels, shifted, items);
    graph_.value(loss).role = Role::kResult;
    text_ += ", cross_entropy";
    return loss;
  }

  ValueId head() {
    const ValueId weight =
        add_value(graph_, {"head.weight", {drawn_width(), width_}, DType::BF16, Role::kFrozen});
    return add_contraction(graph_, "logits",
                           {{value_, false, weight, true, {Part::kHead, Pass::kForward}}}, 1.0f,
                           std::nullopt, DType::F32, Role::kIntermediate);
  }

  void linear() {
    if (long_rows_) return rms_norm();
    const std::int64_t out = drawn_width();
    value_ = product("linear", out);
    width_ = out;
  }
  void rms_norm() {
    const ValueId weight = parameter("norm.weight", {width_});
    value_ = add_rms_norm(graph_, name("rms_norm"), value_, weight, 1e-5);
  }
  void layer_norm() {
    const ValueId weight = parameter("norm.weight", {width_});
    const ValueId bias = parameter("norm.bias", {width_});
    value_ = add_layer_norm(graph_, name("layer_norm"), value_, weight, bias, 1e-12);
  }
  void activation() {
    const auto function = chance(random_, 5) ? ActivationFunction::kTanh : drawn_function();
    value_ = add_activation(graph_, name("activation"), value_, function);
  }
  void gated_activation() {
    value_ = add_gated_activation(graph_, name("gated"), value_, companion(), drawn_function());
  }
  void residual() { value_ = add_add(graph_, name("residual"), value_, companion()); }
  void multiply() {
    const ValueId factor = chance(random_, 2) ? parameter("factors", {width_}) : companion();
    value_ = add_multiply(graph_, name("product"), value_, factor);
  }
  void positions() {
    if (sequence_ == 1) return scale();
    const ValueId table = parameter("positions", {sequence_, width_});
    value_ = add_add(graph_, name("placed"), value_, table);
  }
  void scale() {
    ++ops_;
    value_ =
        add_scale(graph_, name("scaled"), value_, static_cast<float>(between(random_, 1, 9)) / 4);
  }
  void dropout() {
    if (!step_) step_ = add_value(graph_, {"step", {1}, DType::I64, Role::kInput});
    value_ = add_dropout(graph_, name("dropped"), value_, *step_,
                         static_cast<double>(between(random_, 0, 7)) / 8, random_(), random_() % 9);
  }
  // Parts of the columns in another order.
  void concat() {
    if (width_ < 2) return scale();
    const std::int64_t cut = between(random_, 1, width_ - 1);
    const ValueId left = add_slice(graph_, name("left"), value_, 1, 0, cut);
    const ValueId right = add_slice(graph_, name("right"), value_, 1, cut, width_ - cut);
    value_ = add_concat(graph_, name("exchanged"), {right, left}, 1);
  }
  void select_rows() {
    std::vector<std::int64_t> rows;
    for (std::int64_t row = 0; row < tokens(); ++row)
      if (rows.empty() || chance(random_, 2)) rows.push_back(row);
    value_ = add_select_rows(graph_, name("selected"), value_, rows);
    batch_ = 1;
    sequence_ = static_cast<std::int64_t>(rows.size());
  }
  // Rows that indices name, one of each sequence.
  void pick_rows() {
    const ValueId places = add_value(graph_, {name("picks"), {batch_}, DType::I64, Role::kInput});
    value_ = add_embedding(graph_, name("picked"), value_, places, false, std::nullopt);
    sequence_ = 1;
  }
  // A table with some rows trained, as many as there are tokens, times the value.
  void replace_rows() {
    const ValueId table = add_value(graph_, {name("table"), shape(), DType::BF16, Role::kFrozen});
    const std::int64_t row = between(random_, 0, tokens() - 1);
    const ValueId trained =
        add_value(graph_, {name("token"), {1, width_}, DType::F32, Role::kTrainable});
    trained_.push_back(trained);
    const ValueId replaced =
        add_replace_rows(graph_, name("replaced"), table, trained, {row}, DType::F32);
    value_ = add_multiply(graph_, name("by_table"), value_, replaced);
  }
  void slice_rows() {
    const std::int64_t length = between(random_, 1, tokens());
    const std::int64_t begin = between(random_, 0, tokens() - length);
    value_ = add_slice(graph_, name("rows"), value_, 0, begin, length);
    batch_ = 1;
    sequence_ = length;
  }

  // Probabilities of the value's own rows.
  void softmax_of_rows() {
    const ValueId heads = add_split_heads(graph_, name("heads"), value_, batch_, 1);
    const ValueId scores = add_scale(graph_, name("scores"), heads, 4.0f, DType::F32);
    const ValueId rows = add_convert(graph_, name("rows"), probabilities(scores));
    value_ = add_merge_heads(graph_, name("merged"), rows, batch_, 1);
  }

  ValueId probabilities(ValueId scores) {
    std::optional<ValueId> mask;
    if (chance(random_, 2)) {
      const Shape shape{batch_, graph_.value(scores).shape.back()};
      mask = add_value(graph_, {name("mask"), shape, DType::I64, Role::kInput});
    }
    return add_softmax(graph_, name("probabilities"), scores, mask, chance(random_, 2));
  }

  void attention() {
    if (long_rows_) return softmax_of_rows();
    // Heads of whole panels are views of the projections, others are moved.
    const bool panels = chance(random_, 4);
    const std::int64_t size =
        panels ? 64 : one_of(random_, std::array<std::int64_t, 4>{2, 3, 8, 12});
    const std::int64_t kv_heads = between(random_, 1, 2), times = between(random_, 1, 2);
    const std::int64_t heads = kv_heads * times;
    const auto split = [&](const char* what, std::int64_t count) {
      const ValueId projected = product(what, count * size);
      return add_split_heads(graph_, name(what) + "_heads", projected, batch_, count);
    };
    ValueId query = split("query", heads);
    ValueId key = split("key", kv_heads);
    ValueId value = split("value", kv_heads);
    if (size % 2 == 0 && chance(random_, 2)) {
      std::vector<float> frequencies;
      for (std::int64_t i = 0; i < size / 2; ++i)
        frequencies.push_back(1.0f / static_cast<float>(i + 1));
      query = add_rope(graph_, name("query_rotated"), query, frequencies);
      key = add_rope(graph_, name("key_rotated"), key, frequencies);
    }
    if (times > 1) {
      key = add_repeat_heads(graph_, name("key_repeated"), key, times);
      value = add_repeat_heads(graph_, name("value_repeated"), value, times);
    }
    const ValueId scores =
        add_contraction(graph_, name("scores"), {{query, false, key, true, kAttentionForward}},
                        static_cast<float>(1 / std::sqrt(static_cast<double>(size))), std::nullopt,
                        DType::F32, Role::kIntermediate);
    const ValueId operand = add_convert(graph_, name("probabilities.bf16"), probabilities(scores));
    const ValueId context = add_contraction(graph_, name("context_heads"),
                                            {{operand, false, value, false, kAttentionForward}},
                                            1.0f, std::nullopt, DType::BF16, Role::kIntermediate);
    value_ = add_merge_heads(graph_, name("context"), context, batch_, heads);
    width_ = heads * size;
  }

  Random& random_;
  const bool long_rows_;
  draw::Packing* const packing_;
  Graph graph_;
  std::int64_t batch_ = 1, sequence_ = 1, width_ = 1;
  ValueId input_ = -1, value_ = -1;
  std::optional<ValueId> step_;
  std::vector<ValueId> earlier_, trained_;
  int ops_ = 0;
  std::string text_;
};

// Of the table of which `ids` names rows.
std::int64_t rows_of_table(const Graph& graph, const Value& ids) {
  for (const Op& op : graph.ops) {
    const auto* embedding = std::get_if<Embedding>(&op);
    if (embedding == nullptr || graph.value(embedding->ids).name != ids.name) continue;
    const Shape& shape = graph.value(embedding->table).shape;
    return embedding->transposed ? shape.back() : shape.front();
  }
  return 1;
}

Tensor drawn_integers(Random& random, const Graph& graph, const Value& value) {
  if (value.name == "labels")
    return draw::labels(random, value.shape,
                        graph.value(*find_value(graph, "logits")).shape.back());
  Tensor tensor(DType::I64, value.shape);
  std::int64_t low = 1, high = 1000;
  const bool is_mask = value.name.compare(0, 4, "mask") == 0;
  if (is_mask) {
    low = 0;
    high = 1;
  } else if (value.name == "ids" || value.name.compare(0, 5, "picks") == 0) {
    low = 0;
    high = rows_of_table(graph, value) - 1;
  }
  for (std::int64_t i = 0; i < element_count(value.shape); ++i)
    tensor.data<std::int64_t>()[i] = between(random, low, high);
  if (is_mask) draw::mask_whole_rows(random, tensor);
  return tensor;
}

void draw_values(Random& random, draw::Packing& packing, GraphCase& graph) {
  TensorMap fed = optimizer_feeds(graph.program, 0);
  TensorMap numbers;
  for (const Value& value : graph.program.graph.values) {
    if (is_computed(value) || value.role == Role::kConstants) continue;
    if (value.dtype == DType::I64) {
      fed[value.name] = drawn_integers(random, graph.program.graph, value);
    } else {
      Tensor& drawn = numbers[value.name] = draw::numbers(random, value);
      if (graph.number % 4 == 1 && value.role != Role::kState) draw::make_ties(drawn);
    }
  }
  graph.packed = packing.take(graph.program.graph, numbers);
  if (graph.number % 4 == 3) graph.planted = draw::plant(random, numbers);
  packing.plant_more(graph);
  for (const Value& value : graph.program.graph.values) {
    const auto found = numbers.find(value.name);
    if (found == numbers.end()) continue;
    (value.role == Role::kInput ? fed : graph.given)[value.name] = std::move(found->second);
  }
  graph.feeds = {std::move(fed)};
}

// `packing`: of the weights, of which there must be one; nullptr: none is packed.
bool draw_program(Random& random, draw::Packing* packing, GraphCase& graph) {
  const bool long_rows = chance(random, 5);
  CompilerConfig& compiler = graph.config.compiler;
  compiler.accumulator_kib = compiler.scratchpad_kib =
      long_rows ? one_of(random, std::array<int, 3>{2, 3, 5}) : 0;
  RandomGraph drawn(random, long_rows, packing);
  const std::int64_t ops = between(random, 1, 3);
  for (std::int64_t i = 0; i < ops; ++i) drawn.add_op();
  OptimizerSettings optimizer;
  if (chance(random, 4)) optimizer.kind = OptimizerKind::kSgd;
  if (chance(random, 3)) optimizer.clip_norm = static_cast<double>(between(random, 1, 20)) / 8;
  // Of numbers of its own, so that those of the graph stay as they are.
  Random recomputed(graph.seed ^ 0x7265636f6d70);
  graph.program = drawn.finish(optimizer, draw::recompute_policy(recomputed));
  graph.ops = drawn.text();
  if (packing != nullptr && !packing->pack_some(graph.program.graph)) return false;
  if (chance(random, 2)) {
    for (Value& value : graph.program.graph.values)
      if (value.role == Role::kIntermediate) value.role = Role::kResult;
  }
  try {
    Config config = graph.config;
    config.compiler.rehearse = false;
    graph.config.watchdog_cycles +=
        draw::upload_cycles(config, compile_for(config, graph.program).memory_bytes);
    return true;
  } catch (const InputError&) {
    return false;
  }
}

}  // namespace

GraphCase make_graph_case(const CaseSource& source, std::uint64_t seed, int number) {
  GraphCase graph;
  Random random = draw::begin(graph, source, seed, number, 0x4772617068);
  CompilerConfig& compiler = graph.config.compiler;
  compiler.rehearse = number % 8 == 0;
  if (chance(random, 3)) compiler.block_rows = one_of(random, std::array<int, 3>{8, 16, 64});
  draw::Packing packing(graph);
  constexpr int kAttempts = 200, kPackedAttempts = 100;
  for (int attempt = 1;; ++attempt) {
    const bool packed = packing.wanted() && attempt <= kPackedAttempts;
    if (draw_program(random, packed ? &packing : nullptr, graph)) break;
    if (attempt < kAttempts) continue;
    compile_for(graph.config, graph.program);  // says what is too small
    break;
  }
  draw_values(random, packing, graph);
  return graph;
}

std::string describe(const GraphCase& graph) {
  return describe_setting("graph", graph) + ": " + graph.ops + describe_packed(graph) +
         describe_planted(graph);
}

}  // namespace corank
