#include "host/sweep/samplers.h"
#include "models/base/error.h"

#ifdef CORANK_PAGMO
#include <algorithm>
#include <cmath>
#include <map>
#include <pagmo/algorithm.hpp>
#include <pagmo/algorithms/nsga2.hpp>
#include <pagmo/bfe.hpp>
#include <pagmo/population.hpp>
#include <pagmo/problem.hpp>
#include <utility>
#endif

namespace corank {

#ifndef CORANK_PAGMO

std::unique_ptr<Sampler> make_nsga2(const SampledSpace&, std::uint64_t) {
  throw InputError(
      "search.method: nsga2 needs pagmo 2 (Debian: libpagmo-dev), which was not there when corank "
      "was built; expected bound, random, halton or all");
}

#else

namespace {

constexpr std::size_t kPopulation = 48;
constexpr double kCrossover = 0.95, kEta = 10;
// Generations without a design that is new, after which there is no more to expect.
constexpr int kMostVainGenerations = 200;
// Of what cannot be run: worse than anything that can.
constexpr double kWorst = 1e300;

/// What pagmo asks for and is not known yet.
struct Unknown {};

struct Known {
  SampledSpace space;
  std::map<std::size_t, std::vector<double> > values;  // logarithms
  std::vector<std::size_t> missing;

  std::optional<std::vector<double> > of(std::size_t design) const {
    const auto found = values.find(design);
    if (found != values.end()) return found->second;
    if (!space.legal(design)) return std::vector<double>(space.objectives, kWorst);
    return std::nullopt;
  }
};

/// The space as pagmo takes problems: copied, with whole generations to be evaluated at once.
class Designs {
 public:
  Designs() = default;
  explicit Designs(std::shared_ptr<Known> known) : known_(std::move(known)) {}

  std::vector<double> fitness(const std::vector<double>& point) const {
    return batch_fitness(point);
  }

  // Throws Unknown, and says which designs are to be run.
  std::vector<double> batch_fitness(const std::vector<double>& points) const {
    const std::size_t axes = known_->space.axis_sizes.size();
    std::vector<double> all;
    known_->missing.clear();
    for (std::size_t begin = 0; begin < points.size(); begin += axes) {
      const std::size_t design = design_of(&points[begin]);
      if (const auto values = known_->of(design))
        all.insert(all.end(), values->begin(), values->end());
      else if (std::find(known_->missing.begin(), known_->missing.end(), design) ==
               known_->missing.end())
        known_->missing.push_back(design);
    }
    if (!known_->missing.empty()) throw Unknown{};
    return all;
  }

  std::vector<double>::size_type get_nobj() const { return known_ ? known_->space.objectives : 1; }
  std::vector<double>::size_type get_nix() const {
    return known_ ? known_->space.axis_sizes.size() : 0;
  }
  std::pair<std::vector<double>, std::vector<double> > get_bounds() const {
    std::vector<double> least, most;
    if (!known_) return {{0}, {1}};
    for (const std::size_t size : known_->space.axis_sizes) {
      least.push_back(0);
      most.push_back(static_cast<double>(size - 1));
    }
    return {least, most};
  }
  template <class Archive>
  void serialize(Archive&, unsigned) {}

 private:
  std::size_t design_of(const double* point) const {
    std::size_t design = 0;
    for (std::size_t axis = 0; axis < known_->space.axis_sizes.size(); ++axis)
      design = design * known_->space.axis_sizes[axis] +
               static_cast<std::size_t>(std::llround(point[axis]));
    return design;
  }

  std::shared_ptr<Known> known_;
};

std::vector<double> point_of(std::size_t design, const std::vector<std::size_t>& sizes) {
  std::vector<double> point(sizes.size());
  for (std::size_t axis = sizes.size(); axis-- > 0;) {
    point[axis] = static_cast<double>(design % sizes[axis]);
    design /= sizes[axis];
  }
  return point;
}

class Nsga2 : public Sampler {
 public:
  Nsga2(const SampledSpace& space, std::uint64_t seed)
      : known_(std::make_shared<Known>(Known{space, {}, {}})),
        first_(make_sampler(SearchMethod::kRandom, space, seed)),
        population_(pagmo::problem(Designs(known_)), 0, static_cast<unsigned>(seed)),
        algorithm_(algorithm(space, seed)) {}

  std::vector<std::size_t> next(std::size_t most) override {
    if (queue_.empty()) fill();
    const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(std::min(most, queue_.size()));
    std::vector<std::size_t> designs(queue_.begin(), end);
    queue_.erase(queue_.begin(), end);
    return designs;
  }

  void tell(std::size_t design, const std::optional<std::vector<double> >& exact) override {
    std::vector<double>& values = known_->values[design];
    values.assign(known_->space.objectives, kWorst);
    if (!exact) return;
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::log((*exact)[i]);
  }

 private:
  static pagmo::algorithm algorithm(const SampledSpace& space, std::uint64_t seed) {
    const double mutation = 1 / static_cast<double>(space.axis_sizes.size());
    pagmo::nsga2 nsga2(1, kCrossover, kEta, mutation, kEta, static_cast<unsigned>(seed));
    nsga2.set_bfe(pagmo::bfe{});
    return pagmo::algorithm(nsga2);
  }

  // The designs that the next generation needs and that are not known. Evolving is tried with a
  // copy, and again with the same random numbers when they are.
  void fill() {
    if (population_.size() == 0 && !begin()) return;
    for (int vain = 0; vain < kMostVainGenerations;) {
      const pagmo::algorithm before(algorithm_);
      try {
        population_ = algorithm_.evolve(population_);
        ++vain;
      } catch (const Unknown&) {
        algorithm_ = before;
        queue_ = known_->missing;
        return;
      }
    }
  }

  // True when the first generation is there.
  bool begin() {
    if (initial_.empty()) {
      queue_ = initial_ = first_->next(kPopulation);
      return false;
    }
    for (std::size_t i = 0; i < kPopulation; ++i) {
      const std::size_t design = initial_[i % initial_.size()];
      population_.push_back(point_of(design, known_->space.axis_sizes), *known_->of(design));
    }
    return true;
  }

  std::shared_ptr<Known> known_;
  std::unique_ptr<Sampler> first_;
  std::vector<std::size_t> initial_, queue_;
  pagmo::population population_;
  pagmo::algorithm algorithm_;
};

}  // namespace

std::unique_ptr<Sampler> make_nsga2(const SampledSpace& space, std::uint64_t seed) {
  if (space.objectives < 2)
    throw InputError("search.method: nsga2 needs two objectives at least, found 1");
  return std::make_unique<Nsga2>(space, seed);
}

#endif

}  // namespace corank
