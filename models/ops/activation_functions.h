// The activation functions and their derivatives, element by element.
#pragma once

#include "models/base/vector_arithmetic.h"
#include "models/numerics/functions.h"
#include "models/ops/activation.h"

namespace corank {

/// The larger one of x and +0: a zero for -0, NaN for NaN.
template <class T>
T rectified(const T& x) {
  return maximum(x, 0.0f);
}

template <class T>
T activate(ActivationFunction function, T x) {
  constexpr auto kRootHalf = static_cast<T>(0.70710678118654752440);     // sqrt(1/2)
  constexpr auto kRootTwoByPi = static_cast<T>(0.79788456080286535588);  // sqrt(2/pi)
  constexpr auto kCubic = static_cast<T>(0.044715);
  switch (function) {
    case ActivationFunction::kSilu:
      return x * sigmoid(x);
    case ActivationFunction::kGeluErf:
      return (x * T(0.5)) * (T(1) + error_function(x * kRootHalf));
    case ActivationFunction::kGeluTanh:
      return (x * T(0.5)) *
             (T(1) + hyperbolic_tangent(kRootTwoByPi * (x + ((x * x) * x) * kCubic)));
    case ActivationFunction::kTanh:
      return hyperbolic_tangent(x);
    case ActivationFunction::kRelu:
      return rectified(x);
  }
  return x;  // not reached: every function stands above
}

/// f'(x); for tanh, of x = the result of f.
template <class T>
T activation_slope(ActivationFunction function, T x) {
  constexpr auto kRootHalf = static_cast<T>(0.70710678118654752440);
  constexpr auto kRootTwoByPi = static_cast<T>(0.79788456080286535588);
  constexpr auto kRootOneByTwoPi = static_cast<T>(0.39894228040143267794);  // sqrt(1/(2 pi))
  constexpr auto kCubic = static_cast<T>(0.044715);
  switch (function) {
    case ActivationFunction::kSilu: {  // s (1 + x (1 - s)), s the sigmoid
      const T s = sigmoid(x);
      return s * (T(1) + x * (T(1) - s));
    }
    case ActivationFunction::kGeluErf: {  // Phi(x) + x phi(x), the normal distribution and density
      const T density = kRootOneByTwoPi * exponential((x * x) * T(-0.5));
      return (T(1) + error_function(x * kRootHalf)) * T(0.5) + x * density;
    }
    case ActivationFunction::kGeluTanh: {  // t = tanh(k (x + c x^3)):
      // (1 + t)/2 + x/2 (1 - t^2) k (1 + 3 c x^2)
      const T square = x * x;
      const T t = hyperbolic_tangent(kRootTwoByPi * (x + (square * x) * kCubic));
      const T inner = kRootTwoByPi * (T(1) + (square * kCubic) * T(3));
      return (T(1) + t) * T(0.5) + ((x * T(0.5)) * (T(1) - t * t)) * inner;
    }
    case ActivationFunction::kTanh:
      return T(1) - x * x;
    case ActivationFunction::kRelu:
      return x > T(0) ? T(1) : T(0);
  }
  return x;  // not reached
}

}  // namespace corank
