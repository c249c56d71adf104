#include "host/compiler/layout_choice.h"

#include <algorithm>

#include "host/compiler/products.h"
#include "host/compiler/schedule.h"

namespace corank {
namespace {

class LayoutChoice {
 public:
  explicit LayoutChoice(const StepContext& step)
      : step_(step), as_it_is_(step.graph.values.size(), false) {}

  std::vector<bool> as_they_are() {
    for (std::size_t id = 0; id < as_it_is_.size(); ++id)
      // Tiles of streamed weights are cut from the matrix as it is; so are batches.
      as_it_is_[id] = step_.plan.streamed[id] || step_.graph.values[id].shape.size() > 2;
    for (std::size_t op = 0; op < step_.graph.ops.size(); ++op) {
      if (const Contraction* product = step_.product(static_cast<int>(op))) keep_product(*product);
    }
    for (const OpLowering& lowering : step_.lowerings) {
      keep_regions(lowering);
      for (const Movement& movement : lowering.movements) {
        for (const Move& move : movement.moves) keep(move.from);
        keep(movement.to);
      }
      for (const GatheredRows& rows : lowering.gathered) {
        for (const ValueId id : {rows.table, rows.indices, rows.out}) keep(id);
      }
      for (const ScatteredRows& rows : lowering.scattered) {
        for (const ValueId id : {rows.in, rows.indices, rows.table}) keep(id);
      }
    }
    while (keep_those_that_meet()) {
    }
    return as_it_is_;
  }

 private:
  bool is_kept(ValueId id) const { return id >= 0 && as_it_is_[static_cast<std::size_t>(id)]; }
  // Those behind the graph's values are the plan's own.
  void keep(ValueId id) {
    if (id >= 0 && id < static_cast<ValueId>(as_it_is_.size()))
      as_it_is_[static_cast<std::size_t>(id)] = true;
  }

  void keep_regions(const OpLowering& lowering) {
    for (const RegionPass& pass : lowering.passes) {
      for (const RegionBlock& block : pass.blocks) {
        keep(block.operand);
        keep(block.result);
      }
    }
  }

  void keep_product(const Contraction& product) {
    // A bias is added along the columns of the stored output, so such an output is stored as it is.
    // Streamed weights come in blocks of output columns, so they must be the stationary operand,
    // which they are where the output is stored as it is.
    if (product.bias || has_streamed_weight(step_, product)) keep(product.out);
    if (product.bias) keep(*product.bias);
    // So is a fused product's result (fuse() sees to those that are not fused).
    if (may_be_fused(step_, product) && has_carrier(step_.graph, product)) keep(product.out);
  }

  // Of the streams of an element-wise op; whether there was something to keep. To be called until
  // there is not, since a value may be in several ops.
  bool keep_those_that_meet() {
    bool changed = false;
    for (const OpLowering& lowering : step_.lowerings) {
      const std::vector<ElementStream>& streams = lowering.streams;
      const bool kept = std::any_of(streams.begin(), streams.end(), [&](const auto& stream) {
        return stream.is_row || is_kept(stream.operand) || is_kept(stream.result);
      });
      if (!kept) continue;
      for (const ElementStream& stream : streams) {
        for (const ValueId id : {stream.operand, stream.result}) {
          if (id < 0 || is_kept(id)) continue;
          keep(id);
          changed = true;
        }
      }
    }
    return changed;
  }

  const StepContext& step_;
  std::vector<bool> as_it_is_;  // by value
};

}  // namespace

TensorLayout layout_of(const Value& value, bool may_transpose) {
  const std::int64_t columns = value.shape.back();
  return layout_of(value.dtype, element_count(value.shape) / columns, columns, may_transpose);
}

std::vector<TensorLayout> choose_layouts(const StepContext& step) {
  const std::vector<bool> as_they_are = LayoutChoice(step).as_they_are();
  std::vector<TensorLayout> layouts;
  for (std::size_t id = 0; id < as_they_are.size(); ++id)
    layouts.push_back(layout_of(step.graph.values[id], !as_they_are[id]));
  for (const Extra& extra : step.plan.extras)
    layouts.push_back(layout_of(extra.dtype, extra.rows, extra.columns, false));
  return layouts;
}

bool is_element(const std::vector<OpLowering>& lowerings, ValueId id) {
  return std::any_of(lowerings.begin(), lowerings.end(), [&](const OpLowering& lowering) {
    return std::any_of(lowering.streams.begin(), lowering.streams.end(), [&](const auto& stream) {
      return stream.operand == id || stream.result == id;
    });
  });
}

}  // namespace corank
