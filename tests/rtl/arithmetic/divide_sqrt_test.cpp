// The RTL's division and square root are the host's, in a number of cycles that nothing changes.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cmath>

#include "Vdivide_sqrt_1.h"
#include "Vdivide_sqrt_2.h"
#include "models/base/numerics.h"
#include "tests/rtl/arithmetic/operands.h"

namespace corank {
namespace {

std::string hex(std::uint32_t bits) { return fmt::format("{:08X}", bits); }

std::uint32_t host_quotient(Fp32Pair pair) {
  const volatile float quotient = float_from_bits(pair.a) / float_from_bits(pair.b);
  return bits_of(canonical(quotient));
}

std::uint32_t host_root(std::uint32_t a) {
  const volatile float root = std::sqrt(float_from_bits(a));
  return bits_of(canonical(root));
}

/// fp32_divide_sqrt at one digit a cycle, or two.
struct OneBit {
  using Model = Vdivide_sqrt_1;
  static constexpr int kLatency = 28;
};
struct TwoBits {
  using Model = Vdivide_sqrt_2;
  static constexpr int kLatency = 15;
};

/// Drives the ports of one unit.
template <class Unit>
class Driver {
 public:
  Driver() {
    model_.rst_ni = 1;
    model_.clk_i = 0;
    model_.start_i = 0;
    model_.eval();
    reset();
  }

  void reset() {
    model_.rst_ni = 0;
    tick();
    model_.rst_ni = 1;
    model_.eval();
  }

  /// One cycle, up to and with the rising edge that ends it.
  void tick() {
    model_.clk_i = 0;
    model_.eval();
    model_.clk_i = 1;
    model_.eval();
  }

  /// One cycle in which the operands are taken.
  void start(bool is_sqrt, Fp32Pair pair) {
    model_.start_i = 1;
    model_.is_sqrt_i = is_sqrt;
    model_.a_i = pair.a;
    model_.b_i = pair.b;
    tick();
    model_.start_i = 0;
    model_.is_sqrt_i = !is_sqrt;  // only the cycle of start_i counts
    model_.a_i = ~pair.a;
    model_.b_i = ~pair.b;
  }

  bool done() const { return model_.done_o != 0; }
  std::uint32_t result() const { return model_.result_o; }

  /// The result, or a failure if done_o is not up exactly after the latency.
  std::uint32_t run(bool is_sqrt, Fp32Pair pair) {
    start(is_sqrt, pair);
    for (int cycle = 1; cycle < Unit::kLatency; ++cycle) {
      if (done()) {
        FAIL("done_o after " << cycle << " cycles");
      }
      tick();
    }
    if (!done()) {
      FAIL("no done_o after " << Unit::kLatency << " cycles");
    }
    return result();
  }

 private:
  typename Unit::Model model_;
};

template <class Unit>
class Comparison {
 public:
  [[gnu::noipa]] void add(Fp32Pair pair) {  // as in fp32_test.cpp
    check(false, pair, host_quotient(pair));
    check(true, pair, host_root(pair.a));
  }

  std::uint64_t mismatches() const { return mismatches_; }
  const std::string& first() const { return first_; }

 private:
  void check(bool is_sqrt, Fp32Pair pair, std::uint32_t expected) {
    const std::uint32_t found = driver_.run(is_sqrt, pair);
    if (found != expected && mismatches_++ == 0) {
      const std::string operation =
          is_sqrt ? "sqrt " + hex(pair.a) : hex(pair.a) + " / " + hex(pair.b);
      first_ = fmt::format("first mismatch: {}: expected {:08X}, found {:08X}", operation, expected,
                           found);
    }
  }

  Driver<Unit> driver_;
  std::uint64_t mismatches_ = 0;
  std::string first_ = "no mismatch";
};

}  // namespace

TEMPLATE_TEST_CASE("Division: values worked out by hand", "", OneBit, TwoBits) {
  struct Case {
    const char* what;
    std::uint32_t a, b, expected;
  };
  const Case cases[] = {
      {"6 / 2 = 3", 0x40C00000, 0x40000000, 0x40400000},
      {"-1 / 3 rounds up", 0xBF800000, 0x40400000, 0xBEAAAAAB},
      {"5 / 3 rounds down", 0x40A00000, 0x40400000, 0x3FD55555},
      {"(2 - 2^-22) / (2 - 2^-23) = 1 - 2^-24 - 2^-48 ...", 0x3FFFFFFE, 0x3FFFFFFF, 0x3F7FFFFF},
      {"the same by 2^-126 is flushed", 0x00FFFFFE, 0x3FFFFFFF, 0x00000000},
      {"2^-126 / 1", 0x00800000, 0x3F800000, 0x00800000},
      {"2^-126 / -2 is flushed", 0x00800000, 0xC0000000, 0x80000000},
      {"max / 0.5 overflows", 0x7F7FFFFF, 0xBF000000, 0xFF800000},
      {"1 / 0", 0x3F800000, 0x80000000, 0xFF800000},
      {"1 / a subnormal", 0x3F800000, 0x00000001, 0x7F800000},
      {"a subnormal / 1", 0x807FFFFF, 0x3F800000, 0x80000000},
      {"0 / 0", 0x80000000, 0x00000000, 0x7FC00000},
      {"a subnormal / a subnormal", 0x00000001, 0x00000001, 0x7FC00000},
      {"infinity / infinity", 0xFF800000, 0x7F800000, 0x7FC00000},
      {"infinity / 0", 0x7F800000, 0x80000000, 0xFF800000},
      {"1 / -infinity", 0x3F800000, 0xFF800000, 0x80000000},
      {"0 / NaN", 0x00000000, 0xFF800001, 0x7FC00000},
  };
  Driver<TestType> driver;
  for (const Case& c : cases) {
    INFO(c.what);
    CHECK(hex(driver.run(false, {c.a, c.b})) == hex(c.expected));
  }
}

TEMPLATE_TEST_CASE("Square root: values worked out by hand", "", OneBit, TwoBits) {
  struct Case {
    const char* what;
    std::uint32_t a, expected;
  };
  const Case cases[] = {
      {"sqrt 4 = 2", 0x40800000, 0x40000000},
      {"sqrt 2.25 = 1.5", 0x40100000, 0x3FC00000},
      {"sqrt 2 = 1.41421356", 0x40000000, 0x3FB504F3},
      {"sqrt (1 + 2^-22) = 1 + 2^-23 - 2^-47 ...", 0x3F800002, 0x3F800001},
      {"sqrt (1 - 2^-24) = 1 - 2^-25 - ... rounds down", 0x3F7FFFFF, 0x3F7FFFFF},
      {"sqrt 2^-126 = 2^-63", 0x00800000, 0x20000000},
      {"sqrt max = 2^64 (1 - 2^-25 ...) rounds down", 0x7F7FFFFF, 0x5F7FFFFF},
      {"sqrt +0", 0x00000000, 0x00000000},
      {"sqrt -0", 0x80000000, 0x80000000},
      {"sqrt of a negative subnormal", 0x807FFFFF, 0x80000000},
      {"sqrt -1", 0xBF800000, 0x7FC00000},
      {"sqrt infinity", 0x7F800000, 0x7F800000},
      {"sqrt -infinity", 0xFF800000, 0x7FC00000},
      {"sqrt NaN", 0xFFC12345, 0x7FC00000},
  };
  Driver<TestType> driver;
  for (const Case& c : cases) {
    INFO(c.what);
    CHECK(hex(driver.run(true, {c.a, 0x7FC00000})) == hex(c.expected));
  }
}

TEMPLATE_TEST_CASE("Division and square root take the stated cycles, whatever the operands", "",
                   OneBit, TwoBits) {
  for (const bool is_sqrt : {false, true}) {
    for (const Fp32Pair pair :
         {Fp32Pair{0x3F800000, 0x40400000}, Fp32Pair{0x00000000, 0x00000000},
          Fp32Pair{0x7F800000, 0x3F800000}, Fp32Pair{0xFFC00000, 0x3F800000},
          Fp32Pair{0x00000001, 0x7F7FFFFF}, Fp32Pair{0xBF800000, 0xFF800000}}) {
      INFO((is_sqrt ? "square root " : "division ") << hex(pair.a) << " " << hex(pair.b));
      Driver<TestType> driver;
      driver.start(is_sqrt, pair);
      int cycles = 1;
      while (!driver.done() && cycles < 100) {
        driver.tick();
        ++cycles;
      }
      CHECK(cycles == TestType::kLatency);
      const std::uint32_t result = driver.result();
      for (int i = 0; i < 100; ++i) {
        driver.tick();
        REQUIRE_FALSE(driver.done());
      }
      CHECK(hex(driver.result()) == hex(result));
    }
  }
}

TEMPLATE_TEST_CASE("A reset ends a division", "", OneBit, TwoBits) {
  for (int after = 0; after < TestType::kLatency - 1; ++after) {
    Driver<TestType> driver;
    driver.start(false, {0x40C00000, 0x40000000});
    for (int i = 0; i < after; ++i) {
      driver.tick();
    }
    driver.reset();
    for (int i = 0; i < 100; ++i) {
      REQUIRE_FALSE(driver.done());
      driver.tick();
    }
    CHECK(hex(driver.run(false, {0x40C00000, 0x40000000})) == "40400000");
  }
}

TEMPLATE_TEST_CASE("Division and square root equal the host on all pairs of corners", "", OneBit,
                   TwoBits) {
  const FloatEnvironment environment;
  Comparison<TestType> comparison;
  for (const std::uint32_t a : fp32_corners()) {
    for (const std::uint32_t b : fp32_corners()) {
      comparison.add({a, b});
    }
  }
  INFO(comparison.first());
  CHECK(comparison.mismatches() == 0);
}

TEMPLATE_TEST_CASE("Division and square root equal the host on random operands", "", OneBit,
                   TwoBits) {
  const FloatEnvironment environment;
  Random random(Catch::rngSeed());
  for (const Region region : kRegions) {
    Comparison<TestType> comparison;
    for (int i = 0; i < 400'000; ++i) {
      Fp32Pair pair = random_fp32_pair(region, random);
      if (region != Region::Uniform) {
        pair.a &= 0x7FFFFFFF;  // else half of the square roots are NaNs
      }
      comparison.add(pair);
    }
    INFO("--rng-seed " << Catch::rngSeed() << ", " << name_of(region));
    INFO(comparison.first());
    CHECK(comparison.mismatches() == 0);
  }
}

}  // namespace corank
