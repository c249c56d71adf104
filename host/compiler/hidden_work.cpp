#include "host/compiler/hidden_work.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "host/compiler/views.h"

namespace corank {
namespace {

// Of a product's time so much may be filled with work of the vector unit: the estimates of both are
// rough, and what takes longer makes the array wait. A choice.
constexpr double kFilled = 0.9;
// It must save so much of what the work takes by itself, a choice too.
constexpr double kWorthMoving = 0.5;
// Stages to either side in which a product is looked for: about those of two layers, forward.
constexpr int kReach = 80;

class Hiding {
 public:
  Hiding(std::vector<Stage> stages, const StepContext& step, const DefUse& uses, const Costs& costs)
      : step_(step),
        uses_(uses),
        costs_(costs),
        node_of_(step.graph.ops.size(), -1),
        anchors_(anchors_of(step.graph)),
        anchored_(step.graph.ops.size()) {
    for (Stage& stage : stages) {
      if (step.lowering(stage.op).is_view) {
        views_.push_back(stage);
        continue;
      }
      const int node = static_cast<int>(stages_.size());
      order_.push_back(node);
      for (const int op : stage.ops()) node_of_[index(op)] = node;
      stages_.push_back(std::move(stage));
    }
    find_writers();
  }

  std::vector<Stage> run() {
    std::vector<std::pair<double, int>> work;
    for (const int node : order_) {
      const int op = stages_[index(node)].op;
      if (!is_candidate(op)) continue;
      const double cycles = costs_.alone(op).longest();
      if (cycles > 0) work.emplace_back(-cycles, node);
    }
    std::stable_sort(work.begin(), work.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [cycles, node] : work) hide(node, -cycles);
    return with_views();
  }

 private:
  // Passes over regions; of element-wise ops those that work on what is computed: copies of
  // parameters and updates have been overlapped by the schedule, layer by layer.
  bool is_candidate(int op) const {
    if (step_.product(op) != nullptr) return false;
    if (!step_.lowering(op).passes.empty()) return true;
    const std::vector<ValueId> operands = operands_of(step_.op(op));
    return costs_.of_op(op).may_overlap &&
           std::all_of(operands.begin(), operands.end(),
                       [&](ValueId id) { return is_computed(step_.graph.value(id)); });
  }

  static std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

  // ---- who waits for whom
  // Of a value that is a view, and of what it is a view of, all ops that write a part.
  void find_writers() {
    writers_.resize(step_.graph.values.size());
    overwritten_.assign(step_.graph.values.size(), -1);
    readers_.resize(step_.graph.values.size());
    for (std::size_t op = 0; op < step_.graph.ops.size(); ++op) {
      if (step_.lowering(static_cast<int>(op)).is_view) continue;
      if (anchors_[op] >= 0) anchored_[index(anchors_[op])].push_back(static_cast<int>(op));
      for (const ValueId id : results_of(step_.graph.ops[op]))
        writers_[index(place_of(id))].push_back(static_cast<int>(op));
      for (const ValueId id : operands_of(step_.graph.ops[op]))
        readers_[index(place_of(id))].push_back(static_cast<int>(op));
    }
    next_.assign(overwritten_.size(), -1);
    for (const State& state : step_.plan.states) {
      overwritten_[index(state.next)] = state.value;
      next_[index(state.value)] = state.next;
    }
  }
  ValueId place_of(ValueId id) const { return root_of(step_.plan.view_of, id); }

  // The ops that an op comes after.
  std::vector<int> before(int op) const {
    std::vector<int> ops;
    const auto add = [&](const std::vector<int>& others) {
      std::copy_if(others.begin(), others.end(), std::back_inserter(ops),
                   [&](int other) { return other != op; });
    };
    for (const ValueId id : operands_of(step_.op(op))) add(writers_[index(place_of(id))]);
    for (const ValueId id : results_of(step_.op(op)))
      if (overwritten_[index(id)] >= 0) add(readers_[index(overwritten_[index(id)])]);
    if (anchors_[index(op)] >= 0) ops.push_back(anchors_[index(op)]);
    return ops;
  }
  // Those that come after it.
  std::vector<int> after(int op) const {
    std::vector<int> ops = anchored_[index(op)];
    for (const ValueId id : results_of(step_.op(op))) {
      const std::vector<int>& readers = readers_[index(place_of(id))];
      ops.insert(ops.end(), readers.begin(), readers.end());
    }
    for (const ValueId id : operands_of(step_.op(op))) {
      if (next_[index(id)] < 0) continue;
      const std::vector<int>& writers = writers_[index(next_[index(id)])];
      std::copy_if(writers.begin(), writers.end(), std::back_inserter(ops),
                   [&](int other) { return other != op; });
    }
    return ops;
  }

  // ---- where a stage may lie
  // Between these places, neither included.
  struct Window {
    int low = -1, high = 0;
    bool is_empty() const { return low >= high; }
  };
  Window window_of(int node, int but = -1) const {
    Window window{-1, static_cast<int>(order_.size())};
    for (const int op : stages_[index(node)].ops()) {
      for (const int other : before(op)) {
        const int there = node_of_[index(other)];
        if (there != node && there != but) window.low = std::max(window.low, place_[index(there)]);
      }
      for (const int other : after(op)) {
        const int there = node_of_[index(other)];
        if (there != node && there != but)
          window.high = std::min(window.high, place_[index(there)]);
      }
    }
    return window;
  }
  static Window meet(const Window& a, const Window& b) {
    return {std::max(a.low, b.low), std::min(a.high, b.high)};
  }

  // That the work needs nothing of the product's own, nor that anything of it. What it needs of
  // work that is overlapped with the product already comes before it; a view of that would not.
  bool are_apart(int work, int product) const {
    const int op = stages_[index(work)].op;
    const std::vector<int>& overlapped = stages_[index(product)].overlapped;
    std::vector<int> direct;
    for (const ValueId id : operands_of(step_.op(op))) {
      const int writer = uses_.writer[index(id)];
      if (std::count(overlapped.begin(), overlapped.end(), writer) > 0) direct.push_back(writer);
    }
    const std::vector<int> needed = before(op), readers = after(op);
    return std::none_of(needed.begin(), needed.end(),
                        [&](int other) {
                          return node_of_[index(other)] == product &&
                                 std::count(direct.begin(), direct.end(), other) == 0;
                        }) &&
           std::none_of(readers.begin(), readers.end(),
                        [&](int other) { return node_of_[index(other)] == product; });
  }

  // ---- the choice
  // Cycles that the vector unit has left while the array works on a product.
  double free_cycles(const Stage& stage, double cycles) const {
    double filled = 0;
    const auto add = [&](const std::vector<int>& ops) {
      for (const int op : ops) {
        if (step_.product(op) == nullptr)
          filled += static_cast<double>(costs_.of_op(op).vector_cycles);
      }
    };
    add(stage.followers);
    add(stage.overlapped);
    return kFilled * cycles - filled;
  }

  void hide(int work, double cycles) {
    place_.resize(stages_.size());
    for (std::size_t i = 0; i < order_.size(); ++i) place_[index(order_[i])] = static_cast<int>(i);
    const int here = place_[index(work)], op = stages_[index(work)].op;
    const auto needed = static_cast<double>(costs_.of_op(op).vector_cycles);
    for (int distance = 1; distance <= kReach; ++distance) {
      for (const int place : {here - distance, here + distance}) {
        if (place < 0 || place >= static_cast<int>(order_.size())) continue;
        const int node = order_[index(place)];
        const Stage& stage = stages_[index(node)];
        if (step_.product(stage.op) == nullptr || !are_apart(work, node)) continue;
        const Window window = meet(window_of(work, node), window_of(node, work));
        if (window.is_empty()) continue;
        Stage together = stage;
        together.overlapped.push_back(op);
        const double before = costs_.cycles_of(stage);
        const double beyond = std::max(0.0, needed - free_cycles(stage, before));
        const double more = costs_.cycles_of(together) - before + beyond;
        if (!(more < cycles * kWorthMoving)) continue;
        join(work, node, std::move(together), window);
        return;
      }
    }
  }

  void join(int work, int node, Stage together, const Window& window) {
    const int place = place_[index(node)];
    const int to = place <= window.low ? window.low : place >= window.high ? window.high : place;
    // Behind the last one that it needs, or before the first one that needs it.
    std::vector<int> order;
    for (int i = 0; i < static_cast<int>(order_.size()); ++i) {
      const int other = order_[index(i)];
      if (i == to && place >= window.high) order.push_back(node);
      if (other != node && other != work) order.push_back(other);
      if (i == to && place < window.high) order.push_back(node);
    }
    order_ = std::move(order);
    node_of_[index(stages_[index(work)].op)] = node;
    stages_[index(node)] = std::move(together);
  }

  // Each behind the last op that writes a part of its operand.
  std::vector<Stage> with_views() {
    std::vector<Stage> all;
    std::set<int> done;
    const auto place_views = [&] {
      for (bool placed = true; placed;) {
        placed = false;
        for (auto view = views_.begin(); view != views_.end(); ++view) {
          const std::vector<ValueId> operands = operands_of(step_.op(view->op));
          const bool ready = std::all_of(operands.begin(), operands.end(), [&](ValueId id) {
            const int writer = uses_.writer[index(id)];
            return writer < 0 || done.count(writer) > 0;
          });
          if (!ready) continue;
          done.insert(view->op);
          all.push_back(*view);
          views_.erase(view);
          placed = true;
          break;
        }
      }
    };
    place_views();
    for (const int node : order_) {
      all.push_back(stages_[index(node)]);
      for (const int op : stages_[index(node)].ops()) done.insert(op);
      place_views();
    }
    return all;
  }

  const StepContext& step_;
  const DefUse& uses_;
  const Costs& costs_;
  std::vector<Stage> stages_;                        // by node
  std::vector<Stage> views_;                         // ops without commands, not yet placed
  std::vector<int> order_;                           // nodes
  std::vector<int> place_;                           // in it, by node
  std::vector<int> node_of_;                         // by op; -1: a view
  const std::vector<int> anchors_;                   // by op (schedule.h)
  std::vector<std::vector<int>> anchored_;           // by op: those whose anchor it is
  std::vector<std::vector<int>> writers_, readers_;  // ops, by the value in whose place it lies
  // By value: the state whose place it takes; the reverse.
  std::vector<ValueId> overwritten_, next_;
};

}  // namespace

std::vector<Stage> hide_vector_work(std::vector<Stage> stages, const StepContext& step,
                                    const DefUse& uses, const Costs& costs) {
  return Hiding(std::move(stages), step, uses, costs).run();
}

}  // namespace corank
