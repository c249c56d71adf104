#include "models/numerics/matrix_product.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "models/base/numerics.h"

namespace corank {
namespace {

using Operand = Rows<const float>;
using Sums = Rows<float>;

/// `Lanes` sums side by side in one register.
template <std::size_t Lanes>
struct Register {
  typedef float Type __attribute__((vector_size(Lanes * sizeof(float))));
};

/// The sums of `Height` rows and kChainColumns columns stay in registers over the whole depth: so
/// many chains hide the latency of an addition. The array makes every NaN canonical at once; a NaN
/// stays one to the end of its chain, so it is enough to do it there.
template <std::size_t Lanes, std::size_t Height>
[[gnu::always_inline]] inline void continue_tile(std::size_t depth, const Operand& left,
                                                 const Operand& right, const Sums& sums) {
  using Vector = typename Register<Lanes>::Type;
  constexpr std::size_t kVectors = kChainColumns / Lanes;
  // Vector by vector: a copy of several would go through memory.
  const auto copy = [](auto* to, const auto* from) { std::memcpy(to, from, sizeof(Vector)); };
  Vector chains[Height][kVectors], factors[kVectors];
  for (std::size_t row = 0; row < Height; ++row)
    for (std::size_t i = 0; i < kVectors; ++i)
      copy(&chains[row][i], sums.elements + row * sums.pitch + i * Lanes);
  for (std::size_t k = 0; k < depth; ++k) {
    for (std::size_t i = 0; i < kVectors; ++i)
      copy(&factors[i], right.elements + k * right.pitch + i * Lanes);
    for (std::size_t row = 0; row < Height; ++row) {
      const float x = left.elements[row * left.pitch + k];
      for (std::size_t i = 0; i < kVectors; ++i) chains[row][i] += x * factors[i];
    }
  }
  const Vector nan = float_from_bits(kCanonicalNanFp32) - Vector{};
  for (std::size_t row = 0; row < Height; ++row) {
    for (std::size_t i = 0; i < kVectors; ++i) {
      Vector& chain = chains[row][i];
      chain = chain == chain ? chain : nan;
      copy(sums.elements + row * sums.pitch + i * Lanes, &chain);
    }
  }
}

/// Tiles of `Height` rows, then of half as many for the rows that are left, down to one.
template <std::size_t Lanes, std::size_t Height>
[[gnu::always_inline]] inline void continue_strip(std::size_t rows, std::size_t depth, Operand left,
                                                  const Operand& right, Sums sums) {
  for (; rows >= Height; rows -= Height) {
    continue_tile<Lanes, Height>(depth, left, right, sums);
    left.elements += Height * left.pitch;
    sums.elements += Height * sums.pitch;
  }
  if constexpr (Height > 1) continue_strip<Lanes, Height / 2>(rows, depth, left, right, sums);
}

template <std::size_t Lanes, std::size_t Height>
[[gnu::always_inline]] inline void continue_strips(std::size_t rows, std::size_t depth,
                                                   std::size_t columns, const Operand& left,
                                                   const Operand& right, const Sums& sums) {
  for (std::size_t column = 0; column < columns; column += kChainColumns)
    continue_strip<Lanes, Height>(rows, depth, left, {right.elements + column, right.pitch},
                                  {sums.elements + column, sums.pitch});
}

// A tile takes half of the 16 registers that a CPU has, a quarter of AVX-512's 32: the operands
// need some, and more chains would hide nothing more.
[[gnu::target("avx512f")]] void chains_avx512(std::size_t rows, std::size_t depth,
                                              std::size_t columns, const Operand& left,
                                              const Operand& right, const Sums& sums) {
  continue_strips<16, 8>(rows, depth, columns, left, right, sums);
}

[[gnu::target("avx2")]] void chains_avx2(std::size_t rows, std::size_t depth, std::size_t columns,
                                         const Operand& left, const Operand& right,
                                         const Sums& sums) {
  continue_strips<8, 4>(rows, depth, columns, left, right, sums);
}

void chains_sse(std::size_t rows, std::size_t depth, std::size_t columns, const Operand& left,
                const Operand& right, const Sums& sums) {
  continue_strips<4, 2>(rows, depth, columns, left, right, sums);
}

float as_float(float element) { return element; }
float as_float(std::uint16_t bf16) { return widen(bf16); }

/// Copies [rows, columns] as FP32, so that what the kernel reads one after the other lies side by
/// side. The inner loop runs along the stored elements.
template <class Element>
void pack(const StoredMatrix<Element>& from, std::size_t rows, std::size_t columns, float* to,
          std::size_t pitch) {
  if (from.along == 1) {
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < columns; ++j)
        to[i * pitch + j] = as_float(from.elements[i * from.down + j]);
  } else {
    for (std::size_t j = 0; j < columns; ++j)
      for (std::size_t i = 0; i < rows; ++i)
        to[i * pitch + j] = as_float(from.elements[i * from.down + j * from.along]);
  }
}

template <class Element>
StoredMatrix<Element> part_from(const StoredMatrix<Element>& matrix, std::size_t i, std::size_t j) {
  return {matrix.elements + i * matrix.down + j * matrix.along, matrix.down, matrix.along};
}

void copy_rows(std::size_t rows, std::size_t columns, const Rows<const float>& from, Sums to) {
  for (std::size_t i = 0; i < rows; ++i)
    std::copy_n(from.elements + i * from.pitch, columns, to.elements + i * to.pitch);
}

// A block of the left operand (512 KiB) stays in a second-level cache while the right one passes by
// in strips of kChainColumns (32 KiB, which a first-level cache holds).
constexpr std::size_t kBlockRows = 256, kBlockDepth = 512;

}  // namespace

void continue_chains(std::size_t rows, std::size_t depth, std::size_t columns, const Operand& left,
                     const Operand& right, const Sums& sums) {
  const auto kernel = __builtin_cpu_supports("avx512f") ? chains_avx512
                      : __builtin_cpu_supports("avx2")  ? chains_avx2
                                                        : chains_sse;
  kernel(rows, depth, columns, left, right, sums);
}

template <class Element>
void add_matrix_product(std::size_t rows, std::size_t depth, std::size_t columns,
                        const StoredMatrix<Element>& left, const StoredMatrix<Element>& right,
                        float* sums) {
  const std::size_t most_rows = std::min(rows, kBlockRows),
                    most_depth = std::min(depth, kBlockDepth);
  std::vector<float> left_block(most_rows * most_depth);
  std::vector<float> right_strip(most_depth * kChainColumns), sum_strip(most_rows * kChainColumns);
  for (std::size_t row = 0; row < rows; row += kBlockRows) {
    const std::size_t height = std::min(kBlockRows, rows - row);
    for (std::size_t k = 0; k < depth; k += kBlockDepth) {
      const std::size_t length = std::min(kBlockDepth, depth - k);
      pack(part_from(left, row, k), height, length, left_block.data(), length);
      for (std::size_t column = 0; column < columns; column += kChainColumns) {
        const std::size_t width = std::min(kChainColumns, columns - column);
        pack(part_from(right, k, column), length, width, right_strip.data(), kChainColumns);
        const Sums out{sums + row * columns + column, columns};
        // A narrow last strip is computed aside; nobody reads its columns beyond `width`.
        const bool aside = width < kChainColumns;
        const Sums strip = aside ? Sums{sum_strip.data(), kChainColumns} : out;
        if (aside) copy_rows(height, width, {out.elements, out.pitch}, strip);
        continue_chains(height, length, kChainColumns, {left_block.data(), length},
                        {right_strip.data(), kChainColumns}, strip);
        if (aside) copy_rows(height, width, {strip.elements, strip.pitch}, out);
      }
    }
  }
}

template void add_matrix_product(std::size_t, std::size_t, std::size_t, const StoredMatrix<float>&,
                                 const StoredMatrix<float>&, float*);
template void add_matrix_product(std::size_t, std::size_t, std::size_t,
                                 const StoredMatrix<std::uint16_t>&,
                                 const StoredMatrix<std::uint16_t>&, float*);

}  // namespace corank
