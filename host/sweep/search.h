// Which designs of a sweep get an exact run next, and which need none.
//
// Function: designs are taken in the order of the non-dominated layers of their lower bounds. A
//   design whose bounds are dominated by an exact one is not on the front, which is a proof as long
//   as the bounds are bounds. Rounds end in barriers, so that what is run depends neither on who
//   runs it nor on the order in which runs end.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/sweep/run_figures.h"
#include "host/sweep/sweep_file.h"
#include "host/sweep/sweep_table.h"

namespace corank {

/// A design's bounds under one workload, or why it cannot be run.
struct Bounded {
  std::optional<AnalyticStep> step;  // nothing: no bound is known
  double tokens = 0;
  std::string infeasible;  // the reason; "": feasible
};

/// The compiled bounds of designs (of each, of every workload), in the order asked for.
using BoundDesigns =
    std::function<std::vector<std::vector<Bounded>>(const std::vector<std::size_t>&)>;

/// What became of a run.
struct Outcome {
  DesignStatus status = DesignStatus::kDone;  // done, infeasible or failed
  std::string reason;
  std::optional<RunFigures> figures;
};

class Search {
 public:
  /// Throws InputError (nothing legal in the space, a contradiction). `bound` may run in other
  /// processes.
  Search(SweepFile sweep, BoundDesigns bound);

  /// The designs to run next; none: the search is at its end.
  std::vector<std::size_t> next_round();
  /// All of a round, by design and workload, in the order of next_round(). Returns the text of a
  /// violated bound with the line that reproduces it, or nothing.
  std::optional<std::string> tell(const std::vector<std::vector<Outcome>>& outcomes);

  /// After the last round that was told; its hypervolume is the table's to say.
  SweepProgress progress() const;
  SweepTable table() const;

  /// What config_of() gives of a design that a round has, but for the places of what is given; in
  /// microseconds. Valid until the next call of any function.
  const Config& config_of_design(std::size_t design, std::size_t workload) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace corank
