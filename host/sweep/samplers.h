// Designs drawn from a space: baselines, and what is left where a space is too large to be
// enumerated. They prove nothing. The same seed draws the same designs, on any machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "host/sweep/sweep_file.h"

namespace corank {

/// A space of designs: numbers in mixed radix, the last axis running fastest, some of them legal.
struct SampledSpace {
  std::vector<std::size_t> axis_sizes;
  std::size_t objectives = 1;
  std::function<bool(std::size_t design)> legal;

  std::size_t designs() const;
};

class Sampler {
 public:
  virtual ~Sampler() = default;
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  /// So many designs at most, legal ones that it never gave before; none: it has no more.
  virtual std::vector<std::size_t> next(std::size_t most) = 0;
  /// What a design came to, in each objective; nothing for one that could not be run. All that
  /// next() gave are told before it is asked again.
  virtual void tell(std::size_t design, const std::optional<std::vector<double>>& exact) = 0;

 protected:
  Sampler() = default;
};

/// Throws InputError for NSGA-II in a program that was built without pagmo.
std::unique_ptr<Sampler> make_sampler(SearchMethod method, const SampledSpace& space,
                                      std::uint64_t seed);

/// pagmo's NSGA-II (Deb et al., 2002), over the places in the axes.
std::unique_ptr<Sampler> make_nsga2(const SampledSpace& space, std::uint64_t seed);

}  // namespace corank
