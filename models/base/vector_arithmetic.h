// What the vector unit's arithmetic instructions compute, on the host's float unit.
#pragma once

#include <cmath>
#include <limits>
#include <type_traits>

#include "models/base/numerics.h"

namespace corank {

/// A subnormal counts as a zero of its sign, as FP32 arithmetic has it.
inline float without_subnormals(float value) {
  const std::uint32_t bits = bits_of(value);
  return (bits & kInfinityFp32) == 0 ? float_from_bits(bits & kSignFp32) : value;
}
inline double without_subnormals(double value) { return value; }

/// maximum of IEEE 754-2019: a NaN wins, as the canonical one; +0 is above -0.
template <class T, class = std::enable_if_t<std::is_floating_point_v<T>>>
T maximum(T first, std::common_type_t<T> second) {
  const T a = without_subnormals(first), b = without_subnormals(second);
  // NOLINTNEXTLINE(misc-redundant-expression): a NaN is not equal to itself
  if (!(a == a && b == b)) return std::numeric_limits<T>::quiet_NaN();
  if (a == b) return std::signbit(a) ? b : a;
  return a < b ? b : a;
}

/// A function an instruction, of its name in rtl/interface/interface.yaml. To be called within a
/// FloatEnvironment; whoever calls replaces a NaN by the canonical one.
struct VectorArithmetic {
  static float add(float a, float b) { return a + b; }
  static float subtract(float a, float b) { return a - b; }
  static float multiply(float a, float b) { return a * b; }
  static float divide(float a, float b) { return a / b; }
  static float square_root(float a, float) { return std::sqrt(a); }
  static float maximum(float a, float b) { return corank::maximum(a, b); }
};

}  // namespace corank
