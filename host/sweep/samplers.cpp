#include "host/sweep/samplers.h"

#include <cmath>
#include <random>
#include <unordered_set>

#include "models/base/error.h"

namespace corank {
namespace {

// Draws of designs that are known or not legal, after which the next one in their order is taken;
// and how far that is looked for.
constexpr int kMostVainDraws = 1000;
constexpr std::size_t kFarthest = 10'000'000;

class DrawingSampler : public Sampler {
 public:
  explicit DrawingSampler(const SampledSpace& space) : space_(space) {}

  std::vector<std::size_t> next(std::size_t most) override {
    std::vector<std::size_t> designs;
    while (designs.size() < most) {
      const std::optional<std::size_t> design = fresh();
      if (!design) break;
      designs.push_back(*design);
    }
    return designs;
  }

  void tell(std::size_t, const std::optional<std::vector<double>>&) override {}

 protected:
  virtual std::size_t draw() = 0;
  const SampledSpace& space() const { return space_; }

 private:
  bool take(std::size_t design) {
    return given_.count(design) == 0 && space_.legal(design) && given_.insert(design).second;
  }

  std::optional<std::size_t> fresh() {
    std::size_t design = 0;
    for (int i = 0; i < kMostVainDraws; ++i)
      if (take(design = draw())) return design;
    const std::size_t designs = space_.designs();
    for (std::size_t i = 0; i < std::min(designs, kFarthest); ++i) {
      design = design + 1 == designs ? 0 : design + 1;
      if (take(design)) return design;
    }
    return std::nullopt;
  }

  SampledSpace space_;
  std::unordered_set<std::size_t> given_;
};

class RandomSampler : public DrawingSampler {
 public:
  RandomSampler(const SampledSpace& space, std::uint64_t seed)
      : DrawingSampler(space), random_(seed) {}

 protected:
  std::size_t draw() override { return random_() % space().designs(); }

 private:
  std::mt19937_64 random_;
};

// Halton, 1960: in each axis the digits of the point's number, to a prime base, behind the point;
// shifted by a random number, modulo 1 (Cranley and Patterson, 1976).
class HaltonSampler : public DrawingSampler {
 public:
  HaltonSampler(const SampledSpace& space, std::uint64_t seed) : DrawingSampler(space) {
    std::mt19937_64 random(seed);
    for (std::size_t prime = 2; bases_.size() < space.axis_sizes.size(); ++prime) {
      bool divides = false;
      for (const std::size_t base : bases_) divides = divides || prime % base == 0;
      if (divides) continue;
      bases_.push_back(prime);
      shifts_.push_back(static_cast<double>(random() >> 11) * 0x1p-53);
    }
  }

 protected:
  std::size_t draw() override {
    ++point_;
    std::size_t design = 0;
    for (std::size_t axis = 0; axis < bases_.size(); ++axis) {
      const std::size_t size = space().axis_sizes[axis];
      const double at = std::fmod(radical_inverse(point_, bases_[axis]) + shifts_[axis], 1.0);
      design = design * size +
               std::min(size - 1, static_cast<std::size_t>(at * static_cast<double>(size)));
    }
    return design;
  }

 private:
  static double radical_inverse(std::size_t number, std::size_t base) {
    double inverse = 0, weight = 1;
    for (; number > 0; number /= base) {
      weight /= static_cast<double>(base);
      inverse += weight * static_cast<double>(number % base);
    }
    return inverse;
  }

  std::vector<std::size_t> bases_;
  std::vector<double> shifts_;
  std::size_t point_ = 0;
};

}  // namespace

std::size_t SampledSpace::designs() const {
  std::size_t product = 1;
  for (const std::size_t size : axis_sizes) product *= size;
  return product;
}

std::unique_ptr<Sampler> make_sampler(SearchMethod method, const SampledSpace& space,
                                      std::uint64_t seed) {
  if (method == SearchMethod::kNsga2) return make_nsga2(space, seed);
  if (method == SearchMethod::kHalton) return std::make_unique<HaltonSampler>(space, seed);
  return std::make_unique<RandomSampler>(space, seed);
}

}  // namespace corank
