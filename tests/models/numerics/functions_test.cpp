#include "models/numerics/functions.h"

#include <catch2/catch.hpp>
#include <functional>
#include <limits>
#include <random>

#include "models/base/numerics.h"
#include "models/numerics/convert.h"
#include "tests/models/numerics/counted.h"
#include "tests/models/tensors.h"

using namespace corank;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kSmallest = std::numeric_limits<float>::min();
constexpr float kSubnormal = 0x1p-127f;

struct Function {
  const char* name;
  float (*function)(float);
  double (*exact)(double);
  double bound;  // in units in the last place
};

const Function kFunctions[] = {
    {"exp", [](float x) { return exponential(x); }, [](double x) { return std::exp(x); }, 1.2},
    {"exp of -x", [](float x) { return exponential_of_negative(x); },
     [](double x) { return std::exp(-x); }, 1.2},
    {"ln", [](float x) { return logarithm(x); }, [](double x) { return std::log(x); }, 1},
    {"tanh", [](float x) { return hyperbolic_tangent(x); }, [](double x) { return std::tanh(x); },
     3},
    {"erf", [](float x) { return error_function(x); }, [](double x) { return std::erf(x); }, 3.5},
    {"sigmoid", [](float x) { return sigmoid(x); }, [](double x) { return 1 / (1 + std::exp(-x)); },
     2.5},
    {"1 / sqrt", [](float x) { return reciprocal_root(x); },
     [](double x) { return 1 / std::sqrt(x); }, 1.5},
};

/// The error in units in the last place of the FP32 result. Infinite and NaN results must be those
/// of the exact function, rounded; what is below the smallest normal number, a zero.
double ulp_of(const Function& one, float x) {
  // A subnormal is a zero of its sign for the vector unit.
  const double exact = one.exact(static_cast<double>(without_subnormals(x)));
  const float result = canonical(one.function(x));
  if (std::isnan(exact)) return bits_of(result) == kCanonicalNanFp32 ? 0 : kInfinity;
  const auto rounded = static_cast<float>(exact);  // flushes
  if (std::isinf(rounded) || rounded == 0) return result == rounded ? 0 : kInfinity;
  int exponent = 0;
  std::frexp(exact, &exponent);
  return std::abs(result - exact) / std::ldexp(1.0, exponent - 24);
}

void check_bound(const Function& one, const std::function<float()>& next, int count) {
  double worst = 0;
  float at = 0;
  for (int i = 0; i < count; ++i) {
    const float x = next();
    const double ulp = ulp_of(one, x);
    if (ulp > worst) {
      worst = ulp;
      at = x;
    }
  }
  INFO(one.name << ", worst at " << at);
  CHECK(worst <= one.bound);
}

/// Bits of what a function makes of x; -0 is not +0.
std::uint32_t bits_after(float (*function)(float), float x) {
  return bits_of(canonical(function(x)));
}

}  // namespace

TEST_CASE("the FP32 functions keep their error bounds for every BF16 number") {
  const FloatEnvironment environment;
  for (const Function& one : kFunctions) {
    std::uint16_t bits = 0;
    check_bound(
        one, [&] { return widen(bits++); }, 0x10000);
  }
}

TEST_CASE("the FP32 functions keep their error bounds for random FP32 numbers") {
  constexpr std::uint64_t kSeed = 11;
  INFO("seed " << kSeed);
  std::mt19937_64 generator(kSeed);
  const FloatEnvironment environment;
  for (const Function& one : kFunctions) {
    check_bound(
        one, [&] { return float_from_bits(static_cast<std::uint32_t>(generator())); }, 200000);
    for (const float range : {0.1f, 1.0f, 10.0f, 90.0f}) {
      std::uniform_real_distribution<float> distribution(-range, range);
      check_bound(
          one, [&] { return distribution(generator); }, 200000);
    }
  }
}

TEST_CASE("the exponential function at its ends") {
  const FloatEnvironment environment;
  const auto bits = [](float x) { return bits_after(kFunctions[0].function, x); };
  for (const float x : {0.0f, -0.0f, kSubnormal, -kSubnormal}) CHECK(bits(x) == bits_of(1.0f));
  // ln of the largest number is 88.7228390521, that of the smallest normal one -87.3365447506.
  CHECK(exponential(float_from_bits(0x42B17217)) < kInfinity);     //  88.72283173
  CHECK(bits(float_from_bits(0x42B17218)) == bits_of(kInfinity));  //  88.72283936
  CHECK(exponential(float_from_bits(0xC2AEAC4F)) >= kSmallest);    // -87.33654022
  CHECK(bits(float_from_bits(0xC2AEAC50)) == 0);                   // -87.33654785
  for (const float x : {90.0f, 1e5f, 1e9f, 3e9f, 3.4e38f, kInfinity})
    CHECK(bits(x) == bits_of(kInfinity));
  for (const float x : {-88.0f, -127.9f, -1e5f, -3e9f, -3.4e38f, -kInfinity}) CHECK(bits(x) == 0);
  CHECK(bits(kNan) == kCanonicalNanFp32);
  CHECK(bits(float_from_bits(0xFF812345)) == kCanonicalNanFp32);
}

TEST_CASE("the exponential function of -x has the bits of that function at -x") {
  constexpr std::uint64_t kSeed = 12;
  std::mt19937_64 generator(kSeed);
  const FloatEnvironment environment;
  for (int i = 0; i < 1000000; ++i) {
    const float x = float_from_bits(static_cast<std::uint32_t>(generator()));
    if (bits_of(exponential(-x)) != bits_of(exponential_of_negative(x)))
      FAIL("seed " << kSeed << ", x = " << x);
  }
}

TEST_CASE("the logarithm, tanh, erf, sigmoid and reciprocal root at their ends") {
  const FloatEnvironment environment;
  const auto ln = [](float x) { return bits_after(kFunctions[2].function, x); };
  CHECK(ln(1.0f) == 0);
  for (const float x : {0.0f, -0.0f, kSubnormal, -kSubnormal}) CHECK(ln(x) == bits_of(-kInfinity));
  CHECK(ln(kSmallest) == bits_of(-87.3365447506f));
  CHECK(ln(std::numeric_limits<float>::max()) == bits_of(88.7228390521f));
  CHECK(ln(kInfinity) == bits_of(kInfinity));
  for (const float x : {-kSmallest, -1.0f, -kInfinity, kNan}) CHECK(ln(x) == kCanonicalNanFp32);

  for (const int odd : {3, 4}) {
    const auto bits = [&](float x) { return bits_after(kFunctions[odd].function, x); };
    for (const float zero : {0.0f, kSubnormal}) {
      CHECK(bits(zero) == 0);
      CHECK(bits(-zero) == kSignFp32);
    }
    for (const float one : {10.0f, 50.0f, 3e38f, kInfinity}) {
      CHECK(bits(one) == bits_of(1.0f));
      CHECK(bits(-one) == bits_of(-1.0f));
    }
    CHECK(bits(kNan) == kCanonicalNanFp32);
    CHECK(bits(-kNan) == kCanonicalNanFp32);
  }
  CHECK(sigmoid(-200.0f) == 0.0f);
  CHECK(sigmoid(0.0f) == 0.5f);
  CHECK(sigmoid(200.0f) == 1.0f);
  CHECK(reciprocal_root(4.0f) == 0.5f);
  CHECK(reciprocal_root(0.0f) == kInfinity);
  CHECK(reciprocal_root(kInfinity) == 0.0f);
}

TEST_CASE("every function is a body of the vector unit's instructions, as many as it says") {
  test::Counts counts;
  const auto of = [&](const auto& body) {
    counts = {};
    const test::Counted x(counts);
    body(x);
    return std::pair(counts.instructions, counts.iterative);
  };
  CHECK(of([](const auto& x) { return exponential(x); }) == std::pair(14, 0));
  CHECK(of([](const auto& x) { return exponential_of_negative(x); }) == std::pair(14, 0));
  CHECK(of([](const auto& x) { return signed_exponential_minus_one<1>(x); }) == std::pair(16, 0));
  CHECK(of([](const auto& x) { return logarithm(x); }) == std::pair(27, 0));
  CHECK(of([](const auto& x) { return sigmoid(x); }) == std::pair(17, 1));
  CHECK(of([](const auto& x) { return reciprocal_root(x); }) == std::pair(3, 2));
  CHECK(of([](const auto& x) { return hyperbolic_tangent(x); }) == std::pair(23, 1));
  CHECK(of([](const auto& x) { return error_function(x); }) == std::pair(31, 0));
}

TEST_CASE("a row is summed by 16 interleaved chains and a tree of halves") {
  // 2^24 + 1 = 2^24 in FP32. Elements 0 and 16 share a chain, which loses the 1; element 8 joins it
  // in the tree, after 24 has met it in a chain of its own.
  std::vector<float> row(32);
  row[0] = 0x1p24f;
  row[16] = 1;
  row[8] = 1;
  row[24] = 1;
  CHECK(sum_of_row<float>(32, [&](std::int64_t i) { return row[static_cast<std::size_t>(i)]; }) ==
        0x1p24f + 2);
  CHECK(sum_of_row<double>(3, [](std::int64_t i) { return static_cast<double>(i); }) == 3);
}

TEST_CASE("the largest element of a row: a NaN wins wherever it stands") {
  std::vector<float> row(37, -3.0f);
  const auto largest = [&](std::int64_t count) {
    return maximum_of_row<float>(count,
                                 [&](std::int64_t i) { return row[static_cast<std::size_t>(i)]; });
  };
  row[36] = -2;
  CHECK(largest(37) == -2);
  CHECK(largest(36) == -3);
  CHECK(largest(0) == -kInfinity);
  for (const std::size_t place : {0u, 15u, 16u, 36u}) {
    const float before = std::exchange(row[place], kNan);
    CHECK(bits_of(largest(37)) == kCanonicalNanFp32);
    row[place] = before;
  }
}

TEST_CASE("binary16 is widened exactly") {
  Tensor half(DType::F16, {6});
  // 1, -2, the largest number 65504, the smallest subnormal 2^-24, infinity, -0
  const std::uint16_t bits[] = {0x3C00, 0xC000, 0x7BFF, 0x0001, 0x7C00, 0x8000};
  std::copy(std::begin(bits), std::end(bits), half.data<std::uint16_t>());
  const Tensor wide = converted(half, DType::F32);
  CHECK(test::floats(wide) == std::vector<float>{1, -2, 65504, 0x1p-24f, kInfinity, 0});
  CHECK(std::signbit(wide.data<float>()[5]));
  CHECK(test::floats(converted(half, DType::BF16))[2] == 65536);  // rounded to 8 bits
}
