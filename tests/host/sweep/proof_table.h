// The grid of proof.csv, all of whose designs were run: what searches are replayed against.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "host/sweep/bound_search.h"
#include "host/sweep/samplers.h"

namespace corank {

class ProofTable {
 public:
  /// `sweep`: its axes; `csv`: made by make_proof. Throws InputError.
  ProofTable(const std::string& sweep, const std::string& csv);

  std::size_t designs() const { return designs_.size(); }  // that were run
  const Points& exact() const { return exact_; }
  const Points& bounds() const { return bounds_; }  // of the compiled commands
  const std::vector<std::size_t>& numbers() const { return designs_; }
  std::vector<double> exact_of(std::size_t design) const;
  std::vector<double> bound_of(std::size_t design) const;
  SampledSpace space() const;

 private:
  std::vector<std::size_t> axis_sizes_, designs_;
  std::unordered_map<std::size_t, std::size_t> places_;
  Points exact_, bounds_;
};

/// What a method ran, in order, and when its front was whole.
struct Replay {
  std::vector<std::size_t> ran;
  bool proved = false;
};

/// The pruned search, to its end. `first`: bounds that are known before anything is compiled.
Replay replay_bound(const ProofTable& table, const Points& first, double tolerance = 0);
/// A sampler, for so many runs.
Replay replay_sampler(const ProofTable& table, SearchMethod method, std::uint64_t seed,
                      std::size_t runs);

/// The share of the true front's hypervolume (LogHypervolume) that the first `runs` runs have.
double share_after(const ProofTable& table, const Replay& replay, std::size_t runs);

/// Of the true front: how many designs, and how many of them were not run.
std::size_t front_size(const ProofTable& table);
std::size_t missing_of_front(const ProofTable& table, const Replay& replay);

}  // namespace corank
