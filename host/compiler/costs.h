// Estimates of what ops and stages take, for the order of the ops and for what is fused.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <vector>

#include "host/compiler/products.h"
#include "host/compiler/schedule.h"

namespace corank {

/// Cycles of what does not fit.
inline constexpr double kUnlimited = std::numeric_limits<double>::infinity();

class Costs {
 public:
  /// With the layouts as they are when it is asked.
  explicit Costs(const StepContext& step) : step_(step) {}

  OpCost of_op(int op) const;
  /// Of an op by itself; of an element-wise one, array_cycles are those of the vector unit.
  ProductTime alone(int op) const;
  /// Cycles of ops one after another; -1: none.
  double cycles_alone(const std::vector<int>& ops) const;
  /// Cycles of a product together with what is in its stage; infinite where that does not fit.
  double cycles_of(const Stage& stage) const;

  /// The first blocks of the cost rule; none if not even the smallest one fits. The search is long
  /// and a model's layers are alike, so results are kept.
  const std::vector<BlockSize>& blocks_of(const ContractionShape& shape, const StageUse& use) const;

 private:
  void add_overlapped(int op, ProductTime& sum) const;
  bool fits_beside(int op, const LocalAreas& areas) const;
  void add_followers(const Stage& stage, ProductTime& sum) const;
  void add_fused(const Stage& stage, const ContractionShape& shape, const BlockSize& size,
                 ProductTime& sum) const;
  // What the array waits for a gemm with other sums in between, there and back.
  double accumulator_switch() const {
    return 2 * static_cast<double>(interface::pass_latency(step_.machine.array_rows));
  }

  const StepContext step_;
  mutable std::map<std::vector<std::int64_t>, std::vector<BlockSize>> blocks_;
};

}  // namespace corank
