// The activation functions and their derivatives, element by element: bodies as those of
// numerics/functions.h.
#pragma once

#include <type_traits>
#include <utility>

#include "models/base/vector_arithmetic.h"
#include "models/numerics/functions.h"
#include "models/ops/activation.h"

namespace corank {

/// The larger one of x and +0: a zero for -0, NaN for NaN.
template <class T>
T rectified(const T& x) {
  return maximum(x, ConstantOf<T>(0));
}

// Each function is three bodies: `inner`, which value and slope f'(x) have in common, and these
// two, of x and of what `inner` gave.

struct Silu {  // x / d, d = 1 + e^-x
  template <class T>
  static T inner(const T& x) {
    return exponential_of_negative(x) + ConstantOf<T>(1);
  }
  template <class T>
  static T value(const T& x, const T& d) {
    return x / d;
  }
  template <class T>
  static T slope(const T& x, const T& d) {  // s + s x (1 - s), s = 1 / d
    const T s = constant(d, ConstantOf<T>(1)) / d;
    const T product = s * x;
    return s - product * (s - ConstantOf<T>(1));
  }
};

struct GeluErf {  // x/2 (1 + e), e = erf(x / sqrt 2)
  template <class T>
  static T inner(const T& x) {
    return error_function(x * ConstantOf<T>(0.70710678118654752440));
  }
  template <class T>
  static T value(const T& x, const T& e) {
    const T half = x * ConstantOf<T>(0.5);
    return half * (e + ConstantOf<T>(1));
  }
  template <class T>
  static T slope(const T& x, const T& e) {  // Phi(x) + x phi(x), normal distribution and density
    constexpr auto kRootOneByTwoPi = ConstantOf<T>(0.39894228040143267794);
    const T density = exponential_of_negative((x * x) * ConstantOf<T>(0.5)) * kRootOneByTwoPi;
    T distribution = (e + ConstantOf<T>(1)) * ConstantOf<T>(0.5);
    return multiply_add(x, density, std::move(distribution));
  }
};

struct GeluTanh {  // x/2 (1 + t), t = tanh(k (x + c x^3)), k = sqrt(2/pi)
  static constexpr double kRootTwoByPi = 0.79788456080286535588, kCubic = 0.044715;

  template <class T>
  static T inner(const T& x) {
    const T sum = multiply_add((x * x) * x, ConstantOf<T>(kCubic), x);
    return hyperbolic_tangent(sum * ConstantOf<T>(kRootTwoByPi));
  }
  template <class T>
  static T value(const T& x, const T& t) {
    const T half = x * ConstantOf<T>(0.5);
    return half * (t + ConstantOf<T>(1));
  }
  template <class T>
  static T slope(const T& x, const T& t) {  // (1 + t)/2 + x/2 (1 - t^2) k (1 + 3 c x^2)
    const T rise = (x * x) * ConstantOf<T>(3 * kCubic * kRootTwoByPi) + ConstantOf<T>(kRootTwoByPi);
    const T other = multiply_add(t, t * ConstantOf<T>(-1), ConstantOf<T>(1));
    T half = x * ConstantOf<T>(0.5);
    half = std::move(half) * other;
    T mean = (t + ConstantOf<T>(1)) * ConstantOf<T>(0.5);
    return multiply_add(std::move(half), rise, std::move(mean));
  }
};

struct Tanh {  // t
  template <class T>
  static T inner(const T& x) {
    return hyperbolic_tangent(x);
  }
  template <class T>
  static T value(const T&, T t) {
    return t;
  }
  template <class T>
  static T slope(const T&, const T& t) {  // 1 - t^2
    return multiply_add(t, t * ConstantOf<T>(-1), ConstantOf<T>(1));
  }
};

struct Relu {  // the larger one of x and +0
  template <class T>
  static T inner(const T& x) {
    return rectified(x);
  }
  template <class T>
  static T value(const T&, T larger) {
    return larger;
  }
  template <class T>
  static T slope(const T&, const T& larger) {  // 1 above 0 and of a NaN, 0 elsewhere
    return to_float(int_add(less_equal(larger, ConstantOf<T>(0)), 1));
  }
};

/// f(x)
template <class Function, class T>
T activated(const T& x) {
  return Function::value(x, Function::inner(x));
}

/// f'(x); of tanh, x being its result.
template <class Function, class T>
T activation_slope(const T& x) {
  if constexpr (std::is_same_v<Function, Tanh>) {
    return Function::slope(x, x);
  } else {
    return Function::slope(x, Function::inner(x));
  }
}

template <class T>
struct GatedGradients {
  T gate, up;
};

/// The gradients of f(gate) * up.
template <class Function, class T>
GatedGradients<T> gated_gradients(const T& gradient, const T& gate, const T& up) {
  T inner = Function::inner(gate);
  T of_gate = (gradient * up) * Function::slope(gate, inner);
  return {std::move(of_gate), gradient * Function::value(gate, std::move(inner))};
}

/// action(Function()) of the function of that name.
template <class F>
void with_activation(ActivationFunction function, const F& action) {
  switch (function) {
    case ActivationFunction::kSilu:
      return action(Silu());
    case ActivationFunction::kGeluErf:
      return action(GeluErf());
    case ActivationFunction::kGeluTanh:
      return action(GeluTanh());
    case ActivationFunction::kTanh:
      return action(Tanh());
    case ActivationFunction::kRelu:
      return action(Relu());
  }
}

}  // namespace corank
