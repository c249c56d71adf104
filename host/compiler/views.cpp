#include "host/compiler/views.h"

#include <algorithm>
#include <optional>

namespace corank {
namespace {

// The layout of the view, where `place` is that of what it is a view of.
struct View {
  ValueId view = -1, of = -1;
  enum class Kind { kHeads, kRepeatedHeads, kSlice } kind = Kind::kHeads;
  std::int64_t batch = 1, heads = 1;  // of kHeads
  std::int64_t times = 1;             // of kRepeatedHeads
  std::size_t axis = 0;               // of kSlice, counted from the last one
  std::int64_t begin = 0, length = 0;

  TensorLayout layout(const TensorLayout& place) const {
    switch (kind) {
      case Kind::kHeads:
        return split_into_heads(place, batch, heads);
      case Kind::kRepeatedHeads:
        return with_repeated_heads(place, times);
      case Kind::kSlice:
        break;
    }
    return sliced(place, axis, begin, length);
  }
};

std::optional<View> view_of(const Graph& graph, const Op& op) {
  View view;
  if (const auto* split = std::get_if<SplitHeads>(&op)) {
    view.view = split->out;
    view.of = split->in;
    view.batch = split->batch;
    view.heads = split->heads;
    return view;
  }
  if (const auto* merge = std::get_if<MergeHeads>(&op)) {
    view.view = merge->in;
    view.of = merge->out;
    view.batch = merge->batch;
    view.heads = merge->heads;
    return view;
  }
  if (const auto* repeat = std::get_if<RepeatHeads>(&op)) {
    view.kind = View::Kind::kRepeatedHeads;
    view.view = repeat->out;
    view.of = repeat->in;
    view.times = repeat->times;
    return view;
  }
  const auto* slice = std::get_if<Slice>(&op);
  if (slice == nullptr || graph.value(slice->in).shape.size() != 2) return std::nullopt;
  view.kind = View::Kind::kSlice;
  view.view = slice->out;
  view.of = slice->in;
  view.axis = slice->axis == 0 ? 1 : 0;
  view.begin = slice->begin;
  view.length = slice->length;
  return view;
}

class ViewChoice {
 public:
  ViewChoice(const StepContext& step, const DefUse& uses, const std::vector<TensorLayout>& layouts)
      : step_(step), uses_(uses), layouts_(layouts), by_op_(step.graph.ops.size()) {
    of_.assign(layouts.size(), -1);
    for (std::size_t op = 0; op < by_op_.size(); ++op) {
      by_op_[op] = view_of(step.graph, step.graph.ops[op]);
      const std::optional<View>& view = by_op_[op];
      if (!view) continue;
      ValueId& of = of_[static_cast<std::size_t>(view->view)];
      if (of >= 0 || !is_possible(*view)) {
        by_op_[op].reset();
      } else {
        of = view->of;
      }
    }
  }

  // A view that is given up may be another one's undoing.
  ValueViews choose() {
    for (bool changed = true; changed;) {
      changed = false;
      for (std::optional<View>& view : by_op_) {
        if (!view || may_stay(*view)) continue;
        of_[static_cast<std::size_t>(view->view)] = -1;
        view.reset();
        changed = true;
      }
    }
    ValueViews views{of_, layouts_};
    for (std::size_t id = 0; id < of_.size(); ++id)
      views.layouts[id] = layout_of_value(static_cast<ValueId>(id));
    return views;
  }

 private:
  const TensorLayout& layout(ValueId id) const { return layouts_[static_cast<std::size_t>(id)]; }

  // What depends on no other view: the formats, the place, and that parts begin at panels.
  bool is_possible(const View& view) const {
    const Value &value = step_.graph.value(view.view), &of = step_.graph.value(view.of);
    if (value.role != Role::kIntermediate || value.dtype != of.dtype) return false;
    if (of.role == Role::kConstants) return false;  // they have no place in memory
    if (step_.is_streamed(view.of) || is_changed(view.of)) return false;
    const TensorLayout& place = layout(view.of);
    if (place.is_transposed() || layout(view.view).is_transposed()) return false;
    switch (view.kind) {
      case View::Kind::kHeads:
        return view.heads == 1 || value.shape.back() % place.panel_columns() == 0;
      case View::Kind::kRepeatedHeads:
        return true;
      case View::Kind::kSlice:
        break;
    }
    return view.axis == 1 || view.begin % place.panel_columns() == 0;
  }

  // A state gives its place to its next value.
  bool is_changed(ValueId id) const {
    return std::any_of(step_.plan.states.begin(), step_.plan.states.end(),
                       [&](const State& state) { return state.value == id || state.next == id; });
  }

  bool may_stay(const View& view) const {
    if (is_changed(root_of(of_, view.of))) return false;
    const auto place = static_cast<std::size_t>(view.view);
    const bool together = layout_of_value(view.view).rows_together() == layout(view.view).rows();
    // Slices of heads, and heads of heads, are more strides than a layout has.
    if (of_[static_cast<std::size_t>(view.of)] >= 0 && view.kind != View::Kind::kRepeatedHeads)
      return false;
    const int writer = uses_.writer[place];
    const bool written = writer >= 0 && !is_a_view(writer);
    if (written && !takes(writer, view.view, together)) return false;
    return std::all_of(uses_.readers[place].begin(), uses_.readers[place].end(),
                       [&](int reader) { return takes(reader, view.view, together); });
  }

  bool is_a_view(int op) const { return by_op_[static_cast<std::size_t>(op)].has_value(); }

  // Whether an op can read or write a view; `together`: its rows lie one below another.
  bool takes(int op, ValueId id, bool together) const {
    if (is_a_view(op)) return true;
    if (const Contraction* product = step_.product(op))
      return together || !product->bias || *product->bias != id;
    const OpLowering& lowering = step_.lowering(op);
    if (!lowering.gathered.empty() || !lowering.scattered.empty()) return false;
    if (together) return true;
    if (!lowering.movements.empty() || lowering.is_elementwise()) return false;
    return std::all_of(lowering.passes.begin(), lowering.passes.end(), [&](const RegionPass& pass) {
      return std::all_of(pass.blocks.begin(), pass.blocks.end(), [&](const RegionBlock& block) {
        if (block.operand != id && block.result != id) return true;
        return block.meets == RegionBlock::Meets::kElements && block.share == 1 && block.pitch == 0;
      });
    });
  }

  TensorLayout layout_of_value(ValueId id) const {
    if (of_[static_cast<std::size_t>(id)] < 0) return layout(id);
    const auto view = std::find_if(by_op_.begin(), by_op_.end(), [&](const std::optional<View>& v) {
      return v && v->view == id;
    });
    TensorLayout place = layout_of_value((*view)->of);
    // Matrices of a batch that lie one below another.
    const Shape& shape = step_.graph.value((*view)->of).shape;
    if (shape.size() == 3 && of_[static_cast<std::size_t>((*view)->of)] < 0)
      place = split_into_heads(place, shape[0], 1);
    return (*view)->layout(place);
  }

  const StepContext& step_;
  const DefUse& uses_;
  const std::vector<TensorLayout>& layouts_;
  std::vector<std::optional<View>> by_op_;
  std::vector<ValueId> of_;
};

}  // namespace

ValueViews choose_views(const StepContext& step, const DefUse& uses,
                        const std::vector<TensorLayout>& layouts) {
  return ViewChoice(step, uses, layouts).choose();
}

bool is_view(const Op& op, const std::vector<ValueId>& of) {
  const auto lies_at = [&](ValueId view, ValueId place) {
    return of[static_cast<std::size_t>(view)] == place;
  };
  if (const auto* merge = std::get_if<MergeHeads>(&op)) return lies_at(merge->in, merge->out);
  const std::vector<ValueId> operands = operands_of(op), results = results_of(op);
  return operands.size() == 1 && results.size() == 1 && lies_at(results.front(), operands.front());
}

ValueId root_of(const std::vector<ValueId>& of, ValueId id) {
  while (of[static_cast<std::size_t>(id)] >= 0) id = of[static_cast<std::size_t>(id)];
  return id;
}

}  // namespace corank
