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
  const Points& closed() const { return closed_; }  // by the closed form
  const std::vector<std::size_t>& numbers() const { return designs_; }
  std::vector<double> exact_of(std::size_t design) const;
  std::vector<double> bound_of(std::size_t design) const;
  SampledSpace space() const;

 private:
  std::vector<std::size_t> axis_sizes_, designs_;
  std::unordered_map<std::size_t, std::size_t> places_;
  Points exact_, bounds_, closed_;
};

/// What a method ran, in order.
struct Replay {
  std::vector<std::size_t> ran;
  std::size_t compiled = 0;  // designs whose commands were made
  bool proved = false;
};

/// The pruned search, to its end.
Replay replay_bound(const ProofTable& table, double tolerance = 0);
/// A sampler, for so many runs.
Replay replay_sampler(const ProofTable& table, SearchMethod method, std::uint64_t seed,
                      std::size_t runs);

/// Values of exact runs that are below a bound.
std::size_t violations_of(const ProofTable& table);

/// The share of the true front's hypervolume (LogHypervolume) that the first `runs` runs have.
double share_after(const ProofTable& table, const Replay& replay, std::size_t runs);

/// Of the true front: how many designs, and how many of them were not run.
std::size_t front_size(const ProofTable& table);
std::size_t missing_of_front(const ProofTable& table, const Replay& replay);

}  // namespace corank
