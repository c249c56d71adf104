// The number formats of corank and the environment in which host arithmetic equals the RTL's.
//
// FP32 follows the x86 SSE unit with flush-to-zero and denormals-are-zero, round to nearest even,
// no fused multiply-add; every arithmetic result that is a NaN is the canonical 7FC00000.
#pragma once

#include <cstdint>

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

std::uint32_t bits_of(float value);
float float_from_bits(std::uint32_t bits);

/// Replaces any NaN by 7FC00000.
float canonical(float value);

/// BF16 to FP32: a plain move, exact, never alters bits.
float widen(std::uint16_t bf16);

/// FP32 to BF16, round to nearest even. An arithmetic operation: a subnormal operand counts as a
/// zero of its sign (as the x86 instruction VCVTNEPS2BF16 defines it), and every NaN becomes 7FC0.
/// Integer arithmetic inside: right in any FloatEnvironment.
std::uint16_t round_to_bf16(float value);

/// One step of every reduction: canonical(sum + a * b), product and sum each rounded to FP32 by
/// themselves. To be called within a FloatEnvironment.
float multiply_accumulate(float sum, std::uint16_t a, std::uint16_t b);

}  // namespace corank
