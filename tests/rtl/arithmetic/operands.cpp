#include "tests/rtl/arithmetic/operands.h"

#include <algorithm>

namespace corank {
namespace {

/// Hands out the bits of one random word.
class Bits {
 public:
  explicit Bits(Random& random) : word_(random()) {}

  std::uint32_t take(int count) {
    const auto bits = static_cast<std::uint32_t>(word_ & ((std::uint64_t{1} << count) - 1));
    word_ >>= count;
    return bits;
  }

 private:
  std::uint64_t word_;
};

/// The exponent is clamped to what the format holds, 0 and 255 included.
std::uint32_t fp32(std::uint32_t sign, int exponent, std::uint32_t fraction) {
  return sign << 31 | static_cast<std::uint32_t>(std::clamp(exponent, 0, 255)) << 23 | fraction;
}

std::uint16_t bf16(std::uint32_t sign, int exponent, std::uint32_t fraction) {
  return static_cast<std::uint16_t>(fp32(sign, exponent, fraction << 16) >> 16);
}

/// Only the first two bits or the last two at random, all ones before the last two, or all random.
std::uint32_t fraction(Bits& bits, int width) {
  const std::uint32_t all = bits.take(width);
  const std::uint32_t ones = (1u << width) - 1;
  switch (bits.take(2)) {
    case 0:
      return all & ~(ones >> 2);
    case 1:
      return all & 3u;
    case 2:
      return ones & ~(all & 3u);
    default:
      return all;
  }
}

int around(Bits& bits, int centre, int width) {
  return centre - (1 << (width - 1)) + static_cast<int>(bits.take(width));
}

}  // namespace

const char* name_of(Region region) {
  switch (region) {
    case Region::Uniform:
      return "uniform bits";
    case Region::Unit:
      return "unit range";
    case Region::Cancellation:
      return "cancellation";
    case Region::OverflowEdge:
      return "overflow edge";
    case Region::UnderflowEdge:
      return "underflow edge";
    case Region::Ties:
      return "ties";
  }
  return "";
}

MacOperands random_mac_operands(Region region, Random& random) {
  Bits bits(random);
  MacOperands operands{};
  switch (region) {
    case Region::Uniform:
      operands.a = static_cast<std::uint16_t>(bits.take(16));
      operands.b = static_cast<std::uint16_t>(bits.take(16));
      operands.sum = bits.take(32);
      break;
    case Region::Unit:
      operands.a = bf16(bits.take(1), around(bits, 127, 3), bits.take(7));
      operands.b = bf16(bits.take(1), around(bits, 127, 3), bits.take(7));
      operands.sum = fp32(bits.take(1), around(bits, 127, 4), bits.take(23));
      break;
    case Region::Cancellation: {
      // The sum is minus the product with up to six low bits changed, or a bit away in exponent.
      const std::uint32_t fraction_a = bits.take(7);
      const std::uint32_t fraction_b = bits.take(7);
      const int exponent_a = around(bits, 127, 6);
      const int exponent_b = around(bits, 127, 6);
      const std::uint32_t sign = bits.take(1);
      std::uint32_t product = (128 + fraction_a) * (128 + fraction_b);  // at 2^14
      int exponent = exponent_a + exponent_b - 127;
      if (product >= 1u << 15) {
        ++exponent;
      } else {
        product <<= 1;
      }
      operands.a = bf16(0, exponent_a, fraction_a);
      operands.b = bf16(sign, exponent_b, fraction_b);
      const std::uint32_t change = bits.take(6) >> bits.take(3);
      const int move = bits.take(3) == 0 ? static_cast<int>(bits.take(2)) - 1 : 0;
      operands.sum = fp32(sign ^ 1, exponent + move, ((product & 0x7FFF) << 8) ^ change);
      break;
    }
    case Region::OverflowEdge: {
      const int exponent = around(bits, 190, 7);
      operands.a = bf16(bits.take(1), exponent, fraction(bits, 7));
      operands.b = bf16(bits.take(1), around(bits, 381 - exponent, 2), fraction(bits, 7));
      operands.sum = fp32(bits.take(1), 254 - static_cast<int>(bits.take(1)), fraction(bits, 23));
      break;
    }
    case Region::UnderflowEdge: {
      const int exponent = around(bits, 64, 7);
      operands.a = bf16(bits.take(1), exponent, fraction(bits, 7));
      operands.b = bf16(bits.take(1), around(bits, 128 - exponent, 2), fraction(bits, 7));
      operands.sum = fp32(bits.take(1), static_cast<int>(bits.take(2)), fraction(bits, 23));
      break;
    }
    case Region::Ties: {
      const int exponent = around(bits, 127, 3);
      const std::uint32_t few = 0x7Fu & ~(0x7Fu >> bits.take(2));
      operands.a = bf16(bits.take(1), exponent, bits.take(7) & few);
      operands.b = bf16(bits.take(1), 127, bits.take(7) & few);
      operands.sum =
          fp32(bits.take(1), exponent + 20 + static_cast<int>(bits.take(3)), fraction(bits, 23));
      break;
    }
  }
  return operands;
}

Fp32Pair random_fp32_pair(Region region, Random& random) {
  Bits bits(random);
  Fp32Pair pair{};
  switch (region) {
    case Region::Uniform:
      pair.a = bits.take(32);
      pair.b = bits.take(32);
      break;
    case Region::Unit:
      pair.a = fp32(bits.take(1), around(bits, 127, 3), bits.take(23));
      pair.b = fp32(bits.take(1), around(bits, 127, 3), bits.take(23));
      break;
    case Region::Cancellation:
      pair.a = bits.take(32);
      pair.b = pair.a ^ 0x80000000u ^ (bits.take(6) >> bits.take(3)) ^ (bits.take(2) / 3 << 23);
      break;
    case Region::OverflowEdge:
    case Region::UnderflowEdge: {
      // About the edge for the product, or the quotient, or the sum.
      const bool overflow = region == Region::OverflowEdge;
      const int exponent = overflow ? around(bits, 190, 7) : around(bits, 64, 7);
      const std::uint32_t operation = bits.take(2);
      const std::uint32_t signs = bits.take(2);
      int other = 0;
      if (operation == 0) {
        other = around(bits, (overflow ? 381 : 127) - exponent, 2);
      } else if (operation == 1) {
        other = around(bits, overflow ? exponent - 127 : exponent + 126, 2);
      } else {
        pair.a = fp32(signs & 1, (overflow ? 252 : 0) + static_cast<int>(bits.take(2)),
                      random() & 0x7FFFFF);
        pair.b = fp32(signs >> 1, (overflow ? 252 : 0) + static_cast<int>(bits.take(2)),
                      random() & 0x7FFFFF);
        break;
      }
      pair.a = fp32(signs & 1, exponent, fraction(bits, 23));
      Bits more(random);
      pair.b = fp32(signs >> 1, other, fraction(more, 23));
      break;
    }
    case Region::Ties: {
      const std::uint32_t few = 0x7FFFFFu & ~(0x7FFFFFu >> (9 + bits.take(2)));
      const int exponent = around(bits, 127, 3);
      pair.a = fp32(bits.take(1), exponent, random() & few);
      pair.b = fp32(bits.take(1), exponent + static_cast<int>(bits.take(5)), random() & few);
      break;
    }
  }
  return pair;
}

std::vector<std::uint16_t> bf16_corners() {
  std::vector<std::uint16_t> corners;
  for (const std::uint32_t sign : {0u, 1u}) {
    for (const int exponent : {0, 1, 2, 63, 64, 126, 127, 128, 190, 191, 192, 253, 254, 255}) {
      for (const std::uint32_t fraction : {0x00u, 0x01u, 0x3Fu, 0x40u, 0x41u, 0x7Eu, 0x7Fu}) {
        corners.push_back(bf16(sign, exponent, fraction));
      }
    }
  }
  return corners;
}

std::vector<std::uint32_t> fp32_corners() {
  std::vector<std::uint32_t> corners;
  for (const std::uint32_t sign : {0u, 1u}) {
    for (const int exponent : {0,   1,   2,   3,   23,  24,  25,  26,  102, 103, 125, 126,
                               127, 128, 129, 150, 151, 152, 190, 229, 252, 253, 254, 255}) {
      for (const std::uint32_t fraction : {0u, 1u, 2u, 0x007FFFu, 0x008000u, 0x008001u, 0x3FFFFFu,
                                           0x400000u, 0x400001u, 0x7F0000u, 0x7FFFFEu, 0x7FFFFFu}) {
        corners.push_back(fp32(sign, exponent, fraction));
      }
    }
  }
  return corners;
}

}  // namespace corank
