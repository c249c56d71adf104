// How a frozen weight is stored that is packed: codes of few bits, and a scale for every block of
// them. Plain data; decode.h gives the elements.
//
// Each element is made of at most three parts, whatever package wrote it:
//
//     level   = table[code]               (NF4, FP4)
//             = code - zero               (integers; one zero for all, or one for each scale)
//     product = level * scale             (rounded in the format's arithmetic)
//     element = product                   or  product + minimum (FP32)
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "models/base/tensor.h"

namespace corank {

enum class ElementCode {
  kNf4,        // 4 bits, the number of one of 16 levels
  kFp4,        // the same, other levels
  kUnsigned4,  // 4 bits, an integer from 0 to 15
  kSigned8     // 8 bits, an integer from -128 to 127
};

/// Which elements share a scale.
enum class Blocks {
  kFlat,     // `block` of them one after the other, row after row: a block may straddle rows
  kAlongRow  // `block` of one row; the last of a row may be shorter
};

struct StorageFormat {
  ElementCode code = ElementCode::kNf4;
  Blocks blocks = Blocks::kFlat;
  std::int64_t block = 64;  // elements
  /// F32, F16 or BF16. U8: a code of 8 bits of a map, times an F32 scale for each `nested_block` of
  /// them, plus one offset (double quantization).
  DType scale = DType::F32;
  std::int64_t nested_block = 0;
  /// What level times scale is rounded to: F32, or F16 or BF16, in which the package computes.
  DType arithmetic = DType::F32;
  /// Of integers: one zero for each scale, in the bits of a code; else `zero` is that of all.
  bool zeros = false;
  int zero = 0;
  bool minimums = false;  // one for each scale, F16
};

bool operator==(const StorageFormat& a, const StorageFormat& b);

/// Bits of a code: 4 or 8.
int code_bits(ElementCode code);
/// The levels of a code that is looked up; nullptr: the code is an integer.
const std::array<float, 16>* levels_of(ElementCode code);

/// Scales of a matrix [rows, columns], and of the scales' own blocks.
std::int64_t scale_count(const StorageFormat& format, const Shape& shape);
std::int64_t nested_scale_count(const StorageFormat& format, const Shape& shape);

/// Bytes of the codes and of the zeros of a matrix, each rounded up.
std::int64_t code_bytes(const StorageFormat& format, const Shape& shape);
std::int64_t zero_bytes(const StorageFormat& format, const Shape& shape);

/// What a matrix takes in memory: codes, scales, zeros, minimums, and what double quantization adds
/// to them. (The levels, and the map of codes of scales, belong to the decoder.)
std::int64_t stored_bytes(const StorageFormat& format, const Shape& shape);

/// "nf4, blocks of 64, scales F32", in a report.
std::string to_string(const StorageFormat& format);

}  // namespace corank
