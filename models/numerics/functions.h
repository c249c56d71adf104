// The functions of the vector unit as explicit sequences of FP32 operations, each rounded by
// itself, so that hardware can do exactly the same; and their FP64 counterparts from the standard
// library, for kernels that are templates. Each FP32 function is a body without branches, of the
// operators and of base/vector_arithmetic.h, for float and for what records its instructions; the
// comment says how many. Errors are stated in units in the last place (ulp) of the result, where it
// is a normal number. To be called within a FloatEnvironment.
//
// Minimax coefficients come of Lawson's iteration (weighted least squares, the weights multiplied
// by the errors) on 80 or more Chebyshev nodes in 40 digits, then rounded to FP32; the error stated
// with them is the polynomial's, relative to the function.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "models/base/vector_arithmetic.h"

namespace corank {

// Bits of numbers, as integers.
constexpr std::int32_t kSignBit = std::numeric_limits<std::int32_t>::min();
constexpr std::int32_t kOneFp32 = 0x3F800000, kMinusOneFp32 = kOneFp32 + kSignBit;

/// Horner's rule, the highest coefficient first: an instruction for each.
template <class T, std::size_t N, std::size_t... I>
T polynomial(const std::array<float, N>& coefficients, const T& x, std::index_sequence<I...>) {
  T sum = x * coefficients[0];
  sum = std::move(sum) + coefficients[1];
  // No loop: within one, the compiler makes no vectors of the caller's.
  ((sum = multiply_add(std::move(sum), x, coefficients[I + 2])), ...);
  return sum;
}
template <class T, std::size_t N>
T polynomial(const std::array<float, N>& coefficients, const T& x) {
  return polynomial(coefficients, x, std::make_index_sequence<N - 2>());
}

// ln 2 in two parts, the upper one of 9 bits, so that its product with an exponent is exact
// (Cody and Waite, 1980).
constexpr float kUpperLn2 = 0.693359375f;
constexpr float kLowerLn2 = -2.12194440e-4f;

/// sign * (x - k ln 2), where sign is 1 or -1 and k the integer nearest to sign * x / ln 2.
template <int sign, class T, class Integer>
T remainder_of_ln2(const T& x, const Integer& k) {
  const T power = to_float(k);
  T r = multiply_add(power, -sign * kUpperLn2, x);
  return multiply_add(power, -sign * kLowerLn2, std::move(r));
}
constexpr float kLog2E = 1.44269504f;

/// e^(sign * x), where sign is 1 or -1; the bits of both are equal.
template <int sign, class T>
T signed_exponential(const T& x) {
  // Below -128 the result is 0. Nothing bounds x above: where k saturates or is no longer near
  // x / ln 2, the polynomial, of an even degree, is still above 1/4, and 2^k infinite.
  const T bounded = sign > 0 ? maximum(x, -128.0f) : minimum(x, 128.0f);
  const auto& k = to_integer(bounded * (sign * kLog2E));
  const T r = remainder_of_ln2<sign>(bounded, k);
  // Minimax but for the last two, 2^-28.2.
  constexpr std::array<float, 7> kCoefficients = {0.00138145571f,
                                                  sign * 0.00836874508f,
                                                  0.0416683906f,
                                                  sign * 0.166665204f,
                                                  0.499999934f,
                                                  sign,
                                                  1.0f};
  return scale_by_power_of_two(polynomial(kCoefficients, r), k);
}

/// e^x, within 1.2 ulp, 0 where that is below the smallest normal number. 14 instructions.
template <class T>
T exponential(const T& x) {
  return signed_exponential<1>(x);
}
inline double exponential(double x) { return std::exp(x); }

/// e^-x, with the bits of exponential(-x). 14 instructions.
template <class T>
T exponential_of_negative(const T& x) {
  return signed_exponential<-1>(x);
}
inline double exponential_of_negative(double x) { return std::exp(-x); }

/// sign * (e^x - 1) of an x from -80 to 80, within 2 ulp; sign is 1 or -1. 16 instructions.
template <int sign, class T>
T signed_exponential_minus_one(const T& x) {
  const auto& k = to_integer(x * kLog2E);
  const T r = remainder_of_ln2<1>(x, k);
  // e^r - 1 = r + r^2 p(r); minimax, 2^-26.2.
  constexpr std::array<float, 5> kCoefficients = {0.00138824100f, 0.00836655278f, 0.0416672023f,
                                                  0.166665434f, 0.499999981f};
  T square = r * r;
  const T less_one = multiply_add(polynomial(kCoefficients, r), std::move(square), r);
  // sign * 2^k
  const auto& power = as_number(int_add(shift_left(k, 23), sign > 0 ? kOneFp32 : kMinusOneFp32));
  return multiply_add(power, less_one, power - static_cast<float>(sign));
}

/// ln x, within 1 ulp; -infinity of a zero, NaN of a negative number. 27 instructions.
template <class T>
T logarithm(const T& x) {
  constexpr std::int32_t kRootHalf = 0x3F3504F3, kMantissa = 0x007FFFFF;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  // x = 2^k (1 + f), 1 + f from sqrt(1/2) to sqrt 2.
  const auto& i = int_subtract(as_integer(x), kRootHalf);
  const T k = to_float(shift_right_arithmetic(i, 23));
  const T f = as_number(int_add(bit_and(i, kMantissa), kRootHalf)) - 1.0f;
  // ln(1 + f) = f - f^2 / 2 + f^3 p(f); minimax, 2^-27.3.
  constexpr std::array<float, 8> kCoefficients = {-0.0763335775f, 0.127607060f,  -0.131601934f,
                                                  0.142018760f,   -0.166233672f, 0.200012122f,
                                                  -0.250008208f,  0.333333318f};
  const T square = f * f;
  T y = polynomial(kCoefficients, f) * f;
  y = std::move(y) * square;
  y = multiply_add(k, kLowerLn2, std::move(y));
  y = multiply_add(square, -0.5f, std::move(y));
  y = std::move(y) + f;
  y = select(less(x, std::numeric_limits<float>::min()), -kInfinity, std::move(y));
  y = select(less(x, 0.0f), std::numeric_limits<float>::quiet_NaN(), std::move(y));
  y = select(less(x, kInfinity), std::move(y), x);
  return multiply_add(k, kUpperLn2, std::move(y));  // of finite k: what is no number stays so
}
inline double logarithm(double x) { return std::log(x); }

/// 1 / (1 + e^-x), within 2.5 ulp. 17 instructions, one of them a division.
template <class T>
T sigmoid(const T& x) {
  const T denominator = exponential_of_negative(x) + ConstantOf<T>(1);
  return constant(denominator, ConstantOf<T>(1)) / denominator;
}

/// 1 / sqrt x, both correctly rounded. 3 instructions.
template <class T>
T reciprocal_root(const T& x) {
  using std::sqrt;
  const T root = sqrt(x);
  return constant(root, ConstantOf<T>(1)) / root;
}

/// tanh x, within 3 ulp. 23 instructions, one of them a division.
template <class T>
T hyperbolic_tangent(const T& x) {
  constexpr float kEnd = 10.0f;  // beyond 9.02 the result is 1
  const T magnitude = minimum(as_number(bit_and(as_integer(x), ~kSignBit)), kEnd);
  // tanh |x| = (e^2|x| - 1) / (e^2|x| + 1)
  const T e = signed_exponential_minus_one<1>(magnitude * 2.0f);
  const auto& signed_e = as_number(bit_xor(as_integer(e), bit_and(as_integer(x), kSignBit)));
  return signed_e / (e + 2.0f);
}
inline double hyperbolic_tangent(double x) { return std::tanh(x); }

/// erf x, within 4 ulp. 31 instructions.
template <class T>
T error_function(const T& x) {
  constexpr float kEnd = 3.95f;  // beyond 3.92 the result is 1
  const T magnitude = minimum(as_number(bit_and(as_integer(x), ~kSignBit)), kEnd);
  // erf |x| = 1 - e^(-|x| p(|x|)); minimax, 2^-27.9.
  constexpr std::array<float, 9> kCoefficients = {
      9.25657979e-6f, -0.000117643728f, 0.000632844176f, -0.00166703793f, 0.000160403462f,
      0.0191530615f,  -0.102777830f,    -0.636619382f,   -1.12837917f};
  const T erf = signed_exponential_minus_one<-1>(polynomial(kCoefficients, magnitude) * magnitude);
  const auto& sign = as_number(bit_or(bit_and(as_integer(x), kSignBit), kOneFp32));
  return erf * sign;
}
inline double error_function(double x) { return std::erf(x); }

/// action(i) for i from 0 to count - 1, all that it calls inlined, so that the compiler makes
/// vectors of the loop.
template <class F>
[[gnu::flatten]] void for_each_element(std::int64_t count, F action) {
  for (std::int64_t i = 0; i < count; ++i) action(i);
}

/// What the vector unit makes of a row, whatever the number of its lanes: 16 interleaved partial
/// results of f(0), ..., f(count - 1), each ascending from `start`, then a tree of halves.
template <class T, class F, class Combine>
[[gnu::flatten]] T reduce_row(std::int64_t count, T start, F f, Combine combine) {
  constexpr int kChains = 16;
  T partial[kChains];
  std::fill_n(partial, kChains, start);
  std::int64_t done = 0;
  for (; done + kChains <= count; done += kChains) {
    for (int i = 0; i < kChains; ++i) partial[i] = combine(partial[i], f(done + i));
  }
  for (int i = 0; done + i < count; ++i) partial[i] = combine(partial[i], f(done + i));
  for (int half = kChains / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) partial[i] = combine(partial[i], partial[i + half]);
  }
  return partial[0];
}

/// The sum of f(0), ..., f(count - 1), from +0.
template <class T, class F>
T sum_of_row(std::int64_t count, F f) {
  return reduce_row(count, T(0), f, [](T a, T b) { return a + b; });
}

/// The largest of f(0), ..., f(count - 1); a NaN wins.
template <class T, class F>
T maximum_of_row(std::int64_t count, F f) {
  return reduce_row(count, -std::numeric_limits<T>::infinity(), f,
                    [](T a, T b) { return maximum(a, b); });
}

}  // namespace corank
