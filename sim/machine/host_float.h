// The array's arithmetic on the host's float unit, for machines built with CORANK_HOST_FLOAT: what
// rtl/array/systolic_array.sv calls instead of mac_pkg, a row of PEs at a time. Included in front
// of the verilated code.
#pragma once

#include <verilated.h>
#include <xmmintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

/// FTZ and DAZ, round to nearest, all exceptions masked, as the contract of the numbers wants it;
/// the thread's own setting comes back at the end. Alive while a model with such an array is
/// evaluated.
class HostFloatEnvironment {
 public:
  HostFloatEnvironment() : saved_(_mm_getcsr()) { _mm_setcsr(0x9FC0); }
  ~HostFloatEnvironment() { _mm_setcsr(saved_); }
  HostFloatEnvironment(const HostFloatEnvironment&) = delete;
  HostFloatEnvironment& operator=(const HostFloatEnvironment&) = delete;

 private:
  unsigned saved_;
};

inline float host_float(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline std::uint32_t host_float_bits(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

// The rows never overlap, and saying so is what lets the compiler use vectors.

/// product = a * b, b a row of BF16. A NaN is not yet the canonical one: it becomes that in the
/// sum.
template <std::size_t Columns>
inline void host_float_multiply(VlUnpacked<IData, Columns>& product, SData a,
                                const VlUnpacked<SData, Columns>& b) {
  const float factor = host_float(static_cast<std::uint32_t>(a) << 16);
  IData* __restrict to = product.m_storage;
  const SData* __restrict from = b.m_storage;
  for (std::size_t c = 0; c < Columns; ++c) {
    to[c] = host_float_bits(factor * host_float(static_cast<std::uint32_t>(from[c]) << 16));
  }
}

/// sum = addend + product, rounded by itself; a NaN is 7FC00000.
template <std::size_t Columns>
inline void host_float_add(VlUnpacked<IData, Columns>& sum,
                           const VlUnpacked<IData, Columns>& addend,
                           const VlUnpacked<IData, Columns>& product) {
  IData* __restrict to = sum.m_storage;
  const IData* __restrict a = addend.m_storage;
  const IData* __restrict b = product.m_storage;
  for (std::size_t c = 0; c < Columns; ++c) {
    const std::uint32_t bits = host_float_bits(host_float(a[c]) + host_float(b[c]));
    to[c] = (bits & 0x7FFFFFFFu) > 0x7F800000u ? 0x7FC00000u : bits;
  }
}
