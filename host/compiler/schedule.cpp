#include "host/compiler/schedule.h"

#include <algorithm>
#include <limits>
#include <set>

#include "models/base/error.h"

namespace corank {
namespace {

constexpr int kNever = std::numeric_limits<int>::max();

// One part in so many of a product's time is filled with element-wise work, as much with products:
// the estimates of both are rough, and what takes longer than the product makes the array wait.
constexpr std::int64_t kOverlapShare = 2;

bool has_pass(const Contraction& contraction, Pass pass) {
  return contraction.terms.front().kind.pass == pass;
}

const Contraction* product_at(const Graph& graph, int op) {
  return contraction_of(graph.ops[static_cast<std::size_t>(op)]);
}

// Whether a product's first term reads what moves for a narrow one, and only others its result.
bool carries(const Contraction& carrier, const Contraction& narrow) {
  const Term &first = carrier.terms.front(), &own = narrow.terms.front();
  return first.left == own.left && first.left_transposed == own.left_transposed &&
         first.left != narrow.out && first.right != narrow.out &&
         std::any_of(carrier.terms.begin() + 1, carrier.terms.end(), [&](const Term& term) {
           return term.left == narrow.out || term.right == narrow.out;
         });
}

class Scheduler {
 public:
  Scheduler(const Graph& graph, const DefUse& uses, const std::vector<State>& states,
            const std::function<OpCost(int)>& cost)
      : graph_(graph),
        cost_(cost),
        uses_(uses),
        anchors_(anchors_of(graph)),
        carried_out_(graph.ops.size(), false) {
    for (const int writer : uses_.writer) computed_.push_back(writer < 0);
    overwritten_.assign(graph.values.size(), -1);
    for (const State& state : states)
      overwritten_[static_cast<std::size_t>(state.next)] = state.value;
  }

  std::vector<Stage> run() {
    order_products();
    find_readers();
    int fused = -1;
    for (std::size_t i = 0; i < products_.size(); ++i) {
      const OpCost own = cost_(products_[i]);
      if (own.may_overlap && first_reader(products_[i]) == kNever) {
        waiting_.push_back(products_[i]);
        continue;
      }
      // What this product reads and is not there yet has to come first, alone.
      const std::vector<int> waiting = waiting_;
      for (const int op : waiting) {
        if (first_reader(op) <= static_cast<int>(i)) place({op, {}});
      }
      if (own.may_fuse && fused < 0 && is_fused_with_next(i)) {
        fused = products_[i];
        continue;
      }
      Stage stage{products_[i], {}, fused};
      follow(stage);
      if (fused >= 0) compute(fused);
      fused = -1;
      // Products first: an update may need the gradient.
      overlap(stage, true, i, own.array_cycles / kOverlapShare);
      overlap(stage, false, i, own.array_cycles / kOverlapShare);
      place(stage);
    }
    while (!waiting_.empty()) place({next_ready(), {}});
    return std::move(stages_);
  }

 private:
  // Adds what waits and is due, products or element-wise ops, to the stage of product `i`, as long
  // as it takes no more than `free` cycles.
  void overlap(Stage& stage, bool products, std::size_t i, std::int64_t free) {
    for (const int op : waiting_) {
      if ((product_at(graph_, op) != nullptr) != products) continue;
      const int reader = first_reader(op);
      const bool due = reader == kNever || reader == static_cast<int>(i) + 1;
      const OpCost cost = cost_(op);
      const std::int64_t cycles = products ? cost.array_cycles : cost.vector_cycles;
      if (!due || !cost.may_overlap || cycles > free || !ready(op)) continue;
      free -= cycles;
      stage.overlapped.push_back(op);
      compute(op);
    }
  }

  // Adds what works on the product's result and needs nothing else that is not there yet.
  void follow(Stage& stage) {
    std::vector<ValueId> there;
    std::set<int> readers;
    const auto add = [&](int op) {
      for (const ValueId id : results_of(op_at(op))) {
        there.push_back(id);
        const std::vector<int>& of_value = uses_.readers[static_cast<std::size_t>(id)];
        readers.insert(of_value.begin(), of_value.end());
      }
    };
    add(stage.op);
    for (auto op = readers.begin(); op != readers.end(); ++op) {  // a reader comes after the writer
      if (product_at(graph_, *op) != nullptr || !may_follow(*op, there)) continue;
      stage.followers.push_back(*op);
      add(*op);
    }
  }

  // After a product of which, with what else follows it, these values are there.
  bool may_follow(int op, const std::vector<ValueId>& there) const {
    const auto is_there = [&](ValueId id) {
      return std::find(there.begin(), there.end(), id) != there.end();
    };
    const std::vector<ValueId> operands = operands_of(op_at(op)), results = results_of(op_at(op));
    const OpCost cost = cost_(op);
    if (!cost.may_follow || !is_behind_anchor(op) ||
        std::any_of(cost.replaced.begin(), cost.replaced.end(), is_there))
      return false;
    const Shape& shape = graph_.value(there.front()).shape;
    return std::all_of(operands.begin(), operands.end(),
                       [&](ValueId id) {
                         return computed_[static_cast<std::size_t>(id)] || is_there(id);
                       }) &&
           std::all_of(results.begin(), results.end(), [&](ValueId id) {
             // An update waits for others that read the state, perhaps in the next product.
             return graph_.value(id).shape == shape &&
                    overwritten_[static_cast<std::size_t>(id)] < 0;
           });
  }

  const Op& op_at(int op) const { return graph_.ops[static_cast<std::size_t>(op)]; }

  // Parameters' gradients move in front of the input gradient of their layer, which is the product
  // that reads the same output gradient.
  void order_products() {
    for (int op = 0; op < static_cast<int>(graph_.ops.size()); ++op) {
      const Contraction* contraction = product_at(graph_, op);
      if (contraction == nullptr) {
        waiting_.push_back(op);
        continue;
      }
      auto place = products_.end();
      if (has_pass(*contraction, Pass::kWeightGradient)) {
        while (place != products_.begin() && may_swap(*(place - 1), op)) --place;
      }
      products_.insert(place, op);
    }
  }

  bool may_swap(int earlier, int op) const {
    const Contraction* other = product_at(graph_, earlier);
    if (!has_pass(*other, Pass::kInputGradient)) return false;
    bool shared = false;
    const std::vector<ValueId> theirs = operands_of(*other);
    for (const ValueId id : operands_of(op_at(op))) {
      if (is_made_of(id, earlier)) return false;
      shared = shared || std::find(theirs.begin(), theirs.end(), id) != theirs.end();
    }
    return shared;
  }

  // Whether a value is the product's result, or element-wise ops make it of that.
  bool is_made_of(ValueId id, int product) const {
    std::vector<ValueId> makers{id};
    std::vector<bool> seen(graph_.values.size(), false);
    while (!makers.empty()) {
      const ValueId maker = makers.back();
      makers.pop_back();
      const int writer = uses_.writer[static_cast<std::size_t>(maker)];
      if (writer == product) return true;
      if (writer < 0 || product_at(graph_, writer) != nullptr) continue;
      if (seen[static_cast<std::size_t>(maker)]) continue;
      seen[static_cast<std::size_t>(maker)] = true;
      for (const ValueId operand : operands_of(op_at(writer))) makers.push_back(operand);
    }
    return false;
  }

  // An element-wise op passes on when its result is needed.
  void find_readers() {
    reader_.assign(graph_.values.size(), kNever);
    const auto read = [&](int op, int reader) {
      for (const ValueId id : operands_of(op_at(op))) {
        int& first = reader_[static_cast<std::size_t>(id)];
        first = std::min(first, reader);
      }
    };
    for (std::size_t i = 0; i < products_.size(); ++i) read(products_[i], static_cast<int>(i));
    for (int op = static_cast<int>(graph_.ops.size()); op-- > 0;) {
      if (product_at(graph_, op) == nullptr) read(op, first_reader(op));
    }
  }

  // Index into products_ of the first one that needs a result of the op, by way of element-wise ops
  // too; kNever: none does.
  int first_reader(int op) const {
    int first = kNever;
    for (const ValueId id : results_of(op_at(op)))
      first = std::min(first, reader_[static_cast<std::size_t>(id)]);
    return first;
  }

  // Whether the next product is one that this one can go along with.
  bool is_fused_with_next(std::size_t i) const {
    std::size_t follower = i + 1;
    while (follower < products_.size() && cost_(products_[follower]).may_overlap &&
           first_reader(products_[follower]) == kNever)
      ++follower;
    if (follower == products_.size()) return false;
    // What element-wise ops make of its result must not be needed before it is there.
    const std::vector<ValueId> results = results_of(op_at(products_[i]));
    const bool passed_on = std::any_of(waiting_.begin(), waiting_.end(), [&](int op) {
      const std::vector<ValueId> operands = operands_of(op_at(op));
      return first_reader(op) <= static_cast<int>(follower) &&
             std::find_first_of(operands.begin(), operands.end(), results.begin(), results.end()) !=
                 operands.end();
    });
    return !passed_on &&
           carries(*product_at(graph_, products_[follower]), *product_at(graph_, products_[i]));
  }

  bool ready(int op) const {
    const std::vector<ValueId> operands = operands_of(op_at(op));
    return std::all_of(operands.begin(), operands.end(),
                       [&](ValueId id) { return computed_[static_cast<std::size_t>(id)]; }) &&
           is_behind_anchor(op) && overwrites_nothing_needed(op);
  }

  bool is_behind_anchor(int op) const {
    const int anchor = anchors_[static_cast<std::size_t>(op)];
    return anchor < 0 || carried_out_[static_cast<std::size_t>(anchor)];
  }

  // Whether all others have read the states whose places the op's results take.
  bool overwrites_nothing_needed(int op) const {
    const std::vector<ValueId> results = results_of(op_at(op));
    return std::all_of(results.begin(), results.end(), [&](ValueId result) {
      const ValueId state = overwritten_[static_cast<std::size_t>(result)];
      if (state < 0) return true;
      const std::vector<int>& readers = uses_.readers[static_cast<std::size_t>(state)];
      return std::all_of(readers.begin(), readers.end(), [&](int reader) {
        return reader == op || carried_out_[static_cast<std::size_t>(reader)];
      });
    });
  }

  int next_ready() const {
    const auto next =
        std::find_if(waiting_.begin(), waiting_.end(), [&](int op) { return ready(op); });
    if (next == waiting_.end())
      throw MachineError(
          "internal fault, please report it: " + result_name(graph_, op_at(waiting_.front())) +
          " waits for what is never there");
    return *next;
  }

  void compute(int op) {
    carried_out_[static_cast<std::size_t>(op)] = true;
    for (const ValueId id : results_of(op_at(op))) computed_[static_cast<std::size_t>(id)] = true;
  }

  void place(const Stage& stage) {
    stages_.push_back(stage);
    compute(stage.op);
    for (const int op : stage.followers) compute(op);
    const std::vector<int> ops = stage.ops();
    const auto placed = [&](int op) { return std::find(ops.begin(), ops.end(), op) != ops.end(); };
    waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(), placed), waiting_.end());
  }

  const Graph& graph_;
  const std::function<OpCost(int)>& cost_;
  const DefUse& uses_;
  const std::vector<int> anchors_;    // by op
  std::vector<bool> computed_;        // by value
  std::vector<bool> carried_out_;     // by op
  std::vector<ValueId> overwritten_;  // by value: the state whose place it takes, -1: none
  std::vector<int> products_;         // in the order in which they are carried out
  std::vector<int> reader_;           // by value: the first product that reads it, as an index
  std::vector<int> waiting_;  // element-wise ops, and products that are overlapped with another
  std::vector<Stage> stages_;
};

}  // namespace

bool has_carrier(const Graph& graph, const Contraction& product) {
  return std::any_of(graph.ops.begin(), graph.ops.end(), [&](const Op& op) {
    const Contraction* other = contraction_of(op);
    return other != nullptr && carries(*other, product);
  });
}

std::vector<int> anchors_of(const Graph& graph) {
  std::vector<int> anchors(graph.ops.size(), -1);
  int last = -1;
  for (std::size_t op = 0; op < graph.ops.size(); ++op) {
    const Contraction* product = contraction_of(graph.ops[op]);
    if (origin_of(graph, graph.ops[op]).kind.pass == Pass::kRecompute) {
      anchors[op] = last;
    } else if (product != nullptr && has_pass(*product, Pass::kInputGradient)) {
      last = static_cast<int>(op);
    }
  }
  return anchors;
}

std::vector<int> Stage::ops() const {
  std::vector<int> ops;
  if (fused >= 0) ops.push_back(fused);
  ops.push_back(op);
  ops.insert(ops.end(), followers.begin(), followers.end());
  ops.insert(ops.end(), overlapped.begin(), overlapped.end());
  return ops;
}

std::vector<Stage> schedule(const Graph& graph, const DefUse& uses,
                            const std::vector<State>& states,
                            const std::function<OpCost(int)>& cost) {
  return Scheduler(graph, uses, states, cost).run();
}

}  // namespace corank
