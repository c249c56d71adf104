#include "models/base/vector_arithmetic.h"

#include <catch2/catch.hpp>
#include <cmath>

using namespace corank;

TEST_CASE("a maximum is that of IEEE 754-2019: a NaN wins, and +0 is above -0") {
  const auto of = [](std::uint32_t a, std::uint32_t b) {
    return bits_of(maximum(float_from_bits(a), float_from_bits(b)));
  };
  constexpr std::uint32_t kOne = 0x3F800000, kMinusOne = 0xBF800000, kMinusZero = kSignFp32;
  const auto check = [&] {
    CHECK(of(kOne, kMinusOne) == kOne);
    CHECK(of(kMinusOne, kOne) == kOne);
    CHECK(of(kMinusOne, kMinusOne - 1) == kMinusOne - 1);  // one bit nearer to zero
    CHECK(of(0, kMinusZero) == 0);
    CHECK(of(kMinusZero, 0) == 0);
    CHECK(of(kMinusZero, kMinusZero) == kMinusZero);
    CHECK(of(0x00000001, kMinusOne) == 0);  // a subnormal is a zero of its sign
    CHECK(of(0x807FFFFF, kMinusOne) == kMinusZero);
    CHECK(of(0x807FFFFF, 0x007FFFFF) == 0);
    CHECK(of(0x80800000, 0x807FFFFF) == kMinusZero);
    CHECK(of(0xFF800000, 0xFF7FFFFF) == 0xFF7FFFFF);
    CHECK(of(kInfinityFp32, kOne) == kInfinityFp32);
    CHECK(of(kInfinityFp32, 0xFFC12345) == kCanonicalNanFp32);
    CHECK(of(0x7F800001, kOne) == kCanonicalNanFp32);
  };
  check();
  const FloatEnvironment environment;
  check();
}

TEST_CASE("a maximum of FP64 numbers keeps their subnormals") {
  CHECK(maximum(0x1p-1074, 0.0) == 0x1p-1074);
  CHECK(maximum(-1.0, 2) == 2.0);
  CHECK_FALSE(std::signbit(maximum(-0.0, 0.0)));
  CHECK_FALSE(std::signbit(maximum(0.0, -0.0)));
  CHECK(std::isnan(maximum(1.0, std::nan(""))));
}
