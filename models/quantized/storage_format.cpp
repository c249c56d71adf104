#include "models/quantized/storage_format.h"

#include <tuple>

#include "models/base/numerics.h"

namespace corank {
namespace {

/// By their bits: decimal digits would have to be read to the last unit.
constexpr std::array<std::uint32_t, 16> kNf4Bits = {
    0xBF800000, 0xBF3239B1, 0xBF066B30, 0xBECA32A0, 0xBE91A24D, 0xBE3D353F, 0xBDBA7871, 0x00000000,
    0x3DA2FAFF, 0x3E24CAE3, 0x3E7C04DD, 0x3EAD033A, 0x3EE1A4B8, 0x3F1007AB, 0x3F3913B3, 0x3F800000};
/// Code 8 is +0, as in the map that bitsandbytes writes into its files.
constexpr std::array<std::uint32_t, 16> kFp4Bits = {
    0x00000000, 0x3BAAAAAB, 0x3F2AAAAB, 0x3F800000, 0x3EAAAAAB, 0x3F000000, 0x3E2AAAAB, 0x3E800000,
    0x00000000, 0xBBAAAAAB, 0xBF2AAAAB, 0xBF800000, 0xBEAAAAAB, 0xBF000000, 0xBE2AAAAB, 0xBE800000};

std::array<float, 16> floats_of(const std::array<std::uint32_t, 16>& bits) {
  std::array<float, 16> floats{};
  for (std::size_t i = 0; i < bits.size(); ++i) floats[i] = float_from_bits(bits[i]);
  return floats;
}

std::int64_t ceil_of(std::int64_t count, std::int64_t block) { return (count + block - 1) / block; }

auto fields(const StorageFormat& f) {
  return std::tie(f.code, f.blocks, f.block, f.scale, f.nested_block, f.arithmetic, f.zeros, f.zero,
                  f.minimums);
}

const char* name_of(ElementCode code) {
  switch (code) {
    case ElementCode::kNf4:
      return "nf4";
    case ElementCode::kFp4:
      return "fp4";
    case ElementCode::kUnsigned4:
      return "int4";
    case ElementCode::kSigned8:
      return "int8";
  }
  return "";  // not reached: all stand above
}

}  // namespace

bool operator==(const StorageFormat& a, const StorageFormat& b) { return fields(a) == fields(b); }

int code_bits(ElementCode code) { return code == ElementCode::kSigned8 ? 8 : 4; }

const std::array<float, 16>* levels_of(ElementCode code) {
  static const std::array<float, 16> nf4 = floats_of(kNf4Bits), fp4 = floats_of(kFp4Bits);
  if (code == ElementCode::kNf4) return &nf4;
  return code == ElementCode::kFp4 ? &fp4 : nullptr;
}

std::int64_t scale_count(const StorageFormat& format, const Shape& shape) {
  if (format.blocks == Blocks::kFlat) return ceil_of(element_count(shape), format.block);
  return shape.at(0) * ceil_of(shape.at(1), format.block);
}

std::int64_t nested_scale_count(const StorageFormat& format, const Shape& shape) {
  if (format.nested_block == 0) return 0;
  return ceil_of(scale_count(format, shape), format.nested_block);
}

std::int64_t code_bytes(const StorageFormat& format, const Shape& shape) {
  return ceil_of(element_count(shape) * code_bits(format.code), 8);
}

std::int64_t zero_bytes(const StorageFormat& format, const Shape& shape) {
  return format.zeros ? ceil_of(scale_count(format, shape) * code_bits(format.code), 8) : 0;
}

std::int64_t stored_bytes(const StorageFormat& format, const Shape& shape) {
  const auto size = [](DType dtype) { return static_cast<std::int64_t>(bytes_of(dtype)); };
  const std::int64_t a_scale = size(format.scale) + (format.minimums ? size(DType::F16) : 0);
  std::int64_t bytes =
      code_bytes(format, shape) + zero_bytes(format, shape) + scale_count(format, shape) * a_scale;
  if (format.nested_block > 0)  // and the offset
    bytes += (nested_scale_count(format, shape) + 1) * size(DType::F32);
  return bytes;
}

std::string to_string(const StorageFormat& format) {
  std::string text = name_of(format.code);
  text += format.blocks == Blocks::kFlat ? ", blocks of " : ", blocks along a row of ";
  text += std::to_string(format.block);
  if (format.nested_block > 0) {
    text += ", scales of 8 bits in blocks of " + std::to_string(format.nested_block);
  } else {
    text += std::string(", scales ") + corank::name_of(format.scale);
  }
  if (format.zeros) text += ", zeros";
  if (format.minimums) text += ", minimums";
  return text;
}

}  // namespace corank
