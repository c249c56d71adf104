// The verifier of plans. It knows what a plan must be, not how the compiler comes to one.

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <variant>

#include "host/compiler/plan.h"

namespace corank {
namespace {

class Verifier {
 public:
  Verifier(const Plan& plan, const Graph& graph, const MachineShape& machine)
      : plan_(plan), graph_(graph), machine_(machine) {}

  std::vector<std::string> run() {
    check_order();
    check_layouts();
    check_memory();
    for (std::size_t stage = 0; stage < plan_.buffers.size(); ++stage) check_buffers(stage);
    return std::move(found_);
  }

 private:
  template <class... Arguments>
  void say(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    found_.push_back(fmt::format(text, std::forward<Arguments>(arguments)...));
  }
  const Op& op_at(int op) const { return graph_.ops[static_cast<std::size_t>(op)]; }
  const std::string& name(ValueId id) const { return graph_.value(id).name; }

  // ---- every operand is computed before its use
  void check_order() {
    computed_.assign(graph_.values.size(), true);
    for (const Op& op : graph_.ops) {
      for (const ValueId id : results_of(op)) computed_[static_cast<std::size_t>(id)] = false;
    }
    std::vector<int> times(graph_.ops.size(), 0);
    for (std::size_t i = 0; i < plan_.stages.size(); ++i) {
      check_stage(i);
      for (const int op : plan_.stages[i].ops()) ++times[static_cast<std::size_t>(op)];
    }
    for (std::size_t op = 0; op < times.size(); ++op) {
      if (times[op] == 1) continue;
      say("{} is carried out {} times", result_name(graph_, graph_.ops[op]), times[op]);
    }
  }

  void check_stage(std::size_t i) {
    const Stage& stage = plan_.stages[i];
    // The stage's own product begins with its first term, together with the fused product.
    if (const Contraction* product = contraction_of(op_at(stage.op))) {
      std::vector<ValueId> first = {product->terms.front().left, product->terms.front().right};
      if (product->bias) first.push_back(*product->bias);
      require(i, stage.op, first);
    }
    if (stage.fused >= 0) carry_out(i, stage.fused);
    require(i, stage.op, operands_of(op_at(stage.op)));
    // What is overlapped with it does not wait for its result, nor it for what overlaps.
    for (const int op : stage.overlapped) carry_out(i, op);
    require_unchanged(i, stage.op);
    for (const ValueId id : results_of(op_at(stage.op))) {
      computed_[static_cast<std::size_t>(id)] = true;
    }
  }

  void carry_out(std::size_t stage, int op) {
    require(stage, op, operands_of(op_at(op)));
    require_unchanged(stage, op);
    for (const ValueId id : results_of(op_at(op))) computed_[static_cast<std::size_t>(id)] = true;
  }

  // That no state which an op reads has been overwritten by its next value.
  void require_unchanged(std::size_t stage, int op) {
    for (const ValueId id : operands_of(op_at(op))) {
      for (const State& state : plan_.states) {
        if (state.value != id || !computed_[static_cast<std::size_t>(state.next)]) continue;
        say("stage {}: {} reads {} when {} has taken its place", stage,
            result_name(graph_, op_at(op)), name(id), name(state.next));
      }
    }
  }

  void require(std::size_t stage, int op, const std::vector<ValueId>& operands) {
    for (const ValueId id : operands) {
      if (computed_[static_cast<std::size_t>(id)]) continue;
      say("stage {}: {} reads {} before it is computed", stage, result_name(graph_, op_at(op)),
          name(id));
    }
  }

  // ---- a layout holds its value, neither less nor more
  void check_layouts() {
    for (std::size_t id = 0; id < graph_.values.size(); ++id) {
      const Value& value = graph_.values[id];
      const TensorLayout& layout = plan_.layouts[id];
      std::int64_t elements = 1;
      for (const LayoutDimension& dimension : layout.dimensions) elements *= dimension.extent;
      if (layout.format != format_of(value.dtype) || elements != element_count(value.shape) ||
          layout.dimensions.back().extent != value.shape.back())
        say("{}: a layout of {} x {} does not hold {}", value.name, layout.rows(), layout.columns(),
            to_string(value.shape));
      if (!is_inside(layout))
        say("{}: elements lie outside of the stored matrix of {} x {}", value.name,
            layout.stored_rows, layout.stored_columns);
      if (is_computed(value) && !has_own_places(layout))
        say("{}: is computed, but several of its elements lie in one place", value.name);
    }
  }

  // ---- what lives at the same time lies apart
  struct Lifetime {
    std::size_t first = std::numeric_limits<std::size_t>::max(), last = 0;  // stages
  };

  std::vector<Lifetime> lifetimes() const {
    std::vector<Lifetime> lifetimes(graph_.values.size());
    for (std::size_t stage = 0; stage < plan_.stages.size(); ++stage) {
      for (const int op : plan_.stages[stage].ops()) {
        std::vector<ValueId> used = operands_of(op_at(op));
        for (const ValueId id : results_of(op_at(op))) used.push_back(id);
        for (const ValueId id : used) {
          Lifetime& lifetime = lifetimes[static_cast<std::size_t>(id)];
          lifetime.first = std::min(lifetime.first, stage);
          lifetime.last = std::max(lifetime.last, stage);
        }
      }
    }
    for (std::size_t id = 0; id < lifetimes.size(); ++id) {
      if (graph_.values[id].role != Role::kIntermediate)
        lifetimes[id] = {0, std::numeric_limits<std::size_t>::max()};
    }
    return lifetimes;
  }

  void check_memory() {
    const std::vector<Lifetime> lifetime = lifetimes();
    std::vector<std::size_t> by_address;
    for (std::size_t id = 0; id < graph_.values.size(); ++id) {
      if (!plan_.streamed[id] && graph_.values[id].role != Role::kConstants)
        by_address.push_back(id);
    }
    std::sort(by_address.begin(), by_address.end(), [&](std::size_t a, std::size_t b) {
      return plan_.layouts[a].address < plan_.layouts[b].address;
    });
    for (std::size_t i = 0; i < by_address.size(); ++i) {
      const std::size_t a = by_address[i];
      const std::uint64_t end = plan_.layouts[a].address + plan_.layouts[a].bytes();
      if (plan_.layouts[a].address < plan_.values_begin || end > plan_.values_end)
        say("{} lies outside the memory of the values", graph_.values[a].name);
      for (std::size_t j = i + 1; j < by_address.size(); ++j) {
        const std::size_t b = by_address[j];
        if (plan_.layouts[b].address >= end) break;
        if (lifetime[a].last < lifetime[b].first || lifetime[b].last < lifetime[a].first) continue;
        if (is_state_and_next(a, b)) continue;
        say("{} and {} live at the same time and overlap in memory", graph_.values[a].name,
            graph_.values[b].name);
      }
    }
  }

  bool is_state_and_next(std::size_t a, std::size_t b) const {
    return std::any_of(plan_.states.begin(), plan_.states.end(), [&](const State& state) {
      const auto value = static_cast<std::size_t>(state.value);
      const auto next = static_cast<std::size_t>(state.next);
      return plan_.layouts[a].address == plan_.layouts[b].address &&
             ((value == a && next == b) || (value == b && next == a));
    });
  }

  // ---- the local memories
  void check_buffers(std::size_t stage) {
    const std::vector<LocalBuffer>& buffers = plan_.buffers[stage];
    for (std::size_t i = 0; i < buffers.size(); ++i) {
      const LocalBuffer& a = buffers[i];
      if (a.lines == 0) continue;
      if (a.line < 0 || a.line + a.lines > lines(a.space))
        say("stage {}: the buffer of {} ends at line {} of {}", stage, a.use, a.line + a.lines,
            lines(a.space));
      for (std::size_t j = i + 1; j < buffers.size(); ++j) {
        const LocalBuffer& b = buffers[j];
        if (b.lines == 0 || a.space != b.space) continue;
        if (a.line < b.line + b.lines && b.line < a.line + a.lines) {
          say("stage {}: the buffers of {} and of {} share lines", stage, a.use, b.use);
        } else if (a.user != b.user && first_bank(a) <= last_bank(b) &&
                   first_bank(b) <= last_bank(a)) {
          say("stage {}: the buffers of {} and of {} share a bank", stage, a.use, b.use);
        }
      }
    }
  }

  std::int64_t lines(Space space) const {
    return space == Space::kScratchpad ? scratchpad_lines(machine_) : accumulator_lines(machine_);
  }
  std::int64_t bank_lines(Space space) const {
    return lines(space) /
           (space == Space::kScratchpad ? machine_.scratchpad_banks : machine_.accumulator_banks);
  }
  std::int64_t first_bank(const LocalBuffer& b) const { return b.line / bank_lines(b.space); }
  std::int64_t last_bank(const LocalBuffer& b) const {
    return (b.line + b.lines - 1) / bank_lines(b.space);
  }

  const Plan& plan_;
  const Graph& graph_;
  const MachineShape& machine_;
  std::vector<bool> computed_;  // by value
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> violations(const Plan& plan, const Graph& graph,
                                    const MachineShape& machine) {
  return Verifier(plan, graph, machine).run();
}

}  // namespace corank
