#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>

#include "models/base/numerics.h"

using namespace corank;

TEST_CASE("Every number of binary16 is itself after widening and rounding") {
  int different = 0;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float wide = widen_f16(half);
    const std::uint16_t right = std::isnan(wide) ? 0x7E00 : half;
    different += round_to_f16(wide) != right;
  }
  CHECK(different == 0);
  CHECK(widen_f16(0x0001) == 0x1p-24f);
  CHECK(widen_f16(0xC900) == -10);
  CHECK(widen_f16(0x7BFF) == 65504);
}

TEST_CASE("Between two numbers of binary16 the nearer one is taken, the even one of a tie") {
  int wrong = 0;
  for (std::uint16_t half = 0; half < 0x7BFF; ++half) {
    const float low = widen_f16(half), high = widen_f16(static_cast<std::uint16_t>(half + 1));
    const float middle = (low + high) / 2;  // exact
    const auto even = static_cast<std::uint16_t>(half % 2 == 0 ? half : half + 1);
    wrong += round_to_f16(middle) != even;
    wrong += round_to_f16(std::nextafter(middle, low)) != half;
    wrong += round_to_f16(std::nextafter(middle, high)) != half + 1;
    wrong += round_to_f16(-middle) != (even | 0x8000);
  }
  CHECK(wrong == 0);
  CHECK(round_to_f16(65519) == 0x7BFF);
  CHECK(round_to_f16(65520) == 0x7C00);
  CHECK(round_to_f16(-INFINITY) == 0xFC00);
  CHECK(round_to_f16(1e-30f) == 0);
}
