#include "models/program/schedule.h"

#include <catch2/catch.hpp>
#include <vector>

using namespace corank;

namespace {

std::vector<double> factors(const Schedule& schedule, std::int64_t steps) {
  std::vector<double> list;
  for (std::int64_t step = 0; step < steps; ++step) list.push_back(schedule_factor(schedule, step));
  return list;
}

}  // namespace

TEST_CASE("The warm-up starts at 0 and rises by equal parts") {
  CHECK(factors({Schedule::Kind::kConstant, 4, 0}, 6) ==
        std::vector<double>{0, 0.25, 0.5, 0.75, 1, 1});
  CHECK(factors({Schedule::Kind::kConstant, 0, 0}, 2) == std::vector<double>{1, 1});
}

TEST_CASE("Linear falls to 0 at the end and stays there") {
  CHECK(factors({Schedule::Kind::kLinear, 2, 6}, 8) ==
        std::vector<double>{0, 0.5, 1, 0.75, 0.5, 0.25, 0, 0});
  CHECK(factors({Schedule::Kind::kLinear, 0, 4}, 4) == std::vector<double>{1, 0.75, 0.5, 0.25});
}

TEST_CASE("Cosine falls by half a period") {
  const std::vector<double> found = factors({Schedule::Kind::kCosine, 1, 5}, 6);
  // (1 + cos(0, pi/4, pi/2, 3 pi/4, pi)) / 2
  const double expected[] = {0, 1, 0.8535533905932737, 0.5, 0.14644660940672624, 0};
  for (std::size_t i = 0; i < found.size(); ++i)
    CHECK(found[i] == Approx(expected[i]).margin(1e-15));
}
