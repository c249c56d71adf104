#include "host/compiler/schedule.h"

#include <algorithm>
#include <limits>

#include "models/graph/def_use.h"

namespace corank {
namespace {

constexpr int kNever = std::numeric_limits<int>::max();

bool has_pass(const Contraction& contraction, Pass pass) {
  return contraction.terms.front().kind.pass == pass;
}

// Whether a product's first term reads what a narrow one streams, and only others its result.
bool takes(const Contraction& host, const Contraction& rider) {
  const Term &first = host.terms.front(), &own = rider.terms.front();
  return first.left == own.left && first.left_transposed == own.left_transposed &&
         first.left != rider.out && first.right != rider.out &&
         std::any_of(host.terms.begin() + 1, host.terms.end(), [&](const Term& term) {
           return term.left == rider.out || term.right == rider.out;
         });
}

class Scheduler {
 public:
  Scheduler(const Graph& graph, const std::function<OpCost(int)>& cost)
      : graph_(graph), cost_(cost), uses_(graph) {
    for (const int writer : uses_.writer) computed_.push_back(writer < 0);
  }

  std::vector<Stage> run() {
    order_products();
    find_readers();
    int rider = -1;
    for (std::size_t i = 0; i < products_.size(); ++i) {
      const OpCost own = cost_(products_[i]);
      if (own.may_be_beside && first_reader(products_[i]) == kNever) {
        waiting_.push_back(products_[i]);
        continue;
      }
      // What this product reads and is not there yet has to come first, alone.
      const std::vector<int> waiting = waiting_;
      for (const int op : waiting) {
        if (first_reader(op) <= static_cast<int>(i)) place({op, {}});
      }
      if (own.may_ride && rider < 0 && rides_on_next(i)) {
        rider = products_[i];
        continue;
      }
      Stage stage{products_[i], {}, rider};
      if (rider >= 0) compute(rider);
      rider = -1;
      // Products first: an update may need the gradient.
      const auto put_beside = [&](bool products, std::int64_t free) {
        for (const int op : waiting_) {
          if ((product_at(graph_, op) != nullptr) != products) continue;
          const int reader = first_reader(op);
          const bool due = reader == kNever || reader == static_cast<int>(i) + 1;
          const OpCost cost = cost_(op);
          const std::int64_t cycles = products ? cost.array_cycles : cost.vector_cycles;
          if (!due || !cost.may_be_beside || cycles > free || !ready(op)) continue;
          free -= cycles;
          stage.beside.push_back(op);
          compute(op);
        }
      };
      put_beside(true, own.array_cycles / 2);
      put_beside(false, own.array_cycles / 2);
      place(stage);
    }
    while (!waiting_.empty()) place({next_ready(), {}});
    return std::move(stages_);
  }

 private:
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
    const std::vector<ValueId> theirs = other->operands();
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
  bool rides_on_next(std::size_t i) const {
    std::size_t follower = i + 1;
    while (follower < products_.size() && cost_(products_[follower]).may_be_beside &&
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
           takes(*product_at(graph_, products_[follower]), *product_at(graph_, products_[i]));
  }

  bool ready(int op) const {
    const std::vector<ValueId> operands = operands_of(op_at(op));
    return std::all_of(operands.begin(), operands.end(),
                       [&](ValueId id) { return computed_[static_cast<std::size_t>(id)]; });
  }

  int next_ready() const {
    return *std::find_if(waiting_.begin(), waiting_.end(), [&](int op) { return ready(op); });
  }

  void compute(int op) {
    for (const ValueId id : results_of(op_at(op))) computed_[static_cast<std::size_t>(id)] = true;
  }

  void place(const Stage& stage) {
    stages_.push_back(stage);
    compute(stage.op);
    const std::vector<int> ops = stage.ops();
    const auto placed = [&](int op) { return std::find(ops.begin(), ops.end(), op) != ops.end(); };
    waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(), placed), waiting_.end());
  }

  const Graph& graph_;
  const std::function<OpCost(int)>& cost_;
  const DefUse uses_;
  std::vector<bool> computed_;  // by value
  std::vector<int> products_;   // in the order in which they are carried out
  std::vector<int> reader_;     // by value: the first product that reads it, as an index
  std::vector<int> waiting_;    // element-wise ops, and products that go beside another
  std::vector<Stage> stages_;
};

}  // namespace

const Contraction* product_at(const Graph& graph, int op) {
  return std::get_if<Contraction>(&graph.ops[static_cast<std::size_t>(op)]);
}

bool rides(const Graph& graph, const Contraction& own) {
  return std::any_of(graph.ops.begin(), graph.ops.end(), [&](const Op& op) {
    const auto* other = std::get_if<Contraction>(&op);
    return other != nullptr && takes(*other, own);
  });
}

std::vector<int> Stage::ops() const {
  std::vector<int> ops;
  if (rider >= 0) ops.push_back(rider);
  ops.push_back(op);
  ops.insert(ops.end(), beside.begin(), beside.end());
  return ops;
}

std::vector<Stage> schedule(const Graph& graph, const std::function<OpCost(int)>& cost) {
  return Scheduler(graph, cost).run();
}

}  // namespace corank
