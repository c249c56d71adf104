#include "models/numerics/functions.h"

#include <catch2/catch.hpp>
#include <functional>
#include <limits>
#include <random>

#include "models/base/numerics.h"
#include "models/numerics/convert.h"
#include "tests/models/tensors.h"

using namespace corank;

namespace {

/// The largest error in units in the last place of the FP32 result, over random x in [from, to].
double worst_ulp(const std::function<float(float)>& function,
                 const std::function<double(double)>& exact, double from, double to) {
  std::mt19937_64 generator(11);
  std::uniform_real_distribution<double> distribution(from, to);
  const FloatEnvironment environment;
  double worst = 0;
  for (int i = 0; i < 200000; ++i) {
    const auto x = static_cast<float>(distribution(generator));
    const double expected = exact(x);
    int exponent = 0;
    std::frexp(expected, &exponent);
    worst = std::max(worst, std::abs(function(x) - expected) / std::ldexp(1.0, exponent - 24));
  }
  return worst;
}

float exp32(float x) { return exponential(x); }
float log32(float x) { return logarithm(x); }
float tanh32(float x) { return hyperbolic_tangent(x); }
float erf32(float x) { return error_function(x); }
double exp64(double x) { return std::exp(x); }
double log64(double x) { return std::log(x); }
double tanh64(double x) { return std::tanh(x); }
double erf64(double x) { return std::erf(x); }

constexpr float kInfinity = std::numeric_limits<float>::infinity();

}  // namespace

TEST_CASE("the FP32 functions keep their error bounds against the standard library") {
  CHECK(worst_ulp(exp32, exp64, -87, 88.7) <= 2);
  CHECK(worst_ulp(exp32, exp64, -1, 1) <= 2);
  CHECK(worst_ulp(log32, log64, 1e-30, 0.7) <= 2);
  CHECK(worst_ulp(log32, log64, 1.4, 1e6) <= 2);
  CHECK(worst_ulp(tanh32, tanh64, -0.36, 0.36) <= 4);
  CHECK(worst_ulp(tanh32, tanh64, -10, 10) <= 4);
  CHECK(worst_ulp(erf32, erf64, -1.01, 1.01) <= 4);
  CHECK(worst_ulp(erf32, erf64, -5, 5) <= 4);
}

TEST_CASE("the FP32 functions at their ends") {
  const FloatEnvironment environment;
  CHECK(exponential(0.0f) == 1.0f);
  CHECK(exponential(-88.0f) == 0.0f);
  CHECK(exponential(-kInfinity) == 0.0f);
  CHECK(exponential(std::numeric_limits<float>::lowest()) == 0.0f);
  CHECK(exponential(89.0f) == kInfinity);
  CHECK(exponential(88.7f) < kInfinity);
  CHECK(std::isnan(exponential(NAN)));
  CHECK(logarithm(1.0f) == 0.0f);
  CHECK(logarithm(0.0f) == -kInfinity);
  CHECK(logarithm(kInfinity) == kInfinity);
  CHECK(std::isnan(logarithm(-1.0f)));
  CHECK(hyperbolic_tangent(50.0f) == 1.0f);
  CHECK(hyperbolic_tangent(-kInfinity) == -1.0f);
  CHECK(std::isnan(hyperbolic_tangent(NAN)));
  CHECK(error_function(5.0f) == 1.0f);
  CHECK(error_function(-kInfinity) == -1.0f);
  CHECK(std::isnan(error_function(NAN)));
  CHECK(sigmoid(-200.0f) == 0.0f);
  CHECK(sigmoid(0.0f) == 0.5f);
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
