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

/// One step of every reduction: canonical(sum + a * b), product and sum each rounded to FP32 by
/// themselves. To be called within a FloatEnvironment.
float multiply_accumulate(float sum, std::uint16_t a, std::uint16_t b);

}  // namespace corank
