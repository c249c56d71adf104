// Operands that look for trouble: corners, and random numbers drawn where rounding is decided.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace corank {

using Random = std::mt19937_64;

/// Operands of sum + a * b.
struct MacOperands {
  std::uint16_t a;
  std::uint16_t b;
  std::uint32_t sum;
};

struct Fp32Pair {
  std::uint32_t a;
  std::uint32_t b;
};

/// Where random operands are drawn from.
enum class Region {
  Uniform,        // every bit pattern alike: also subnormals, infinities, NaNs
  Unit,           // magnitudes near one
  Cancellation,   // terms that nearly or exactly cancel
  OverflowEdge,   // products and sums about the largest finite number
  UnderflowEdge,  // products and sums about the smallest normal number
  Ties,           // few significant bits, half a unit in the last place apart
};
constexpr Region kRegions[] = {Region::Uniform,      Region::Unit,          Region::Cancellation,
                               Region::OverflowEdge, Region::UnderflowEdge, Region::Ties};
const char* name_of(Region region);

MacOperands random_mac_operands(Region region, Random& random);
Fp32Pair random_fp32_pair(Region region, Random& random);

/// Zeros, subnormals, infinities, NaNs and the edges of exponent and fraction, of both signs.
std::vector<std::uint16_t> bf16_corners();
std::vector<std::uint32_t> fp32_corners();

}  // namespace corank
