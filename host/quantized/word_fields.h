// Codes in words of 32 bits, the first one lowest, as GPTQ, AWQ and compressed-tensors pack them.
#pragma once

#include <cstdint>
#include <cstring>

#include "host/formats/mapped_safetensors.h"
#include "host/quantized/packed_folder.h"
#include "models/base/error.h"
#include "models/base/text.h"

namespace corank {

/// Of a tensor [rows, columns] of such words.
class WordFields {
 public:
  WordFields(const TensorView& view, int bits)
      : data_(view.data), columns_(view.shape[1]), bits_(bits) {}

  int per_word() const { return 32 / bits_; }
  unsigned at(std::int64_t row, std::int64_t column, std::int64_t field) const {
    std::uint32_t word = 0;
    std::memcpy(&word, data_ + 4 * (row * columns_ + column), 4);
    return word >> (field * bits_) & ((1u << bits_) - 1);
  }

 private:
  const std::byte* data_;
  std::int64_t columns_;
  int bits_;
};

/// What such fields are in the canonical form: 4 bits as they are, 8 bits less 128.
inline ElementCode code_of_bits(int bits) {
  return bits == 4 ? ElementCode::kUnsigned4 : ElementCode::kSigned8;
}
inline unsigned code_of_field(unsigned field, int bits) {
  return bits == 4 ? field : field ^ 0x80u;
}
/// The zero of symmetric codes, 2^(bits - 1) as a field.
inline int symmetric_zero(int bits) { return bits == 4 ? 8 : 0; }

/// Integers in groups along the rows, whose scales have this dtype, in which they are multiplied.
inline StorageFormat group_format(int bits, std::int64_t group, std::int64_t columns, DType scale) {
  StorageFormat format;
  format.code = code_of_bits(bits);
  format.blocks = Blocks::kAlongRow;
  format.block = group == 0 ? columns : std::min(group, columns);
  format.scale = format.arithmetic = scale;
  format.zero = symmetric_zero(bits);
  return format;
}

/// Groups of a row.
inline std::int64_t group_count(const StorageFormat& format, const PackedLinear& linear) {
  return scale_count(format, {1, linear.columns()});
}

/// Scales may have any of these dtypes. Throws InputError for another one.
inline DType scale_dtype(const PackedLinear& linear, const std::string& part) {
  const TensorView* view = find_part(linear, part);
  if (view == nullptr)
    throw InputError(part_text(linear, part) + ": expected F16, BF16 or F32, found no such tensor");
  const auto dtype = view->type.dtype;
  if (dtype != DType::F16 && dtype != DType::BF16 && dtype != DType::F32)
    throw InputError(part_text(linear, part) + ": expected F16, BF16 or F32, found " +
                     view->type.name);
  return *dtype;
}

/// Throws InputError unless `count`, the linear's rows or columns, is a multiple of the fields of a
/// word.
inline void require_whole_words(const PackedLinear& linear, const std::string& part,
                                const char* what, std::int64_t count, int bits) {
  if (count % (32 / bits) != 0)
    throw InputError(part_text(linear, part) + ": expected a number of " + what +
                     " that is a multiple of " + std::to_string(32 / bits) + ", found " +
                     std::to_string(count));
}

}  // namespace corank
