#include "models/base/vector_arithmetic.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <utility>

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

TEST_CASE("a minimum is that of IEEE 754-2019: a NaN wins, and -0 is below +0") {
  const auto of = [](std::uint32_t a, std::uint32_t b) {
    return bits_of(minimum(float_from_bits(a), float_from_bits(b)));
  };
  constexpr std::uint32_t kOne = 0x3F800000, kMinusOne = 0xBF800000, kMinusZero = kSignFp32;
  const FloatEnvironment environment;
  CHECK(of(kOne, kMinusOne) == kMinusOne);
  CHECK(of(kMinusOne, kOne) == kMinusOne);
  CHECK(of(0, kMinusZero) == kMinusZero);
  CHECK(of(kMinusZero, 0) == kMinusZero);
  CHECK(of(0, 0) == 0);
  CHECK(of(0x00000001, kOne) == 0);  // a subnormal is a zero of its sign
  CHECK(of(0x007FFFFF, 0x807FFFFF) == kMinusZero);
  CHECK(of(kInfinityFp32, 0x7F7FFFFF) == 0x7F7FFFFF);
  CHECK(of(0xFF800000, 0xFF7FFFFF) == 0xFF800000);
  CHECK(of(0xFF800000, 0x7F800001) == kCanonicalNanFp32);
  CHECK(of(0xFFC12345, kOne) == kCanonicalNanFp32);
  CHECK(minimum(-1.0, 2.0) == -1.0);
}

TEST_CASE("a multiply-add rounds the product before it adds") {
  const FloatEnvironment environment;
  // (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24, of which rounding leaves 1 + 2^-11: a tie, to even.
  CHECK(multiply_add(1 + 0x1p-12f, 1 + 0x1p-12f, -1 - 0x1p-11f) == 0.0f);
  CHECK(multiply_add(2.0f, 3.0f, 4.0f) == 10.0f);
  const volatile float small = 0x1p-100f;  // no arithmetic of the compiler's own
  CHECK(bits_of(multiply_add(small, 0x1p-27f, 0x1p-126f)) == 0x00800000);  // a flushed product
}

TEST_CASE("a power of two scales, saturates and flushes") {
  const FloatEnvironment environment;
  const auto of = [](std::uint32_t a, std::int32_t exponent) {
    return bits_of(scale_by_power_of_two(float_from_bits(a), exponent));
  };
  constexpr std::int32_t kLeast = std::numeric_limits<std::int32_t>::min();
  constexpr std::int32_t kMost = std::numeric_limits<std::int32_t>::max();
  CHECK(of(0x3FC00000, 3) == 0x41400000);    // 1.5 * 8 = 12
  CHECK(of(0xBFC00000, -1) == 0xBF400000);   // -0.75
  CHECK(of(0x00800001, 253) == 0x7F000001);  // from the lowest exponent to the highest
  CHECK(of(0x00800001, 254) == kInfinityFp32);
  CHECK(of(0x7F7FFFFF, -253) == 0x00FFFFFF);
  CHECK(of(0x7F7FFFFF, -254) == 0);
  CHECK(of(0xFF7FFFFF, -254) == kSignFp32);
  CHECK(of(0x3F800000, -126) == 0x00800000);
  CHECK(of(0x3F800000, -127) == 0);
  for (const std::int32_t exponent : {512, 513, kMost}) {
    CHECK(of(0x00800000, exponent) == kInfinityFp32);
    CHECK(of(0x80800000, exponent) == 0xFF800000);
    CHECK(of(0xFF7FFFFF, -exponent) == kSignFp32);
  }
  for (const std::int32_t exponent : {kLeast, -1, 0, 1, kMost}) {
    CHECK(of(0, exponent) == 0);
    CHECK(of(0x807FFFFF, exponent) == kSignFp32);  // a subnormal is a zero
    CHECK(of(0xFF800000, exponent) == 0xFF800000);
    CHECK(of(0xFF800001, exponent) == kCanonicalNanFp32);
  }
}

TEST_CASE("comparisons give masks: a NaN is false, subnormals and -0 are zeros") {
  const FloatEnvironment environment;
  const float nan = std::nanf(""), subnormal = 0x1p-127f;
  CHECK(less(1.0f, 2.0f) == -1);
  CHECK(less(2.0f, 2.0f) == 0);
  CHECK(less_equal(2.0f, 2.0f) == -1);
  CHECK(equal(2.0f, 2.0f) == -1);
  CHECK(equal(-0.0f, 0.0f) == -1);
  CHECK(less(-0.0f, 0.0f) == 0);
  volatile float small = subnormal;  // no arithmetic of the compiler's own
  CHECK(less(-small, small) == 0);
  CHECK(equal(-small, small) == -1);
  CHECK(less(0.0f, small) == 0);
  for (const float x : {-1.0f, nan}) {
    CHECK(less(x, nan) == 0);
    CHECK(less_equal(nan, x) == 0);
    CHECK(equal(nan, x) == 0);
  }
  CHECK(int_less(-1, 0) == -1);
  CHECK(int_less(0, -1) == 0);
  CHECK(int_equal(7, 7) == -1);
  CHECK(int_equal(7, 8) == 0);
}

TEST_CASE("select moves bits as they are") {
  const FloatEnvironment environment;
  const float nan = float_from_bits(0xFFA12345), subnormal = float_from_bits(1);
  CHECK(bits_of(select(-1, nan, 1.0f)) == 0xFFA12345);
  CHECK(bits_of(select(0, 1.0f, nan)) == 0xFFA12345);
  CHECK(bits_of(select(2, subnormal, 1.0f)) == 1);
  CHECK(select(0, std::int32_t{3}, std::int32_t{4}) == 4);
}

TEST_CASE("integers wrap, shift and rotate, counts modulo 32") {
  constexpr std::int32_t kLeast = std::numeric_limits<std::int32_t>::min();
  CHECK(int_add(std::numeric_limits<std::int32_t>::max(), 1) == kLeast);
  CHECK(int_subtract(kLeast, 1) == std::numeric_limits<std::int32_t>::max());
  CHECK(bit_and(12, 10) == 8);
  CHECK(bit_or(12, 10) == 14);
  CHECK(bit_xor(12, 10) == 6);
  CHECK(shift_left(-1, 31) == kLeast);
  CHECK(shift_left(5, 33) == 10);
  CHECK(shift_right(kLeast, 31) == 1);
  CHECK(shift_right(kLeast, 32) == kLeast);
  CHECK(shift_right_arithmetic(kLeast, 31) == -1);
  CHECK(shift_right_arithmetic(-8, 33) == -4);
  CHECK(rotate_left(kLeast + 2, 1) == 5);
  CHECK(rotate_left(12345, 0) == 12345);
  CHECK(rotate_left(12345, 32) == 12345);
  CHECK(rotate_left(1, -1) == kLeast);
}

TEST_CASE("conversions round to nearest even and saturate") {
  const FloatEnvironment environment;
  constexpr std::int32_t kLeast = std::numeric_limits<std::int32_t>::min();
  constexpr std::int32_t kMost = std::numeric_limits<std::int32_t>::max();
  const std::pair<float, std::int32_t> cases[] = {{0.5f, 0},
                                                  {1.5f, 2},
                                                  {-2.5f, -2},
                                                  {-0.75f, -1},
                                                  {0x1p-127f, 0},
                                                  {4194304.5f, 4194304},
                                                  {4194305.5f, 4194306},
                                                  {8388607.5f, 8388608},
                                                  {16777215, 16777215},
                                                  {2147483520, 2147483520},
                                                  {0x1p31f, kMost},
                                                  {3e38f, kMost},
                                                  {INFINITY, kMost},
                                                  {-0x1p31f, kLeast},
                                                  {-3e38f, kLeast},
                                                  {-INFINITY, kLeast}};
  for (const auto& [number, integer] : cases) CHECK(to_integer(number) == integer);
  CHECK(to_integer(std::nanf("")) == 0);
  CHECK(to_integer(float_from_bits(0xFF800001)) == 0);
  CHECK(to_float(16777217) == 16777216.0f);
  CHECK(to_float(16777219) == 16777220.0f);
  CHECK(to_float(kMost) == 0x1p31f);
  CHECK(to_float(kLeast) == -0x1p31f);
}
