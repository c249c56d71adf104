// The number formats of corank and the environment in which host arithmetic equals the RTL's.
//
// FP32 follows the x86 SSE unit with flush-to-zero and denormals-are-zero, round to nearest even,
// no fused multiply-add; every arithmetic result that is a NaN is the canonical 7FC00000.
#pragma once

#include <cstdint>
#include <cstring>

namespace corank {

constexpr std::uint32_t kCanonicalNanFp32 = 0x7FC00000u;
constexpr std::uint16_t kCanonicalNanBf16 = 0x7FC0u;

/// Sets FTZ and DAZ, round to nearest, for the current thread; restores what was there at the end.
class FloatEnvironment {
 public:
  FloatEnvironment();
  ~FloatEnvironment();
  FloatEnvironment(const FloatEnvironment&) = delete;
  FloatEnvironment& operator=(const FloatEnvironment&) = delete;

 private:
  unsigned saved_;
};

inline std::uint32_t bits_of(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline float float_from_bits(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

constexpr std::uint32_t kSignFp32 = 0x80000000u;
constexpr std::uint32_t kInfinityFp32 = 0x7F800000u;
constexpr std::uint32_t kSmallestNormalFp32 = 0x00800000u;

/// Replaces any NaN by 7FC00000.
inline float canonical(float value) {
  return (bits_of(value) & ~kSignFp32) > kInfinityFp32 ? float_from_bits(kCanonicalNanFp32) : value;
}

/// BF16 to FP32: a plain move, exact, never alters bits.
inline float widen(std::uint16_t bf16) {
  return float_from_bits(static_cast<std::uint32_t>(bf16) << 16);
}

/// FP32 to BF16, round to nearest even. An arithmetic operation: a subnormal operand counts as a
/// zero of its sign (as the x86 instruction VCVTNEPS2BF16 defines it), and every NaN becomes 7FC0.
/// Integer arithmetic inside: right in any FloatEnvironment.
inline std::uint16_t round_to_bf16(float value) {
  std::uint32_t bits = bits_of(value);
  const std::uint32_t magnitude = bits & ~kSignFp32;
  if (magnitude > kInfinityFp32) return kCanonicalNanBf16;
  if (magnitude < kSmallestNormalFp32) bits &= kSignFp32;
  // Half a unit in the last place, less one where the kept part is even: ties go to even. A carry
  // out of the mantissa rightly increments the exponent, up to infinity.
  const std::uint32_t lowest_kept = (bits >> 16) & 1u;
  return static_cast<std::uint16_t>((bits + 0x7FFFu + lowest_kept) >> 16);
}

/// IEEE binary16 (1 sign, 5 exponent, 10 fraction bits) to FP32: a plain move, exact.
inline float widen_f16(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  const std::uint32_t exponent = (half >> 10) & 31u, fraction = half & 1023u;
  if (exponent == 31) return float_from_bits(sign | kInfinityFp32 | fraction << 13);
  if (exponent > 0) return float_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
  const float magnitude = static_cast<float>(fraction) * 0x1p-24f;  // subnormal there, not here
  return sign != 0 ? -magnitude : magnitude;
}

/// FP32 to binary16, round to nearest even: subnormals of binary16 are kept, overflow gives
/// infinity, every NaN becomes 7E00.
inline std::uint16_t round_to_f16(float value) {
  const std::uint32_t bits = bits_of(value);
  const std::uint32_t magnitude = bits & ~kSignFp32, sign = (bits & kSignFp32) >> 16;
  if (magnitude > kInfinityFp32) return 0x7E00u;
  constexpr std::uint32_t kInfinite = 0x477FF000u, kNormal = 0x38800000u;  // 65520, 2^-14
  if (magnitude >= kInfinite) return static_cast<std::uint16_t>(sign | 0x7C00u);
  std::uint32_t dropped = 13, kept = magnitude - 0x38000000u;  // the bias goes from 127 to 15
  if (magnitude < kNormal) {
    dropped = 126 - (magnitude >> 23);  // units of 2^-24
    if (dropped > 24) return static_cast<std::uint16_t>(sign);
    kept = (magnitude & 0x7FFFFFu) | 0x800000u;
  }
  const std::uint32_t half = (1u << (dropped - 1)) - 1 + ((kept >> dropped) & 1u);
  return static_cast<std::uint16_t>(sign | (kept + half) >> dropped);
}

/// One step of every reduction: canonical(sum + a * b), product and sum each rounded to FP32 by
/// themselves. To be called within a FloatEnvironment.
float multiply_accumulate(float sum, std::uint16_t a, std::uint16_t b);

}  // namespace corank
