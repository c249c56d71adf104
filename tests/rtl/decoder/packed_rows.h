// Packed weights as the decoder's datapath is given them, and the elements that models/quantized
// makes of them.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "models/quantized/quantized_tensor.h"

namespace corank::test {

using Random = std::mt19937_64;

/// What distinguishes formats to the decoder.
struct PackedKind {
  ElementCode code = ElementCode::kNf4;
  DType scale = DType::F32;  // U8: nested
  DType arithmetic = DType::F32;
  bool zeros = false, minimums = false, two_scales = false;
};
/// All that it decodes.
std::vector<PackedKind> packed_kinds(ElementCode code);
std::string to_string(const PackedKind& kind);

/// A matrix of one row in flat blocks.
struct PackedMatrix {
  PackedKind kind;
  QuantizedTensor tensor;
  std::uint32_t position = 0;  // of the first element, for the decoder's table of nested scales
};

/// Numbers of every kind: ordinary ones, special ones, and those whose products, rounded products
/// or sums are at the edge of something.
PackedMatrix random_matrix(const PackedKind& kind, Random& random);

/// decode_format_t of decoder_pkg. Fields that do not count in this format are random.
std::uint64_t pack_format(const PackedMatrix& matrix, Random& random);

constexpr int kRowElements = 64;  // of a panel

/// A row of a panel.
struct PackedRow {
  std::uint32_t position = 0;
  std::array<std::uint32_t, 4> record{};  // what does not count is random
  std::array<std::uint8_t, kRowElements> codes{};
  std::uint64_t second = 0;                            // bit n: element n is of the second entry
  std::array<std::uint16_t, kRowElements> elements{};  // BF16
};

/// A row anywhere in the matrix where its kind lets rows begin.
PackedRow random_row(const PackedMatrix& matrix, Random& random);

}  // namespace corank::test
