#include "models/base/numerics.h"

#include <xmmintrin.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <random>

using namespace corank;

namespace {

std::uint16_t rounded(std::uint32_t bits) { return round_to_bf16(float_from_bits(bits)); }

/// Not to be folded by the compiler, which knows nothing of the environment.
// Computed where it is called, not by the compiler, nor outside of the float environment.
[[gnu::noipa]] float product(float a, float b) { return a * b; }

}  // namespace

TEST_CASE("rounding to BF16 goes to the nearest, ties to even") {
  CHECK(rounded(0x3F800000) == 0x3F80);  // 1
  CHECK(rounded(0x3F807FFF) == 0x3F80);  // below the tie
  CHECK(rounded(0x3F808000) == 0x3F80);  // tie, even below
  CHECK(rounded(0x3F808001) == 0x3F81);  // above the tie
  CHECK(rounded(0x3F818000) == 0x3F82);  // tie, even above
  CHECK(rounded(0xBF818000) == 0xBF82);  // symmetric in sign
  CHECK(rounded(0x3FFFFFFF) == 0x4000);  // carry into the exponent
}

TEST_CASE("rounding to BF16 overflows to infinity") {
  CHECK(rounded(0x7F7F7FFF) == 0x7F7F);  // below the tie of the largest finite BF16 and infinity
  CHECK(rounded(0x7F7F8000) == 0x7F80);
  CHECK(rounded(0xFF7FFFFF) == 0xFF80);
  CHECK(rounded(0x7F800000) == 0x7F80);
}

TEST_CASE("every NaN rounds to 7FC0") {
  CHECK(rounded(0x7FC00000) == 0x7FC0);
  CHECK(rounded(0x7F800001) == 0x7FC0);  // signalling; its payload has no upper half
  CHECK(rounded(0xFFFFFFFF) == 0x7FC0);
}

TEST_CASE("a subnormal rounds to the zero of its sign") {
  CHECK(rounded(0x007FFFFF) == 0x0000);
  CHECK(rounded(0x807FFFFF) == 0x8000);
  CHECK(rounded(0x00000001) == 0x0000);
  CHECK(rounded(0x80000000) == 0x8000);
  CHECK(rounded(0x00800000) == 0x0080);  // the smallest normal stays
}

TEST_CASE("rounding to BF16 picks the nearest of all BF16 values") {
  const auto seed = GENERATE(1u, 2u, 3u);
  INFO("seed " << seed);
  std::mt19937 generator(seed);
  for (int i = 0; i < 20000; ++i) {
    const std::uint32_t bits = generator();
    const float value = float_from_bits(bits);
    if (!std::isnormal(value) || std::fabs(value) > 3.3e38f) continue;
    const std::uint16_t down = static_cast<std::uint16_t>(bits >> 16);
    const std::uint16_t up = static_cast<std::uint16_t>(down + 1);
    const double below = std::fabs(double{value} - double{widen(down)});
    const double above = std::fabs(double{widen(up)} - double{value});
    const std::uint16_t nearest = below < above                                ? down
                                  : above < below                              ? up
                                  : static_cast<std::uint16_t>(down & 1u) == 0 ? down
                                                                               : up;
    INFO("bits " << bits);
    REQUIRE(round_to_bf16(value) == nearest);
  }
}

TEST_CASE("widening a BF16 alters no bits, of NaNs and subnormals neither") {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    REQUIRE(bits_of(widen(static_cast<std::uint16_t>(bits))) == bits << 16);
  }
}

TEST_CASE("the float environment flushes subnormals and is restored") {
  const unsigned before = _mm_getcsr();
  const float smallest_normal = float_from_bits(0x00800000);
  CHECK(product(smallest_normal, 0.5f) == float_from_bits(0x00400000));
  {
    const FloatEnvironment environment;
    CHECK(bits_of(product(smallest_normal, -0.5f)) == 0x80000000);     // flush to zero
    CHECK(bits_of(product(float_from_bits(0x00400000), 4.0f)) == 0u);  // denormals are zero
    CHECK(bits_of(product(float_from_bits(0x3F7FFFFE), float_from_bits(0x00800001))) ==
          0x00800000);  // (1 - 2^-23)(1 + 2^-23) 2^-126: tiny only before rounding
  }
  constexpr unsigned kStickyFlags = 0x3F;
  CHECK((_mm_getcsr() & ~kStickyFlags) == (before & ~kStickyFlags));
}

TEST_CASE("the float environment rounds to nearest whatever was set before") {
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0x6000u);  // towards zero
  std::uint32_t bits = 0;
  {
    const FloatEnvironment environment;
    bits = bits_of(product(1.5f, float_from_bits(0x3F800001)));
  }
  _mm_setcsr(before);
  // 1.5 + 1.5 * 2^-23 is a tie: to the even 3FC00002; towards zero it would be 3FC00001.
  CHECK(bits == 0x3FC00002);
}

TEST_CASE("a multiply-accumulate rounds the product and then the sum") {
  const FloatEnvironment environment;
  const std::uint16_t two_to_100 = 0x7180;
  const std::uint16_t minus_two_to_100 = 0xF180;
  const std::uint16_t two_to_minus_70 = 0x1C80;
  const float infinity = INFINITY;
  CHECK(multiply_accumulate(1.0f, 0x4040, 0xC000) == -5.0f);  // 1 + 3 * -2
  // Fused, these would give -infinity and 00800200: the product alone overflows and underflows.
  CHECK(bits_of(multiply_accumulate(-infinity, two_to_100, two_to_100)) == kCanonicalNanFp32);
  CHECK(bits_of(multiply_accumulate(float_from_bits(0x00800000), two_to_minus_70,
                                    two_to_minus_70)) == 0x00800000);
  CHECK(multiply_accumulate(0.0f, two_to_100, minus_two_to_100) == -infinity);
  CHECK(bits_of(multiply_accumulate(0.0f, 0x8000, 0x3F80)) == 0u);                 // +0 + -0 = +0
  CHECK(bits_of(multiply_accumulate(0.0f, 0x7F80, 0x0000)) == kCanonicalNanFp32);  // inf * 0
  CHECK(bits_of(multiply_accumulate(0.0f, 0xFF81, 0x3F80)) == kCanonicalNanFp32);  // NaN payload
}
