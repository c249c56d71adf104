#include "host/sweep/bound_search.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

using namespace corank;

namespace {

/// A space drawn by a seed: exact values, bounds of two qualities below them, designs that cannot
/// be run.
struct DrawnSpace {
  DrawnSpace(std::size_t count, std::size_t dimensions, double slack, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const auto unit = [&] { return static_cast<double>(random() >> 11) * 0x1p-53; };
    exact.dimensions = first.dimensions = dimensions;
    for (std::size_t i = 0; i < count; ++i) {
      designs.push_back(3 * i + 1);
      std::vector<double> value, bound, loose;
      for (std::size_t d = 0; d < dimensions; ++d) {
        // Coarse numbers, so that designs are equal in some or all of them.
        value.push_back(1 + static_cast<double>(random() % 20));
        const double share = unit() < 0.3 ? 1 : 1 - slack * unit();
        bound.push_back(value.back() * share);
        loose.push_back(bound.back() * (1 - slack * unit()));
      }
      exact.add(value);
      first.add(loose);
      refined[designs.back()] =
          unit() < 0.1 ? std::nullopt : std::optional<std::vector<double>>(bound);
    }
  }

  std::vector<double> exact_of(std::size_t design) const {
    const std::size_t i = (design - 1) / 3;
    return {exact[i], exact[i] + exact.dimensions};
  }

  /// By the definition, of those that can be run.
  std::set<std::size_t> front() const {
    std::set<std::size_t> front;
    for (std::size_t i = 0; i < designs.size(); ++i) {
      if (!refined.at(designs[i])) continue;
      bool beaten = false;
      for (std::size_t j = 0; j < designs.size(); ++j)
        beaten =
            beaten || (refined.at(designs[j]) && dominates(exact[j], exact[i], exact.dimensions));
      if (!beaten) front.insert(designs[i]);
    }
    return front;
  }

  RefineBounds refine() const {
    return [this](const std::vector<std::size_t>& asked) {
      std::vector<std::optional<std::vector<double>>> bounds;
      for (const std::size_t design : asked) bounds.push_back(refined.at(design));
      return bounds;
    };
  }

  std::vector<std::size_t> designs;
  Points exact, first;
  std::map<std::size_t, std::optional<std::vector<double>>> refined;
};

/// All designs that the search has run, in order.
std::vector<std::size_t> run_to_the_end(BoundSearch& search, const DrawnSpace& space,
                                        std::size_t round) {
  std::vector<std::size_t> all;
  for (;;) {
    const std::vector<std::size_t> designs = search.next(round);
    if (designs.empty()) return all;
    // Told in another order than they were given.
    for (auto design = designs.rbegin(); design != designs.rend(); ++design)
      search.tell(*design, space.exact_of(*design));
    all.insert(all.end(), designs.begin(), designs.end());
    search.prune();
  }
}

std::set<std::size_t> front_among(const std::vector<std::size_t>& ran, const DrawnSpace& space) {
  Points points{space.exact.dimensions, {}};
  for (const std::size_t design : ran) points.add(space.exact_of(design));
  std::set<std::size_t> front;
  for (const std::size_t i : front_of(points)) front.insert(ran[i]);
  return front;
}

}  // namespace

TEST_CASE("what a pruned search runs holds the whole front, equal designs included") {
  std::size_t ran_in_all = 0, designs_in_all = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const std::size_t dimensions = 1 + seed % 4;
    const DrawnSpace space(300, dimensions, 0.1 * static_cast<double>(seed % 6), seed);
    BoundSearch search(space.designs, space.first, space.refine(), 0);
    const std::vector<std::size_t> ran = run_to_the_end(search, space, 1 + seed % 40);
    INFO("seed " << seed);
    CHECK(std::set<std::size_t>(ran.begin(), ran.end()).size() == ran.size());
    CHECK(front_among(ran, space) == space.front());
    CHECK(search.open() == 0);
    CHECK(ran.size() + search.pruned() + search.infeasible() == space.designs.size());
    ran_in_all += ran.size();
    designs_in_all += space.designs.size();
  }
  CHECK(ran_in_all < designs_in_all / 2);
}

TEST_CASE("without pruning every design that can be run is run") {
  const DrawnSpace space(100, 3, 0.2, 5);
  BoundSearch search(space.designs, space.first, space.refine(), 0, false);
  const std::vector<std::size_t> ran = run_to_the_end(search, space, 7);
  CHECK(ran.size() + search.infeasible() == space.designs.size());
  CHECK(search.pruned() == 0);
}

TEST_CASE("with a tolerance, no pruned design is better than one that was run by more than it") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const DrawnSpace space(300, 2 + seed % 2, 0.2, seed);
    const double tolerance = 0.3;
    BoundSearch search(space.designs, space.first, space.refine(), tolerance);
    const std::vector<std::size_t> ran = run_to_the_end(search, space, 10);
    BoundSearch whole(space.designs, space.first, space.refine(), 0);
    CHECK(ran.size() <= run_to_the_end(whole, space, 10).size());
    for (const std::size_t design : space.front()) {
      const std::vector<double> best = space.exact_of(design);
      const bool near = std::any_of(ran.begin(), ran.end(), [&](std::size_t other) {
        const std::vector<double> values = space.exact_of(other);
        for (std::size_t d = 0; d < best.size(); ++d)
          if (values[d] > best[d] * (1 + tolerance)) return false;
        return true;
      });
      INFO("seed " << seed << ", design " << design);
      CHECK(near);
    }
  }
}

TEST_CASE("a design that failed has no values, and prunes nothing") {
  DrawnSpace space(50, 2, 0.0, 3);
  for (auto& [design, bound] : space.refined) bound = space.exact_of(design);
  BoundSearch search(space.designs, space.first, space.refine(), 0);
  std::size_t ran = 0;
  for (;;) {
    const std::vector<std::size_t> designs = search.next(5);
    if (designs.empty()) break;
    for (const std::size_t design : designs) search.tell(design, std::nullopt);
    search.prune();
    ran += designs.size();
  }
  CHECK(ran == 50);
}

TEST_CASE("the designs of a round do not depend on the order in which results came") {
  const DrawnSpace space(400, 3, 0.3, 11);
  BoundSearch one(space.designs, space.first, space.refine(), 0);
  BoundSearch other(space.designs, space.first, space.refine(), 0);
  for (;;) {
    const std::vector<std::size_t> designs = one.next(16);
    REQUIRE(other.next(16) == designs);
    if (designs.empty()) break;
    for (std::size_t i = 0; i < designs.size(); ++i) {
      one.tell(designs[i], space.exact_of(designs[i]));
      const std::size_t last = designs[designs.size() - 1 - i];
      other.tell(last, space.exact_of(last));
    }
    one.prune();
    other.prune();
  }
}
