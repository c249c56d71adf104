#include "host/compiler/layout_choice.h"

#include <algorithm>

#include "host/compiler/products.h"
#include "host/compiler/schedule.h"
#include "models/base/error.h"

namespace corank {
namespace {

// How a value must lie, if that is decided: as it is, or turned, its columns as rows.
enum class Lie { kEither, kAsItIs, kTurned };

class LayoutChoice {
 public:
  explicit LayoutChoice(const StepContext& step)
      : step_(step), lies_(step.graph.values.size(), Lie::kEither) {}

  std::vector<Lie> choose() {
    for (std::size_t id = 0; id < lies_.size(); ++id) {
      // Tiles of streamed weights are cut from the matrix as it is; so are batches. Packed ones lie
      // in the order in which they share scales.
      if (step_.plan.streamed[id] || step_.plan.packed[id] ||
          step_.graph.values[id].shape.size() > 2)
        keep(static_cast<ValueId>(id));
    }
    for (std::size_t op = 0; op < step_.graph.ops.size(); ++op) {
      if (const Contraction* product = step_.product(static_cast<int>(op))) keep_product(*product);
    }
    for (const OpLowering& lowering : step_.lowerings) {
      keep_regions(lowering);
      for (const Movement& movement : lowering.movements) {
        for (const Move& move : movement.moves) keep(move.from);
        // What is only filled may lie in any way.
        if (!movement.moves.empty()) keep(movement.to);
      }
      for (const GatheredRows& rows : lowering.gathered) {
        keep(rows.indices);
        keep(rows.out);
        lay(rows.table, rows.columns ? Lie::kTurned : Lie::kAsItIs);
      }
      for (const ScatteredRows& rows : lowering.scattered) {
        keep(rows.indices);
        keep(rows.in);
        lay(rows.table, rows.columns ? Lie::kTurned : Lie::kAsItIs);
      }
    }
    while (lay_those_that_meet()) {
    }
    return lies_;
  }

 private:
  Lie lie_of(ValueId id) const {
    return id < 0 ? Lie::kEither : lies_[static_cast<std::size_t>(id)];
  }
  void keep(ValueId id) { lay(id, Lie::kAsItIs); }
  // Those behind the graph's values are the plan's own.
  void lay(ValueId id, Lie lie) {
    if (id < 0 || id >= static_cast<ValueId>(lies_.size())) return;
    Lie& known = lies_[static_cast<std::size_t>(id)];
    if (known != Lie::kEither && known != lie)
      throw InputError(step_.graph.value(id).name +
                       ": the accelerator does not gather columns of a value yet that another op "
                       "needs as it is");
    known = lie;
  }

  void keep_regions(const OpLowering& lowering) {
    for (const RegionPass& pass : lowering.passes) {
      for (const RegionBlock& block : pass.blocks) {
        const bool turned = pass.turned && block.meets == RegionBlock::Meets::kElements;
        for (const ValueId id : {block.operand, block.result})
          lay(id, turned ? Lie::kTurned : Lie::kAsItIs);
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

  // Of the streams of an element-wise op; whether there was something to decide. To be called until
  // there is not, since a value may be in several ops.
  bool lay_those_that_meet() {
    bool changed = false;
    for (const OpLowering& lowering : step_.lowerings) {
      Lie lie = Lie::kEither;
      for (const ElementStream& stream : lowering.streams) {
        if (stream.is_row) lie = Lie::kAsItIs;
        for (const ValueId id : {stream.operand, stream.result})
          if (lie_of(id) != Lie::kEither) lie = lie_of(id);
      }
      if (lie == Lie::kEither) continue;
      for (const ElementStream& stream : lowering.streams) {
        for (const ValueId id : {stream.operand, stream.result}) {
          if (id < 0 || lie_of(id) == lie) continue;
          lay(id, lie);
          changed = true;
        }
      }
    }
    return changed;
  }

  const StepContext& step_;
  std::vector<Lie> lies_;  // by value
};

}  // namespace

TensorLayout layout_of(const Value& value, bool may_transpose) {
  const std::int64_t columns = value.shape.back();
  return layout_of(value.dtype, element_count(value.shape) / columns, columns, may_transpose);
}

std::vector<TensorLayout> choose_layouts(const StepContext& step) {
  const std::vector<Lie> lies = LayoutChoice(step).choose();
  std::vector<TensorLayout> layouts;
  for (std::size_t id = 0; id < lies.size(); ++id) {
    const Value& value = step.graph.values[id];
    if (lies[id] == Lie::kTurned) {
      const std::int64_t rows = value.shape.back();
      const std::int64_t columns = element_count(value.shape) / rows;
      layouts.push_back(transposed(layout_of(value.dtype, rows, columns, false)));
    } else {
      layouts.push_back(layout_of(value, lies[id] == Lie::kEither));
    }
  }
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
