// The RTL's FP32 addition, multiplication and conversions are the host's.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cmath>

#include "Vfp32_functions.h"
#include "models/base/numerics.h"
#include "tests/rtl/arithmetic/operands.h"

namespace corank {
namespace {

std::string hex(std::uint32_t bits) { return fmt::format("{:08X}", bits); }

std::uint32_t host_sum(Fp32Pair pair) {
  const volatile float sum = float_from_bits(pair.a) + float_from_bits(pair.b);
  return bits_of(canonical(sum));
}

std::uint32_t host_product(Fp32Pair pair) {
  const volatile float product = float_from_bits(pair.a) * float_from_bits(pair.b);
  return bits_of(canonical(product));
}

/// By the definition: eight significant bits by the host's rounding of a double to an integer.
std::uint32_t host_bf16(std::uint32_t bits) {
  const float value = float_from_bits(bits);
  switch (std::fpclassify(value)) {
    case FP_NAN:
      return kCanonicalNanBf16;
    case FP_ZERO:
    case FP_SUBNORMAL:
      return bits >> 16 & 0x8000;
    case FP_INFINITE:
      return bits >> 16;
    default:
      break;
  }
  int exponent = 0;
  const double significand = std::frexp(static_cast<double>(value), &exponent);
  const double rounded = std::ldexp(std::nearbyint(significand * 256.0), exponent - 8);
  return bits_of(static_cast<float>(rounded)) >> 16;
}

/// Evaluates the RTL and counts what differs from the host.
class Comparison {
 public:
  // Not inlined: for a constant operand the compiler would take x * 1 for x, which is not so where
  // subnormal results become zeros.
  [[gnu::noipa]] void add(Fp32Pair pair) {
    model_.a_i = pair.a;
    model_.b_i = pair.b;
    model_.eval();
    ++count_;
    check("+", pair, host_sum(pair), model_.sum_o);
    check("*", pair, host_product(pair), model_.product_o);
    check("to BF16", pair, host_bf16(pair.a), model_.bf16_o);
    check("round_to_bf16", pair, round_to_bf16(float_from_bits(pair.a)), model_.bf16_o);
    check("from BF16", pair, bits_of(widen(static_cast<std::uint16_t>(pair.a >> 16))),
          model_.widened_o);
  }

  std::uint64_t count() const { return count_; }
  std::uint64_t mismatches() const { return mismatches_; }
  const std::string& first() const { return first_; }

 private:
  void check(const char* what, Fp32Pair pair, std::uint32_t expected, std::uint32_t found) {
    if (found != expected && mismatches_++ == 0) {
      first_ = fmt::format("first mismatch: {:08X} {} {:08X}: expected {:08X}, found {:08X}",
                           pair.a, what, pair.b, expected, found);
    }
  }

  Vfp32_functions model_;
  std::uint64_t count_ = 0;
  std::uint64_t mismatches_ = 0;
  std::string first_ = "no mismatch";
};

}  // namespace

TEST_CASE("FP32 addition: values worked out by hand") {
  struct Case {
    const char* what;
    std::uint32_t a, b, expected;
  };
  const Case cases[] = {
      {"1.5 + 2.25 = 3.75", 0x3FC00000, 0x40100000, 0x40700000},
      {"1 - (1 - 2^-24) = 2^-24", 0x3F800000, 0xBF7FFFFF, 0x33800000},
      {"1 + 2^-24 is a tie and stays even", 0x3F800000, 0x33800000, 0x3F800000},
      {"1 + 2^-24 (1 + 2^-23) is above it", 0x3F800000, 0x33800001, 0x3F800001},
      {"1 - the smallest normal number", 0x3F800000, 0x80800000, 0x3F800000},
      {"max + 2^103 overflows", 0x7F7FFFFF, 0x73000000, 0x7F800000},
      {"max + just below 2^103 does not", 0x7F7FFFFF, 0x72FFFFFF, 0x7F7FFFFF},
      {"the difference of neighbours is flushed", 0x80800001, 0x00800000, 0x80000000},
      {"a subnormal is a zero of its sign", 0x80000001, 0x807FFFFF, 0x80000000},
      {"x - x = +0", 0xC0490FDB, 0x40490FDB, 0x00000000},
      {"infinity - infinity", 0x7F800000, 0xFF800000, 0x7FC00000},
      {"-infinity + 1", 0xFF800000, 0x3F800000, 0xFF800000},
      {"-infinity + NaN", 0xFF800000, 0x7F800001, 0x7FC00000},
  };
  Vfp32_functions model;
  for (const Case& c : cases) {
    INFO(c.what);
    model.a_i = c.a;
    model.b_i = c.b;
    model.eval();
    CHECK(hex(model.sum_o) == hex(c.expected));
  }
}

TEST_CASE("FP32 multiplication: values worked out by hand") {
  struct Case {
    const char* what;
    std::uint32_t a, b, expected;
  };
  const Case cases[] = {
      {"1.5 * -2.5 = -3.75", 0x3FC00000, 0xC0200000, 0xC0700000},
      {"(1 + 2^-23)^2: 2^-46 is dropped", 0x3F800001, 0x3F800001, 0x3F800002},
      {"(2 - 2^-23)^2 = 4 - 2^-21 + 2^-46", 0x3FFFFFFF, 0x3FFFFFFF, 0x407FFFFE},
      {"(1 + 2^-12) (1 + 2^-12) is a tie to even", 0x3F800800, 0x3F800800, 0x3F801000},
      {"(1 + 3 2^-12)(1 + 2^-12) = ... 3 2^-24, up", 0x3F801800, 0x3F800800, 0x3F802002},
      {"tiny before rounding, not after", 0x3F7FFFFE, 0x00800001, 0x00800000},
      {"the same, negative", 0xBF7FFFFE, 0x00800001, 0x80800000},
      {"tiny after rounding too", 0x3F7FFFFF, 0x00800000, 0x00000000},
      {"2^-63 * 2^-63 = 2^-126", 0x20000000, 0x20000000, 0x00800000},
      {"2^-63 * 2^-64 is flushed", 0x20000000, 0x9F800000, 0x80000000},
      {"2^64 * 2^63 is finite", 0x5F800000, 0x5F000000, 0x7F000000},
      {"2^64 * 2^64 overflows", 0x5F800000, 0xDF800000, 0xFF800000},
      {"(1 - 2^-24) 2^64 * (1 + 2^-23) 2^64 overflows", 0x5F7FFFFF, 0x5F800001, 0x7F800000},
      {"a subnormal counts as zero", 0x807FFFFF, 0x7F7FFFFF, 0x80000000},
      {"infinity * -1", 0x7F800000, 0xBF800000, 0xFF800000},
      {"infinity * a subnormal", 0x7F800000, 0x00000001, 0x7FC00000},
      {"NaN * 0", 0xFFC00000, 0x00000000, 0x7FC00000},
  };
  Vfp32_functions model;
  for (const Case& c : cases) {
    INFO(c.what);
    model.a_i = c.a;
    model.b_i = c.b;
    model.eval();
    CHECK(hex(model.product_o) == hex(c.expected));
  }
}

TEST_CASE("FP32 to BF16: values worked out by hand") {
  struct Case {
    const char* what;
    std::uint32_t value, expected;
  };
  const Case cases[] = {
      {"exact", 0x3F810000, 0x3F81},
      {"below a tie", 0x3F807FFF, 0x3F80},
      {"a tie stays even", 0x3F808000, 0x3F80},
      {"above a tie", 0x3F808001, 0x3F81},
      {"a tie becomes even", 0x3F818000, 0x3F82},
      {"a carry into the exponent", 0xBFFFFFFF, 0xC000},
      {"a carry into infinity", 0x7F7FFFFF, 0x7F80},
      {"the smallest normal number", 0x80800000, 0x8080},
      {"a subnormal becomes a zero", 0x807FFFFF, 0x8000},
      {"infinity", 0xFF800000, 0xFF80},
      {"a NaN whose upper half is infinity", 0xFF800001, 0x7FC0},
  };
  Vfp32_functions model;
  for (const Case& c : cases) {
    INFO(c.what);
    model.a_i = c.value;
    model.eval();
    CHECK(hex(model.bf16_o) == hex(c.expected));
  }
}

TEST_CASE("BF16 to FP32 alters no bits, not even of a signalling NaN") {
  Vfp32_functions model;
  model.a_i = 0xFF81ABCD;
  model.eval();
  CHECK(hex(model.widened_o) == "FF810000");
}

TEST_CASE("FP32 addition, multiplication and conversion equal the host on all pairs of corners") {
  const FloatEnvironment environment;
  Comparison comparison;
  for (const std::uint32_t a : fp32_corners()) {
    for (const std::uint32_t b : fp32_corners()) {
      comparison.add({a, b});
    }
  }
  INFO(comparison.first());
  CHECK(comparison.count() == fp32_corners().size() * fp32_corners().size());
  CHECK(comparison.mismatches() == 0);
}

TEST_CASE("FP32 to BF16 equals the host about every tie") {
  const FloatEnvironment environment;
  Comparison comparison;
  for (std::uint32_t upper = 0; upper < 0x10000; ++upper) {
    for (const std::uint32_t lower : {0x0000u, 0x0001u, 0x7FFFu, 0x8000u, 0x8001u, 0xFFFFu}) {
      comparison.add({upper << 16 | lower, 0x3F800000});
    }
  }
  INFO(comparison.first());
  CHECK(comparison.mismatches() == 0);
}

TEST_CASE("FP32 addition, multiplication and conversion equal the host on random operands") {
  const FloatEnvironment environment;
  Random random(Catch::rngSeed());
  for (const Region region : kRegions) {
    Comparison comparison;
    for (int i = 0; i < 1'000'000; ++i) {
      comparison.add(random_fp32_pair(region, random));
    }
    INFO("--rng-seed " << Catch::rngSeed() << ", " << name_of(region));
    INFO(comparison.first());
    CHECK(comparison.mismatches() == 0);
  }
}

}  // namespace corank
