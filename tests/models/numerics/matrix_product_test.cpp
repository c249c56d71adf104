#include "models/numerics/matrix_product.h"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "models/base/numerics.h"

using namespace corank;

namespace {

std::size_t below(std::mt19937_64& generator, std::size_t limit) { return generator() % limit; }

/// BF16 bits: mostly numbers whose exponents lie `spread` around `exponent`, so that products and
/// sums also fall below the smallest normal number or beyond the largest; `specials` in 256 of them
/// zeros, subnormals, infinities and NaNs of either sign, with payloads.
std::uint16_t draw(std::mt19937_64& generator, std::size_t exponent, std::size_t spread,
                   std::size_t specials) {
  constexpr std::uint16_t kSpecials[] = {0x0000, 0x0001, 0x007F, 0x7F80, 0x7FC0, 0x7F81, 0x7FFF};
  const auto sign = static_cast<std::uint16_t>(below(generator, 2) << 15);
  if (below(generator, 256) < specials)
    return static_cast<std::uint16_t>(sign | kSpecials[below(generator, std::size(kSpecials))]);
  const std::size_t biased = exponent + below(generator, spread);
  return static_cast<std::uint16_t>(sign | biased << 7 | below(generator, 128));
}

float as_float(std::uint16_t bf16) { return widen(bf16); }
float as_float(float element) { return element; }

/// The contract, word for word.
template <class Element>
void plain_loops(std::size_t rows, std::size_t depth, std::size_t columns,
                 const StoredMatrix<Element>& left, const StoredMatrix<Element>& right,
                 float* sums) {
  for (std::size_t m = 0; m < rows; ++m) {
    for (std::size_t n = 0; n < columns; ++n) {
      float sum = sums[m * columns + n];
      for (std::size_t k = 0; k < depth; ++k) {
        const float product = as_float(left.elements[m * left.down + k * left.along]) *
                              as_float(right.elements[k * right.down + n * right.along]);
        sum = canonical(sum + product);
      }
      sums[m * columns + n] = sum;
    }
  }
}

std::vector<std::uint32_t> bits_of_all(const std::vector<float>& elements) {
  std::vector<std::uint32_t> bits;
  for (const float element : elements) bits.push_back(bits_of(element));
  return bits;
}

template <class Element>
void compare_with_plain_loops(std::mt19937_64& generator, std::size_t rows, std::size_t depth,
                              std::size_t columns) {
  const std::size_t exponent = 40 + below(generator, 120), spread = 1 + below(generator, 30);
  const std::size_t specials = below(generator, 2);
  const auto matrix = [&](std::size_t count) {
    std::vector<Element> elements(count);
    for (Element& element : elements) {
      const std::uint16_t upper = draw(generator, exponent, spread, specials);
      if constexpr (sizeof(Element) == sizeof(float))
        element = float_from_bits(static_cast<std::uint32_t>(upper) << 16 |
                                  static_cast<std::uint32_t>(below(generator, 65536)));
      else
        element = upper;
    }
    return elements;
  };
  const auto view = [&](const std::vector<Element>& elements, std::size_t height,
                        std::size_t width) {
    return below(generator, 2) == 0 ? StoredMatrix<Element>{elements.data(), width, 1}
                                    : StoredMatrix<Element>{elements.data(), 1, height};
  };
  const std::vector<Element> left = matrix(rows * depth), right = matrix(depth * columns);
  const auto a = view(left, rows, depth), b = view(right, depth, columns);
  INFO(sizeof(Element) << " bytes an element, [" << rows << ", " << depth << "] . [" << depth
                       << ", " << columns << "], steps " << a.down << " and " << b.down);
  const FloatEnvironment as_the_device;
  std::vector<float> sums(rows * columns + 16, 1.5f);  // and what lies behind them
  std::vector<float> expected = sums;
  plain_loops(rows, depth, columns, a, b, expected.data());
  add_matrix_product(rows, depth, columns, a, b, sums.data());
  REQUIRE(bits_of_all(sums) == bits_of_all(expected));
}

}  // namespace

TEST_CASE("a matrix product has the bits of three plain loops, whatever its size and elements") {
  const auto seed = GENERATE(range(1, 121));
  INFO("seed " << seed);
  std::mt19937_64 generator(static_cast<std::uint64_t>(seed));
  const std::size_t rows = 1 + below(generator, 40), columns = 1 + below(generator, 70);
  const std::size_t depth = 1 + below(generator, 100);
  compare_with_plain_loops<std::uint16_t>(generator, rows, depth, columns);
  compare_with_plain_loops<float>(generator, rows, depth, columns);
}

TEST_CASE("a matrix product larger than the kernel's blocks has the bits of three plain loops") {
  const auto seed = GENERATE(range(1, 5));
  INFO("seed " << seed);
  std::mt19937_64 generator(static_cast<std::uint64_t>(seed));
  // Blocks have 256 rows, 512 of the depth and 16 columns.
  compare_with_plain_loops<std::uint16_t>(generator, 255 + below(generator, 4), 7, 33);
  compare_with_plain_loops<std::uint16_t>(generator, 5, 511 + below(generator, 4), 16);
  compare_with_plain_loops<std::uint16_t>(generator, 257, 1025, 15 + below(generator, 3));
  compare_with_plain_loops<float>(generator, 513, 513, 17);
}

TEST_CASE("each product is rounded before it is added") {
  // (1 + 2^-7)^2 = 1 + 2^-6 + 2^-14 needs no rounding, but (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24 is a
  // tie that goes to 1 + 2^-11: less that, 0 is left. Fused, 2^-24 would be.
  const FloatEnvironment as_the_device;
  const float left[] = {1.0f + 0x1p-12f}, right[] = {1.0f + 0x1p-12f};
  float sum = -(1.0f + 0x1p-11f);
  add_matrix_product<float>(1, 1, 1, {left, 1, 1}, {right, 1, 1}, &sum);
  CHECK(bits_of(sum) == 0u);
}

TEST_CASE("subnormal operands, products and sums count as zeros, and a NaN becomes canonical") {
  const FloatEnvironment as_the_device;
  const auto sum_of = [](float start, std::uint16_t a, std::uint16_t b) {
    add_matrix_product<std::uint16_t>(1, 1, 1, {&a, 1, 1}, {&b, 1, 1}, &start);
    return bits_of(start);
  };
  CHECK(sum_of(0.0f, 0x007F, 0x7F00) == 0u);            // a subnormal times 2^127
  CHECK(sum_of(0.0f, 0x0080, 0x3F00) == 0u);            // 2^-126 / 2
  CHECK(sum_of(0x1.8p-126f, 0x0080, 0xBF80) == 0u);     // 1.5 * 2^-126 - 2^-126
  CHECK(sum_of(-0.0f, 0x8000, 0x3F80) == 0x80000000u);  // -0 - 0
  CHECK(sum_of(0.0f, 0x7F80, 0x0000) == 0x7FC00000u);   // infinity times 0
  CHECK(sum_of(0.0f, 0xFF81, 0x3F80) == 0x7FC00000u);   // a NaN with sign and payload
  CHECK(sum_of(0.0f, 0x7F00, 0x7F00) == 0x7F800000u);   // 2^254
  CHECK(sum_of(0x1p100f, 0x7F80, 0xBF80) == 0xFF800000u);
}
