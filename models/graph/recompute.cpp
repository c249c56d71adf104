#include "models/graph/recompute.h"

#include <iterator>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "models/graph/def_use.h"

namespace corank {
namespace {

std::size_t place(ValueId id) { return static_cast<std::size_t>(id); }

class Recomputation {
 public:
  Recomputation(Graph& graph, std::size_t forward_ops, RecomputePolicy policy)
      : graph_(graph),
        policy_(policy),
        writer_(graph.values.size(), -1),
        dropped_(graph.values.size(), false),
        copied_(graph.values.size(), false) {
    const auto first = graph.ops.begin() + static_cast<std::ptrdiff_t>(forward_ops);
    backward_.assign(std::make_move_iterator(first), std::make_move_iterator(graph.ops.end()));
    graph.ops.erase(first, graph.ops.end());
    for (std::size_t i = 0; i < forward_ops; ++i)
      for (const ValueId id : results_of(graph.ops[i])) writer_[place(id)] = static_cast<int>(i);
    if (policy == RecomputePolicy::kAttention) drop_probabilities();
    if (policy == RecomputePolicy::kLayers) drop_layers();
    find_copies();
  }

  void run() {
    for (Op& op : backward_) {
      read_again(op, origin_of(graph_, op).kind.pass);
      graph_.ops.push_back(std::move(op));
    }
  }

 private:
  void drop_probabilities() {
    for (const Op& op : graph_.ops) {
      const auto* softmax = std::get_if<Softmax>(&op);
      if (softmax == nullptr) continue;
      dropped_[place(softmax->out)] = is_inside(softmax->out);
      dropped_[place(softmax->scores)] = is_inside(softmax->scores);
    }
  }

  void drop_layers() {
    const std::vector<bool> varies = depend_on_feeds(graph_);
    for (std::size_t id = 0; id < writer_.size(); ++id)
      dropped_[id] =
          graph_.values[id].origin.group >= 0 && varies[id] && is_inside(static_cast<ValueId>(id));
    for (const Op& op : graph_.ops) {
      for (const ValueId id : operands_of(op))
        if (graph_.value(id).origin.group != origin_of(graph_, op).group)
          dropped_[place(id)] = false;
    }
  }

  // Computed by the forward pass, for nobody outside of the step.
  bool is_inside(ValueId id) const {
    return writer_[place(id)] >= 0 && graph_.value(id).role == Role::kIntermediate;
  }

  // Which moves and roundings are made again for products. Copies of masters are made once a step.
  void find_copies() {
    std::set<ValueId> read, read_by_others;
    for (const Op& op : backward_) {
      for (const ValueId id : operands_of(op)) {
        read.insert(id);
        if (contraction_of(op) == nullptr) read_by_others.insert(id);
      }
    }
    for (const Op& op : graph_.ops) {
      const Recompute recompute = traits_of(op).recompute;
      if (recompute == Recompute::kNever) continue;
      const ValueId in = operands_of(op).front(), out = results_of(op).front();
      const bool is_there =
          is_computed(graph_.value(in)) && (read.count(in) > 0 || dropped_[place(in)]);
      copied_[place(out)] = is_inside(out) && read_by_others.count(out) == 0 &&
                            (recompute == Recompute::kAlways || is_there);
    }
  }

  void read_again(Op& op, Pass pass) {
    replace_operands(op, [&](ValueId id) { return is_kept(id) ? id : again(id, pass); });
  }

  bool is_kept(ValueId id) const {
    const std::size_t i = place(id);
    return i >= writer_.size() || (!dropped_[i] && !copied_[i]);
  }

  // The copy of a value that an op of this pass reads.
  ValueId again(ValueId id, Pass reader) {
    const auto made = again_.find(id);
    if (made != again_.end()) return made->second;
    const bool is_dropped = dropped_[place(id)];
    const Pass pass = is_dropped ? Pass::kRecompute : reader;
    Op op = op_again(graph_.ops[place(writer_[place(id)])]);
    read_again(op, pass);
    replace_results(op, [&](ValueId result) {
      const Value value = graph_.value(result);
      Origin origin = value.origin;
      origin.kind = is_dropped ? kRecomputed : GemmKind{origin.kind.part, pass};
      const ValueId copy = add_value(
          graph_, {value.name + ".again", value.shape, value.dtype, Role::kIntermediate}, origin);
      again_[result] = copy;
      return copy;
    });
    graph_.ops.push_back(std::move(op));
    return again_.at(id);
  }

  Op op_again(Op& forward) {
    auto* softmax = std::get_if<Softmax>(&forward);
    if (softmax != nullptr && policy_ == RecomputePolicy::kAttention) {
      if (!softmax->largest) add_row_statistics(graph_, *softmax);
      return SoftmaxFromStatistics{softmax->scores,   softmax->mask,         softmax->causal,
                                   *softmax->largest, *softmax->inverse_sum, softmax->out};
    }
    Op op = forward;
    if (auto* product = std::get_if<Contraction>(&op))
      for (Term& term : product->terms) term.kind = kRecomputed;
    return op;
  }

  Graph& graph_;  // the forward pass, behind which the rest comes op by op
  const RecomputePolicy policy_;
  std::vector<Op> backward_;
  // By the values that there were at first:
  std::vector<int> writer_;    // the forward op; -1: none
  std::vector<bool> dropped_;  // by the policy
  std::vector<bool> copied_;   // a move or a rounding
  std::map<ValueId, ValueId> again_;
};

}  // namespace

const char* name_of(RecomputePolicy policy) {
  switch (policy) {
    case RecomputePolicy::kNone:
      return "none";
    case RecomputePolicy::kAttention:
      return "attention";
    case RecomputePolicy::kLayers:
      return "layers";
  }
  return "";  // not reached: every policy stands above
}

void recompute(Graph& graph, std::size_t forward_ops, RecomputePolicy policy) {
  Recomputation(graph, forward_ops, policy).run();
}

}  // namespace corank
