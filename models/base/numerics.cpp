#include "models/base/numerics.h"

#include <xmmintrin.h>

#include <cstring>

namespace corank {
namespace {

// Fields of MXCSR (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, 10.2.3).
constexpr unsigned kDenormalsAreZero = 0x0040u;
constexpr unsigned kExceptionMasks = 0x1F80u;
constexpr unsigned kRoundingControl = 0x6000u;  // 00: to nearest, ties to even
constexpr unsigned kFlushToZero = 0x8000u;

constexpr std::uint32_t kSignFp32 = 0x80000000u;
constexpr std::uint32_t kInfinityFp32 = 0x7F800000u;
constexpr std::uint32_t kSmallestNormalFp32 = 0x00800000u;

}  // namespace

FloatEnvironment::FloatEnvironment() : saved_(_mm_getcsr()) {
  _mm_setcsr((saved_ & ~kRoundingControl) | kExceptionMasks | kFlushToZero | kDenormalsAreZero);
}

FloatEnvironment::~FloatEnvironment() { _mm_setcsr(saved_); }

std::uint32_t bits_of(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

float float_from_bits(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

float canonical(float value) {
  return (bits_of(value) & ~kSignFp32) > kInfinityFp32 ? float_from_bits(kCanonicalNanFp32) : value;
}

float widen(std::uint16_t bf16) { return float_from_bits(static_cast<std::uint32_t>(bf16) << 16); }

std::uint16_t round_to_bf16(float value) {
  std::uint32_t bits = bits_of(value);
  const std::uint32_t magnitude = bits & ~kSignFp32;
  if (magnitude > kInfinityFp32) return kCanonicalNanBf16;
  if (magnitude < kSmallestNormalFp32) bits &= kSignFp32;
  // Half a unit in the last place, less one where the kept part is even: ties go to even. A carry
  // out of the mantissa rightly increments the exponent, up to infinity.
  const std::uint32_t lowest_kept = (bits >> 16) & 1u;
  return static_cast<std::uint16_t>((bits + 0x7FFFu + lowest_kept) >> 16);
}

float multiply_accumulate(float sum, std::uint16_t a, std::uint16_t b) {
  const float product = widen(a) * widen(b);
  return canonical(sum + product);
}

}  // namespace corank
