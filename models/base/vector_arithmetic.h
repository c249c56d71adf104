// What the vector unit's arithmetic instructions compute, on the host's float unit: a function an
// instruction, so that the compiler makes a vector of a loop. A register of the vector unit is 32
// bits: a number (float), an integer, or a mask, which is an integer of -1 (true) or 0. Bodies that
// are templates call these functions for numbers and for what records the instructions; FP64 has
// those that kernels need. To be called within a FloatEnvironment; where nothing is said of a NaN,
// whoever stores the result replaces it by the canonical one.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "models/base/numerics.h"

namespace corank {

template <class T>
using FloatingOnly = std::enable_if_t<std::is_floating_point_v<T>>;

/// What a body's constants are: an FP64 body has those of FP64, every other one FP32 immediates.
template <class T>
using ConstantOf = std::conditional_t<std::is_same_v<T, double>, double, float>;

/// `value` in a register, as the first operand of an operation; immediates are second or third
/// ones. The number beside it says of which type.
template <class T, class = FloatingOnly<T>>
T constant(T, std::common_type_t<T> value) {
  return value;
}

/// The bits of a number as an integer and the other way round: no instructions.
inline std::int32_t as_integer(float value) { return static_cast<std::int32_t>(bits_of(value)); }
inline float as_number(std::int32_t bits) {
  return float_from_bits(static_cast<std::uint32_t>(bits));
}

inline std::int32_t bit_and(std::int32_t a, std::int32_t b) { return a & b; }
inline std::int32_t bit_or(std::int32_t a, std::int32_t b) { return a | b; }
inline std::int32_t bit_xor(std::int32_t a, std::int32_t b) { return a ^ b; }

/// Modulo 2^32.
inline std::int32_t int_add(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
}
inline std::int32_t int_subtract(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) - static_cast<std::uint32_t>(b));
}

/// Shifts and the rotation take the count modulo 32.
inline std::int32_t shift_left(std::int32_t a, std::int32_t count) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) << (count & 31));
}
inline std::int32_t shift_right(std::int32_t a, std::int32_t count) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) >> (count & 31));
}
inline std::int32_t shift_right_arithmetic(std::int32_t a, std::int32_t count) {
  return a >> (count & 31);
}
inline std::int32_t rotate_left(std::int32_t a, std::int32_t count) {
  return bit_or(shift_left(a, count), shift_right(a, 32 - (count & 31)));
}

inline std::int32_t int_less(std::int32_t a, std::int32_t b) { return -(a < b); }  // signed
inline std::int32_t int_equal(std::int32_t a, std::int32_t b) { return -(a == b); }

/// A NaN compares as false, subnormals count as zeros, -0 equals +0.
template <class T, class = FloatingOnly<T>>
std::int32_t less(T a, std::common_type_t<T> b) {
  return -(a < b);
}
template <class T, class = FloatingOnly<T>>
std::int32_t less_equal(T a, std::common_type_t<T> b) {
  return -(a <= b);
}
template <class T, class = FloatingOnly<T>>
std::int32_t equal(T a, std::common_type_t<T> b) {
  return -(a == b);
}

/// `a` where the mask is not 0, `b` elsewhere; moves bits as they are.
inline std::int32_t select(std::int32_t mask, std::int32_t a, std::int32_t b) {
  return mask != 0 ? a : b;
}
inline float select(std::int32_t mask, float a, float b) { return mask != 0 ? a : b; }
inline double select(std::int32_t mask, double a, double b) { return mask != 0 ? a : b; }

/// The product is rounded, then the sum, as the array does it.
template <class T, class = FloatingOnly<T>>
T multiply_add(T a, std::common_type_t<T> b, std::common_type_t<T> c) {
  return a * b + c;
}

/// A subnormal counts as a zero of its sign, as FP32 arithmetic has it.
inline float without_subnormals(float value) {
  const std::int32_t bits = as_integer(value);
  return as_number(bits & select(bits & kInfinityFp32, -1, kSignFp32));
}
inline double without_subnormals(double value) { return value; }

/// maximum and minimum of IEEE 754-2019: a NaN wins, as the canonical one; +0 is above -0.
template <class T, class = FloatingOnly<T>>
T maximum(T first, std::common_type_t<T> second) {
  const T a = without_subnormals(first), b = without_subnormals(second);
  const T larger = select(less(a, b) | (equal(a, b) & -std::signbit(a)), b, a);
  return select(-std::isunordered(a, b), std::numeric_limits<T>::quiet_NaN(), larger);
}
template <class T, class = FloatingOnly<T>>
T minimum(T first, std::common_type_t<T> second) {
  const T a = without_subnormals(first), b = without_subnormals(second);
  const T smaller = select(less(b, a) | (equal(a, b) & -std::signbit(b)), b, a);
  return select(-std::isunordered(a, b), std::numeric_limits<T>::quiet_NaN(), smaller);
}

/// a * 2^exponent: infinity above the largest number, a zero of its sign below the smallest normal
/// one; a subnormal `a` counts as a zero; a NaN gives the canonical one.
inline float scale_by_power_of_two(float a, std::int32_t exponent) {
  constexpr std::int32_t kInfinity = kInfinityFp32, kSmallestNormal = kSmallestNormalFp32;
  const std::int32_t magnitude = as_integer(a) & ~static_cast<std::int32_t>(kSignFp32);
  const std::int32_t sign = as_integer(a) ^ magnitude;
  // Beyond +-512 every number is infinite or a zero already.
  const std::int32_t limited = std::max(-512, std::min(exponent, 512));
  const std::int32_t sum = (magnitude >> 23) + limited;
  std::int32_t result =
      select(int_less(sum, 255), int_add(magnitude, shift_left(limited, 23)), kInfinity);
  result = select(int_less(0, sum) & ~int_less(magnitude, kSmallestNormal), result, 0);
  result = select(int_less(magnitude, kInfinity), result, kInfinity);
  return as_number(select(int_less(kInfinity, magnitude), kCanonicalNanFp32, sign | result));
}

/// The nearest integer, of two the even one; saturating; 0 for a NaN.
inline std::int32_t to_integer(float value) {
  // Adding 2^23 of its sign leaves no fraction bits; a number of that size has none.
  const float rounder = std::copysign(0x1p23f, value);
  const float rounded = select(less(std::fabs(value), 0x1p23f), (value + rounder) - rounder, value);
  const std::int32_t is_high = less_equal(0x1p31f, rounded), is_low = less(rounded, -0x1p31f);
  const std::int32_t is_outside = is_high | is_low | -std::isnan(rounded);
  const auto integer = static_cast<std::int32_t>(select(is_outside, 0.0f, rounded));
  return integer | shift_right(is_high, 1) | shift_left(is_low, 31);
}
/// Rounded to nearest even.
inline float to_float(std::int32_t value) { return static_cast<float>(value); }

}  // namespace corank
