#include "models/base/numerics.h"

#include <xmmintrin.h>

namespace corank {
namespace {

// Fields of MXCSR (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, 10.2.3).
constexpr unsigned kDenormalsAreZero = 0x0040u;
constexpr unsigned kExceptionMasks = 0x1F80u;
constexpr unsigned kRoundingControl = 0x6000u;  // 00: to nearest, ties to even
constexpr unsigned kFlushToZero = 0x8000u;

}  // namespace

FloatEnvironment::FloatEnvironment() : saved_(_mm_getcsr()) {
  _mm_setcsr((saved_ & ~kRoundingControl) | kExceptionMasks | kFlushToZero | kDenormalsAreZero);
}

FloatEnvironment::~FloatEnvironment() { _mm_setcsr(saved_); }

float multiply_accumulate(float sum, std::uint16_t a, std::uint16_t b) {
  const float product = widen(a) * widen(b);
  return canonical(sum + product);
}

}  // namespace corank
