// Which designs get an exact run, by lower bounds of what they come to; in numbers alone.
//
// Function: the designs that none beats by their bounds come first, then those that are left
// without
//   them, and so on. A bound that is cheap to get is replaced by a higher one that is not, before a
//   design is taken. A design whose bounds an exact one dominates is pruned: it is not on the
//   front.
//
// Theorem: when nothing is open, the exact designs hold the whole front. For a pruned design d
// there
//   is an exact e with e <= bound(d) <= d in all objectives and e < bound(d) in one; so d is
//   dominated by e, and is not on the front. Bounds must be bounds, and a design without values (it
//   failed) is one of which nothing is known.
//   With a tolerance t: e <= (1 + t) d in all objectives, for each d that was pruned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "host/sweep/front.h"

namespace corank {

/// Higher bounds of designs, in the order asked for; nothing for one that cannot be run.
using RefineBounds = std::function<std::vector<std::optional<std::vector<double>>>(
    const std::vector<std::size_t>& designs)>;

/// Of a round after so many runs: rounds grow with what is known, since small ones decide more
/// often.
std::size_t round_size(std::size_t runs);

class BoundSearch {
 public:
  /// `bounds`: of each design. `prune`: false: every design is run.
  BoundSearch(const std::vector<std::size_t>& designs, const Points& bounds, RefineBounds refine,
              double tolerance, bool prune = true);

  /// So many designs at most, which are to be run next; fewer if fewer are open.
  std::vector<std::size_t> next(std::size_t most);
  /// What a design of next() came to; nothing for one that has no values.
  void tell(std::size_t design, const std::optional<std::vector<double>>& exact);
  /// Prunes by what was told since the last time.
  void prune();

  std::size_t open() const { return unrefined_.size() + refined_.size(); }
  std::size_t pruned() const { return pruned_; }
  std::size_t infeasible() const { return infeasible_; }
  /// Of each design, its first bounds; in no order that means anything.
  void for_each_first_bound(
      const std::function<void(std::size_t design, const double* bound)>& work) const;
  /// In the order of their bounds; the refined ones first.
  std::vector<std::size_t> open_designs() const;

 private:
  struct Refined {
    std::size_t design = 0;
    std::vector<double> bound;
  };
  struct Layer {
    std::vector<std::size_t> unrefined, refined;  // places in these lists
  };

  bool beaten(const double* bound, const Points& by) const;
  Layer first_layer(bool with_unrefined) const;
  void refine(const std::vector<std::size_t>& places);
  /// In the order in which they are to be run.
  std::vector<std::size_t> ordered(std::vector<std::size_t> refined, const Points& taken,
                                   std::size_t most) const;

  RefineBounds refine_bounds_;
  double tolerance_;
  bool prunes_;
  std::vector<std::uint32_t> designs_;    // sorted by their first bounds
  Points bounds_;                         // theirs
  std::vector<std::uint32_t> unrefined_;  // open ones: places in designs_, ascending
  std::vector<Refined> refined_;          // open ones, sorted by their bounds
  Points front_, told_;                   // exact ones; told_: since the last pruning
  std::size_t pruned_ = 0, infeasible_ = 0;
};

}  // namespace corank
