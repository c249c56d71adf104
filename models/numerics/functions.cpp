#include "models/numerics/functions.h"

#include <limits>

#include "models/base/numerics.h"

namespace corank {
namespace {

// ln 2 in two parts, the upper one of 9 bits, so that its product with an exponent is exact
// (Cody and Waite, 1980).
constexpr float kUpperLn2 = 0.693359375f;
constexpr float kLowerLn2 = -2.12194440e-4f;
constexpr float kLog2E = 1.44269504f;

/// 2^exponent, for normal results.
float power_of_two(int exponent) {
  return float_from_bits(static_cast<std::uint32_t>(exponent + 127) << 23);
}

/// Horner's rule, the highest coefficient first.
template <std::size_t N>
float polynomial(const float (&coefficients)[N], float x) {
  float sum = coefficients[0];
  for (std::size_t i = 1; i < N; ++i) sum = sum * x + coefficients[i];
  return sum;
}

}  // namespace

float exponential(float x) {
  if (x != x) return x;
  if (x > 88.72284f) return std::numeric_limits<float>::infinity();
  if (x < -87.33654f) return 0.0f;
  // Adding 1.5 * 2^23 leaves no fraction bits: the sum is rounded to the nearest integer.
  constexpr float kRounder = 12582912.0f;
  const float k = (x * kLog2E + kRounder) - kRounder;
  const float r = (x - k * kUpperLn2) - k * kLowerLn2;  // |r| <= ln 2 / 2
  // Taylor: the first term left out, r^8 / 8!, is below 2^-27 of the result.
  constexpr float kTaylor[] = {1.0f / 5040, 1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f};
  const float y = ((r * r) * polynomial(kTaylor, r) + r) + 1.0f;
  const int exponent = static_cast<int>(k);
  const int half = exponent / 2;  // in two steps, as 2^128 is no FP32 number
  return (y * power_of_two(half)) * power_of_two(exponent - half);
}

float logarithm(float x) {
  if (x != x || x > std::numeric_limits<float>::max()) return x;
  if (x < 0.0f) return float_from_bits(kCanonicalNanFp32);
  if (x < std::numeric_limits<float>::min()) return -std::numeric_limits<float>::infinity();
  const std::uint32_t bits = bits_of(x);
  int exponent = static_cast<int>(bits >> 23) - 127;
  float m = float_from_bits((bits & 0x007FFFFFu) | 0x3F800000u);  // 1 to below 2
  if (m > 1.41421356f) {
    m = m * 0.5f;
    ++exponent;
  }
  // ln m = 2 artanh s = 2 (s + s^3/3 + s^5/5 + ...), s = (m - 1) / (m + 1), |s| <= 0.1716.
  const float f = m - 1.0f;
  const float s = f / (f + 2.0f);
  const float z = s * s;
  constexpr float kSeries[] = {2.0f / 11, 2.0f / 9, 2.0f / 7, 2.0f / 5, 2.0f / 3};
  const float fraction = s * 2.0f + (s * z) * polynomial(kSeries, z);
  const auto k = static_cast<float>(exponent);
  return k * kUpperLn2 + (k * kLowerLn2 + fraction);
}

float hyperbolic_tangent(float x) {
  const float a = std::fabs(x);
  if (a < 0.35f) {
    // Taylor: x - x^3/3 + 2x^5/15 - 17x^7/315 + 62x^9/2835 - 1382x^11/155925 + ...
    constexpr float kTaylor[] = {-1382.0f / 155925, 62.0f / 2835, -17.0f / 315, 2.0f / 15,
                                 -1.0f / 3};
    const float z = x * x;
    return x + (x * z) * polynomial(kTaylor, z);
  }
  // tanh a = 1 - 2 / (e^2a + 1); for large a the quotient vanishes, e^2a being infinite.
  const float t = 1.0f - 2.0f / (exponential(a * 2.0f) + 1.0f);
  return x < 0.0f ? -t : t;
}

float error_function(float x) {
  const float a = std::fabs(x);
  if (a < 1.0f) {
    // Taylor: 2/sqrt(pi) * sum of (-1)^n x^(2n+1) / (n! (2n+1)), n up to 10; the first term left
    // out is below 2^-28.
    constexpr float kTwoBySqrtPi = 1.12837917f;
    constexpr float kTaylor[] = {1.0f / 76204800, -1.0f / 6894720, 1.0f / 685440, -1.0f / 75600,
                                 1.0f / 9360,     -1.0f / 1320,    1.0f / 216,    -1.0f / 42,
                                 1.0f / 10,       -1.0f / 3};
    const float z = x * x;
    return kTwoBySqrtPi * (x + (x * z) * polynomial(kTaylor, z));
  }
  float erf = 1.0f;
  if (x != x) {
    erf = x;
  } else if (a < 4.0f) {  // beyond, 1 - erf is below half a unit
    // 1 - erf a = e^(-a^2) * erfcx(a): erfcx by interpolation at the 9 Chebyshev nodes of
    // t = 1 / (1 + a/2) in [1/3, 2/3], in powers of t - 1/2; relative error 2.5e-10.
    constexpr float kErfcx[] = {0.012768441691778803f, 0.12025944438849465f, -0.05424995679748286f,
                                -0.22380652884402932f, 0.05972652843300892f, 0.6318277851770744f,
                                0.966632776451462f,    0.8543716966232988f,  0.2553956763105057f};
    const float t = 1.0f / (1.0f + a * 0.5f);
    erf = 1.0f - exponential(-(a * a)) * polynomial(kErfcx, t - 0.5f);
  }
  return x < 0.0f ? -erf : erf;
}

}  // namespace corank
