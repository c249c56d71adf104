// A packed weight: the one form in memory that files are read into, quantizers make, and whoever
// decodes reads.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "models/base/tensor.h"
#include "models/quantized/storage_format.h"

namespace corank {

struct QuantizedTensor {
  StorageFormat format;
  Shape shape;  // [rows, columns] = [out, in]
  /// Codes one after the other, row after row, in as many bytes as they need. Of two codes of 4
  /// bits in a byte the first one is in the lower half.
  std::vector<std::uint8_t> codes;
  /// [scale_count()] of format.scale. Blocks along a row: those of a row one after the other.
  Tensor scales;
  std::vector<std::uint8_t> zeros;  // packed as the codes are; none: empty
  Tensor minimums;                  // F16 [scale_count()]; none: F32 [0]
  // Of double quantization; else empty.
  std::vector<float> nested_scales;  // [nested_scale_count()]
  std::vector<float> nested_map;     // [256], what a code of a scale means
  float offset = 0;

  QuantizedTensor() : minimums(DType::F32, {0}) {}
  /// All codes, scales, ... zero.
  QuantizedTensor(const StorageFormat& format, const Shape& shape);
};

using QuantizedMap = std::map<std::string, QuantizedTensor>;

/// Code `i` of packed ones; of 8 bits as they stand.
inline unsigned code_at(const std::vector<std::uint8_t>& codes, int bits, std::int64_t i) {
  if (bits == 8) return codes[static_cast<std::size_t>(i)];
  return (codes[static_cast<std::size_t>(i / 2)] >> (i % 2 * 4)) & 0xFu;
}
/// Puts a code where there is a zero.
inline void put_code(std::vector<std::uint8_t>& codes, int bits, std::int64_t i, unsigned code) {
  const auto byte = static_cast<std::size_t>(bits == 8 ? i : i / 2);
  codes[byte] = static_cast<std::uint8_t>(codes[byte] | (bits == 8 ? code : code << (i % 2 * 4)));
}

/// Throws InputError, beginning with `what`, unless every part has the length and dtype that format
/// and shape ask for.
void check(const QuantizedTensor& tensor, const std::string& what);

/// Bytes of the parts, without what belongs to the decoder: stored_bytes() of a right one, the
/// codes and zeros each rounded up to whole bytes.
std::int64_t bytes_of(const QuantizedTensor& tensor);

}  // namespace corank
