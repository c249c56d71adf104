// The verifier of plans. It knows what a plan must be, not how the compiler comes to one.

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>
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
    check_views();
    check_packed();
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
    require_in_memory(i, stage.op);
    require(i, stage.op, operands_of(op_at(stage.op)));
    for (const int op : stage.followers) check_follower(i, op);
    // What is overlapped with it does not wait for its result, nor it for what overlaps.
    for (const int op : stage.overlapped) carry_out(i, op);
    require_unchanged(i, stage.op);
    for (const ValueId id : results_of(op_at(stage.op))) {
      computed_[static_cast<std::size_t>(id)] = true;
    }
    for (const int op : stage.followers) carry_out(i, op);
  }

  // What it needs beside the product's result and those of the followers before is there when the
  // stage begins.
  void check_follower(std::size_t i, int op) {
    const Stage& stage = plan_.stages[i];
    std::vector<ValueId> there = results_of(op_at(stage.op));
    for (const int other : stage.followers) {
      if (other == op) break;
      const std::vector<ValueId> results = results_of(op_at(other));
      there.insert(there.end(), results.begin(), results.end());
    }
    std::vector<ValueId> others;
    for (const ValueId id : operands_of(op_at(op)))
      if (std::find(there.begin(), there.end(), id) == there.end()) others.push_back(id);
    require(i, op, others);
    for (const ValueId id : others) require_place(i, op, id);
  }

  // What stays in the local memories is read by followers of the stage that computes it.
  void require_in_memory(std::size_t i, int op) {
    const Stage& stage = plan_.stages[i];
    if (std::count(stage.followers.begin(), stage.followers.end(), op) > 0) return;
    for (const ValueId id : operands_of(op_at(op))) require_place(i, op, id);
  }
  void require_place(std::size_t stage, int op, ValueId id) {
    if (!plan_.local[static_cast<std::size_t>(id)]) return;
    say("stage {}: {} reads {}, which is not in memory", stage, result_name(graph_, op_at(op)),
        name(id));
  }

  void carry_out(std::size_t stage, int op) {
    require_in_memory(stage, op);
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
      if (is_computed(value) && plan_.view_of[id] < 0 && !has_own_places(layout))
        say("{}: is computed, but several of its elements lie in one place", value.name);
    }
  }

  // ---- a packed weight is one, lies as it is decoded, and its tables have a place to themselves
  void check_packed() {
    std::uint64_t end = plan_.packed_tables;  // nested scales lie in the order of their weights
    for (std::size_t id = 0; id < graph_.values.size(); ++id) {
      const Value& value = graph_.values[id];
      if (plan_.packed[id].has_value() != value.storage.has_value())
        say("{}: is {}packed, which the plan does not have", value.name,
            value.storage ? "" : "not ");
      if (!plan_.packed[id] || !value.storage) continue;
      const PackedPlace& packed = *plan_.packed[id];
      const TensorLayout& layout = plan_.layouts[id];
      if (packed.layout.rows != value.shape[0] || packed.layout.columns != value.shape[1] ||
          layout.is_transposed() || layout.address != packed.layout.address)
        say("{}: a packed layout of {} x {} does not hold {}", value.name, packed.layout.rows,
            packed.layout.columns, to_string(value.shape));
      if (!value.storage->nested_block) continue;
      const std::int64_t bytes = 4 * nested_scale_count(*value.storage, value.shape);
      if (packed.nested_address < end || packed.nested_address % interface::kPanelRowBytes != 0)
        say("{}: nested scales lie where others do", value.name);
      end = packed.nested_address + static_cast<std::uint64_t>(bytes);
      if (packed.map_address % interface::kPanelRowBytes != 0 ||
          packed.map_address + kScaleMapBytes > plan_.packed_tables + plan_.packed_table_bytes)
        say("{}: the map lies outside the tables", value.name);
    }
    for (std::size_t id = 0; id < graph_.values.size(); ++id)
      if (plan_.packed[id] && plan_.packed[id]->nested_bytes > 0 &&
          plan_.packed[id]->map_address < end)
        say("{}: the map lies where nested scales do", graph_.values[id].name);
    for (const TensorLayout& layout : plan_.layouts)
      if (plan_.packed_table_bytes > 0 && layout.address >= plan_.packed_tables)
        say("a value lies at {:#x}, behind the tables of packed weights", layout.address);
  }

  // ---- a view has the elements that the op says
  void check_views() {
    for (const Op& op : graph_.ops) {
      if (const auto* split = std::get_if<SplitHeads>(&op)) {
        check_heads(op, split->out, split->in, split->heads);
      } else if (const auto* merge = std::get_if<MergeHeads>(&op)) {
        check_heads(op, merge->in, merge->out, merge->heads);
      } else if (const auto* repeat = std::get_if<RepeatHeads>(&op)) {
        const std::int64_t sequence = graph_.value(repeat->in).shape[1];
        check_rows(op, repeat->out, repeat->in, [&](std::int64_t row) {
          const std::int64_t head = row / sequence / repeat->times;
          return std::pair<std::int64_t, std::int64_t>(head * sequence + row % sequence, 0);
        });
      } else if (const auto* slice = std::get_if<Slice>(&op)) {
        const bool rows = slice->axis == 0;
        check_rows(op, slice->out, slice->in, [&](std::int64_t row) {
          return std::pair(row + (rows ? slice->begin : 0), rows ? 0 : slice->begin);
        });
      }
    }
    for (std::size_t id = 0; id < graph_.values.size(); ++id) {
      if (plan_.view_of[id] >= 0 && seen_.count(static_cast<ValueId>(id)) == 0)
        say("{}: is a view, which no op makes it", graph_.values[id].name);
    }
  }

  void check_heads(const Op& op, ValueId heads, ValueId matrix, std::int64_t count) {
    const std::int64_t sequence = graph_.value(heads).shape[1],
                       width = graph_.value(heads).shape[2];
    check_rows(op, heads, matrix, [&](std::int64_t row) {
      const std::int64_t head = row / sequence;
      return std::pair(head / count * sequence + row % sequence, head % count * width);
    });
  }

  // `place` gives row and column in `of` of the first element of a row of the view.
  template <class Place>
  void check_rows(const Op& op, ValueId view, ValueId of, const Place& place) {
    if (plan_.view_of[static_cast<std::size_t>(view)] != of) return;
    seen_.insert(view);
    const TensorLayout& seen = plan_.layouts[static_cast<std::size_t>(view)];
    const TensorLayout& whole = plan_.layouts[static_cast<std::size_t>(of)];
    for (std::int64_t row = 0; row < seen.rows(); ++row) {
      const auto [there, column] = place(row);
      for (std::int64_t part = 0; part < seen.columns(); part += seen.panel_columns()) {
        if (seen.panel_row_address(row, part) == whole.panel_row_address(there, column + part) &&
            column % whole.panel_columns() == 0)
          continue;
        say("{}: row {} of the view does not lie where {} has it", result_name(graph_, op), row,
            name(of));
        return;
      }
    }
  }

  // The value at whose place it lies in the end.
  ValueId root_of(ValueId id) const {
    const ValueId of = plan_.view_of[static_cast<std::size_t>(id)];
    return of < 0 ? id : root_of(of);
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
          Lifetime& lifetime = lifetimes[static_cast<std::size_t>(root_of(id))];
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
      const bool has_place = plan_.view_of[id] < 0 && !plan_.local[id];
      if (has_place && !plan_.streamed[id] && graph_.values[id].role != Role::kConstants)
        by_address.push_back(id);
    }
    std::sort(by_address.begin(), by_address.end(), [&](std::size_t a, std::size_t b) {
      return plan_.layouts[a].address < plan_.layouts[b].address;
    });
    for (std::size_t i = 0; i < by_address.size(); ++i) {
      const std::size_t a = by_address[i];
      const std::uint64_t end = plan_.layouts[a].address + plan_.bytes_of(a);
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
  std::set<ValueId> seen_;      // views that an op makes
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> violations(const Plan& plan, const Graph& graph,
                                    const MachineShape& machine) {
  return Verifier(plan, graph, machine).run();
}

}  // namespace corank
