// The blocks with which a rehearsal on the cycle model finds the products, and a short step, the
// fastest.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "host/compiler/costs.h"
#include "host/compiler/stage_emitter.h"

namespace corank {

/// Blocks by stage; the cycles of the whole step if it is so short that it is rehearsed.
struct BlockChoices {
  std::vector<BlockSize> blocks;
  std::optional<double> cycles;
};

class BlockChoice {
 public:
  /// Of the stages of step.plan.
  BlockChoice(const StepContext& step, const Costs& costs) : step_(step), costs_(costs) {}

  /// Throws KeyError, with the sizes, if no block of a product fits.
  BlockChoices choose();

 private:
  // Of the first blocks of the cost rule, those with which a product's stage is over first, the
  // fastest in front.
  std::vector<BlockSize> best_blocks(const Stage& stage);
  void try_in_whole_step(const std::vector<std::vector<BlockSize>>& choices, BlockChoices& chosen);
  bool has_equal_products() const;
  bool has_indices() const;
  // How long the stage takes with a block; of long ones at most about `most` cycles are waited for.
  double rehearsed_cycles(const Stage& stage, const ContractionShape& shape, const BlockSize& block,
                          double most) const;
  // The same of a part, which is emitted by itself and rehearsed as it is.
  double cycles_of_part(const Stage& stage, const ContractionShape& part, const BlockSize& block,
                        double most) const;
  double cycles_of_step(const std::vector<BlockSize>& sizes, double most) const;
  double cycles_of(const StageEmitter& trial, double most) const;
  // What the time of a stage depends on, besides its blocks.
  std::vector<std::int64_t> key_of(const Stage& stage) const;

  const StepContext step_;
  const Costs& costs_;
  std::map<std::vector<std::int64_t>, std::vector<BlockSize>> best_blocks_;  // by key_of()
};

}  // namespace corank
