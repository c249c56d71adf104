#include "host/sweep/front.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <random>
#include <vector>

using namespace corank;

namespace {

Points points_of(const std::vector<std::vector<double>>& rows) {
  Points points{rows.front().size(), {}};
  for (const auto& row : rows) points.add(row);
  return points;
}

std::vector<std::size_t> sorted(std::vector<std::size_t> places) {
  std::sort(places.begin(), places.end());
  return places;
}

// By the definition, pair by pair.
std::vector<std::size_t> front_by_definition(const Points& points) {
  std::vector<std::size_t> front;
  for (std::size_t i = 0; i < points.size(); ++i) {
    bool beaten = false;
    for (std::size_t j = 0; j < points.size(); ++j)
      beaten = beaten || dominates(points[j], points[i], points.dimensions);
    if (!beaten) front.push_back(i);
  }
  return front;
}

Points drawn(std::size_t count, std::size_t dimensions, int values, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Points points{dimensions, {}};
  for (std::size_t i = 0; i < count * dimensions; ++i)
    points.coordinates.push_back(
        static_cast<double>(random() % static_cast<std::uint64_t>(values) + 1));
  return points;
}

}  // namespace

TEST_CASE("a point that another one equals is on the front with it") {
  const Points points = points_of({{1, 3, 2}, {2, 2, 2}, {1, 3, 2}, {3, 3, 3}, {2, 2, 3}});
  CHECK(sorted(front_of(points)) == std::vector<std::size_t>{0, 1, 2});
}

TEST_CASE("layers are peeled off one after another") {
  // 3 is beaten by 1 alone; 4 by 3, too.
  const Points points = points_of({{1, 4}, {2, 2}, {4, 1}, {3, 3}, {4, 4}, {5, 4}});
  CHECK(layers_of(points) == std::vector<std::size_t>{0, 0, 0, 1, 2, 3});
}

TEST_CASE("fronts in any number of coordinates are those of the definition") {
  for (std::size_t dimensions = 1; dimensions <= 5; ++dimensions) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      // Few values: many points are equal, and many coordinates.
      const Points points = drawn(200, dimensions, 6, seed);
      INFO("dimensions " << dimensions << ", seed " << seed);
      CHECK(sorted(front_of(points)) == front_by_definition(points));
    }
  }
}

TEST_CASE("hypervolumes worked out by hand") {
  // Squares of 2 x 1 and 1 x 2 that share one of 1 x 1.
  CHECK(hypervolume(points_of({{1, 2}, {2, 1}}), {3, 3}) == 3);
  // A point that is dominated, one that is equal and one outside add nothing.
  CHECK(hypervolume(points_of({{1, 2}, {2, 1}, {2, 2}, {1, 2}, {0, 3}}), {3, 3}) == 3);
  // Boxes of 1 x 2 x 2, 2 x 1 x 2 and 2 x 2 x 1: 12, less 3 overlaps of 2, and the cube of 1 that
  // all three share: in pairs they meet in 1 x 1 x 2, 1 x 2 x 1, 2 x 1 x 1.
  CHECK(hypervolume(points_of({{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}), {2, 2, 2}) == 12 - 6 + 1);
  CHECK(hypervolume(points_of({{0.5}, {0.25}}), {1}) == 0.75);
  CHECK(hypervolume(points_of({{1, 1, 1, 1}, {0, 1, 1, 1}}), {2, 2, 2, 2}) == 2);
}

TEST_CASE("a hypervolume is the sum of the cells that points dominate") {
  for (std::size_t dimensions = 2; dimensions <= 4; ++dimensions) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      constexpr int kSide = 7;
      const Points points = drawn(30, dimensions, kSide, seed);
      double cells = 0;
      const auto all = static_cast<std::size_t>(std::pow(kSide, dimensions));
      for (std::size_t cell = 0; cell < all; ++cell) {
        bool dominated = false;
        for (std::size_t i = 0; i < points.size() && !dominated; ++i) {
          dominated = true;
          std::size_t rest = cell;
          for (std::size_t d = 0; d < dimensions; ++d, rest /= kSide)
            dominated = dominated && points[i][d] <= static_cast<double>(rest % kSide + 1);
        }
        cells += dominated ? 1 : 0;
      }
      INFO("dimensions " << dimensions << ", seed " << seed);
      CHECK(hypervolume(points, std::vector<double>(dimensions, kSide + 1)) == cells);
    }
  }
}

TEST_CASE("the box around a front is the unit cube of its logarithms") {
  const Points front = points_of({{1, 100}, {10, 10}, {100, 1}});
  const LogHypervolume volume(front);
  CHECK(volume.place_of(front[1])[0] == Approx(0.5));
  // Corners at (0, 1), (1/2, 1/2) and (1, 0) below 1.1.
  CHECK(volume(front) == Approx(1.1 * 0.1 + 0.6 * 0.5 + 0.1 * 0.5));
}

TEST_CASE("the front of a million points in three coordinates takes seconds at most") {
  std::mt19937_64 random(7);
  Points points{3, {}};
  for (int i = 0; i < 3'000'000; ++i)
    points.coordinates.push_back(static_cast<double>(random() >> 11));
  const auto begin = std::chrono::steady_clock::now();
  const std::size_t size = front_of(points).size();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  CHECK(size > 50);
  CHECK(seconds.count() < 20);  // 1 s on an idle core; a quadratic one takes hours
}
