// The functions of the vector unit as explicit sequences of FP32 operations, each rounded by
// itself, so that hardware can do exactly the same; and their FP64 counterparts from the standard
// library, for kernels that are templates. Errors are stated in units in the last place (ulp) of
// the result. To be called within a FloatEnvironment.
#pragma once

#include <cmath>
#include <cstdint>

namespace corank {

/// e^x, within 2 ulp; 0 below -87.33, where the result would be subnormal.
float exponential(float x);
inline double exponential(double x) { return std::exp(x); }

/// ln x of a normal positive number, within 2 ulp (outside 0.7 to 1.4, where 2^-24 is the absolute
/// error).
float logarithm(float x);
inline double logarithm(double x) { return std::log(x); }

/// tanh x, within 4 ulp.
float hyperbolic_tangent(float x);
inline double hyperbolic_tangent(double x) { return std::tanh(x); }

/// erf x, within 4 ulp.
float error_function(float x);
inline double error_function(double x) { return std::erf(x); }

/// 1 / (1 + e^-x)
template <class T>
T sigmoid(T x) {
  return T(1) / (T(1) + exponential(-x));
}

/// 1 / sqrt x: a square root and a division, both correctly rounded.
template <class T>
T reciprocal_root(T x) {
  return T(1) / std::sqrt(x);
}

/// The sum of f(0), ..., f(count - 1) as the vector unit adds up a row, whatever the number of its
/// lanes: 16 interleaved partial sums, each ascending from +0, then a tree of halves.
template <class T, class F>
T sum_of_row(std::int64_t count, F f) {
  T partial[16] = {};
  for (std::int64_t i = 0; i < count; ++i) partial[i % 16] += f(i);
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) partial[i] += partial[i + half];
  }
  return partial[0];
}

}  // namespace corank
