#include "host/compiler/fusion.h"

#include <algorithm>
#include <limits>

#include "host/compiler/followers.h"
#include "host/compiler/layout_choice.h"

namespace corank {
namespace {

// Overlapped and fused products take places from the carrier's operands, and the array waits now
// and then, which the estimates do not see: they must save more than about a hundredth. The figure
// is a choice.
constexpr double kOverlapOverhead = 1.01;

// Of a product's stage, what is to be carried out together. Element-wise work costs the array
// nothing; products do, so they must save something.
Stage select_fusion(const Stage& stage, const StepContext& step, const Costs& costs,
                    const FusionOptions& options) {
  Stage best{stage.op, {}, -1, stage.followers};
  double best_cycles = std::numeric_limits<double>::infinity();
  std::vector<int> products, elementwise;
  for (const int op : stage.overlapped)
    (step.product(op) != nullptr ? products : elementwise).push_back(op);
  for (const bool fused : {false, true}) {
    for (const bool with_products : {false, true}) {
      for (const bool with_elementwise : {true, false}) {
        // The element-wise ops may need the products' results, and those the fused one's.
        if (fused && !with_products && with_elementwise && !products.empty()) continue;
        if ((fused && !options.fused) || (with_products && !options.products)) continue;
        Stage part{stage.op, {}, fused ? stage.fused : -1, stage.followers};
        if (with_products) part.overlapped = products;
        if (with_elementwise)
          part.overlapped.insert(part.overlapped.end(), elementwise.begin(), elementwise.end());
        const bool extra = part.fused >= 0 || (with_products && !products.empty());
        const double cycles = costs.cycles_of(part) * (extra ? kOverlapOverhead : 1) +
                              (fused ? 0 : costs.cycles_alone({stage.fused})) +
                              (with_products ? 0 : costs.cycles_alone(products)) +
                              (with_elementwise ? 0 : costs.cycles_alone(elementwise));
        if (cycles >= best_cycles) continue;
        best_cycles = cycles;
        best = part;
      }
    }
  }
  return best;
}

}  // namespace

std::vector<Stage> fuse(const std::vector<Stage>& stages, const StepContext& step,
                        const Costs& costs, const FusionOptions& options, Plan& plan) {
  std::vector<Stage> decided;
  for (Stage stage : stages) {
    const bool is_product = step.product(stage.op) != nullptr;
    std::vector<Stage> after;
    const auto keep_followers = [&](std::size_t count) {
      for (std::size_t i = count; i < stage.followers.size(); ++i)
        after.push_back({stage.followers[i], {}});
      stage.followers.resize(count);
    };
    keep_followers(followers_with_room(step, stage));
    // What leaves no block of the product room enough does not follow it.
    if (!stage.followers.empty() &&
        costs.cycles_of({stage.op, {}, -1, stage.followers}) == kUnlimited)
      keep_followers(0);
    Stage together = is_product ? select_fusion(stage, step, costs, options) : stage;
    if (stage.fused >= 0 && together.fused < 0) {
      decided.push_back({stage.fused, {}});
      const ValueId out = step.product(stage.fused)->out;
      if (!is_element(step.lowerings, out))
        plan.layouts[static_cast<std::size_t>(out)] = layout_of(step.graph.value(out), true);
      // With that layout what reads it may take more room when it is overlapped.
      together =
          select_fusion({stage.op, stage.overlapped, -1, stage.followers}, step, costs, options);
    }
    for (const int op : stage.overlapped) {
      const std::vector<int>& kept = together.overlapped;
      if (std::count(kept.begin(), kept.end(), op) > 0) continue;
      // Overlapped products may need the fused one's result; what is element-wise may need theirs.
      const bool first = step.product(op) != nullptr && together.fused < 0;
      (first ? decided : after).push_back({op, {}});
    }
    decided.push_back(together);
    decided.insert(decided.end(), after.begin(), after.end());
  }
  return decided;
}

}  // namespace corank
