// Products of FP32 matrices in the order of the contract (models/README.md), for the references and
// for the cycle model's array alike. To be called within a FloatEnvironment.
#pragma once

#include <cstddef>
#include <cstdint>

namespace corank {

/// Columns that the kernel computes side by side.
constexpr std::size_t kChainColumns = 16;

/// A row-major matrix of FP32, `pitch` elements from one row to the next.
template <class Element>
struct Rows {
  Element* elements = nullptr;
  std::size_t pitch = 0;
};

/// sums[m, n] goes on with its chain over k = 0, 1, ... of left[m, k] * right[k, n]: the product is
/// rounded, then the sum. `columns` is a multiple of kChainColumns. A sum that is a NaN is
/// canonical at the end.
void continue_chains(std::size_t rows, std::size_t depth, std::size_t columns,
                     const Rows<const float>& left, const Rows<const float>& right,
                     const Rows<float>& sums);

/// A matrix as a tensor stores it, FP32 or the bits of BF16: element (i, j) is
/// elements[i * down + j * along].
template <class Element>
struct StoredMatrix {
  const Element* elements = nullptr;
  std::size_t down = 0, along = 0;
};

/// The same for matrices of any size and either format: sums[rows, columns], without gaps, go on
/// with the chains of left[rows, depth] . right[depth, columns].
template <class Element>
void add_matrix_product(std::size_t rows, std::size_t depth, std::size_t columns,
                        const StoredMatrix<Element>& left, const StoredMatrix<Element>& right,
                        float* sums);

}  // namespace corank
