#include "models/quantized/decode.h"

#include <algorithm>
#include <array>
#include <vector>

#include "models/base/numerics.h"
#include "models/numerics/convert.h"

namespace corank {
namespace {

/// An element of scales or minimums, widened.
float number_at(const Tensor& tensor, std::int64_t i) {
  if (tensor.dtype == DType::F32) return tensor.data<float>()[i];
  const std::uint16_t bits = tensor.data<std::uint16_t>()[i];
  return tensor.dtype == DType::BF16 ? widen(bits) : widen_f16(bits);
}

/// A product of FP32, exact or rounded, to what the package multiplies in. (Level and scale of F16
/// or BF16 have an exact product in FP32: it is rounded once.)
float in_arithmetic(float product, DType arithmetic) {
  if (arithmetic == DType::F16) return widen_f16(round_to_f16(product));
  if (arithmetic == DType::BF16) return widen(round_to_bf16(product));
  return product;
}

int integer_of(ElementCode code, unsigned bits) {
  return code == ElementCode::kSigned8 ? static_cast<std::int8_t>(bits) : static_cast<int>(bits);
}

BlockScale block_scale(const QuantizedTensor& tensor, std::int64_t block) {
  const StorageFormat& format = tensor.format;
  BlockScale common;
  common.scale = scale_at(tensor, block);
  if (format.minimums) common.minimum = number_at(tensor.minimums, block);
  common.zero = format.zeros
                    ? integer_of(format.code, code_at(tensor.zeros, code_bits(format.code), block))
                    : format.zero;
  return common;
}

/// Codes of 4 bits, of which only 16 different elements come.
void decode_halves(const QuantizedTensor& tensor, const BlockScale& block, std::int64_t first,
                   std::int64_t count, float* out) {
  const std::vector<std::uint8_t>& codes = tensor.codes;
  std::array<float, 16> elements{};
  for (unsigned code = 0; code < 16; ++code)
    elements[code] = element_of(tensor.format, block, code);
  std::int64_t i = 0;
  if (first % 2 != 0) out[i++] = elements[code_at(codes, 4, first)];
  const std::uint8_t* bytes = codes.data() + (first + i) / 2;
  for (; i + 1 < count; i += 2, ++bytes) {
    out[i] = elements[*bytes & 0xFu];
    out[i + 1] = elements[*bytes >> 4];
  }
  if (i < count) out[i] = elements[code_at(codes, 4, first + i)];
}

/// Elements of one block.
void decode_block(const QuantizedTensor& tensor, std::int64_t block, std::int64_t first,
                  std::int64_t count, float* out) {
  const BlockScale common = block_scale(tensor, block);
  if (code_bits(tensor.format.code) == 4) return decode_halves(tensor, common, first, count, out);
  const std::uint8_t* codes = tensor.codes.data() + first;
  for (std::int64_t i = 0; i < count; ++i) out[i] = element_of(tensor.format, common, codes[i]);
}

}  // namespace

float element_of(const StorageFormat& format, const BlockScale& block, unsigned code) {
  const std::array<float, 16>* levels = levels_of(format.code);
  const float level = levels != nullptr
                          ? (*levels)[code]
                          : static_cast<float>(integer_of(format.code, code) - block.zero);
  const float product = in_arithmetic(level * block.scale, format.arithmetic);
  return canonical(format.minimums ? product + block.minimum : product);
}

float scale_at(const QuantizedTensor& tensor, std::int64_t i) {
  if (tensor.format.nested_block == 0) return number_at(tensor.scales, i);
  const std::uint8_t code = tensor.scales.data<std::uint8_t>()[i];
  const auto nested = static_cast<std::size_t>(i / tensor.format.nested_block);
  return nested_scale(tensor.nested_map[code], tensor.nested_scales[nested], tensor.offset);
}

void decode(const QuantizedTensor& tensor, std::int64_t first, std::int64_t count, float* out) {
  const FloatEnvironment environment;
  const StorageFormat& format = tensor.format;
  const std::int64_t columns = tensor.shape[1];
  const std::int64_t row_blocks = (columns + format.block - 1) / format.block;
  for (std::int64_t i = first; i < first + count;) {
    std::int64_t block = i / format.block, end = (block + 1) * format.block;
    if (format.blocks == Blocks::kAlongRow) {
      const std::int64_t row = i / columns, in_row = (i - row * columns) / format.block;
      block = row * row_blocks + in_row;
      end = row * columns + std::min((in_row + 1) * format.block, columns);
    }
    end = std::min(end, first + count);
    decode_block(tensor, block, i, end - i, out + (i - first));
    i = end;
  }
}

Tensor decoded(const QuantizedTensor& tensor, DType dtype) {
  const std::int64_t count = element_count(tensor.shape);
  if (dtype == DType::BF16) {  // piece by piece: what is wide stays in the cache
    Tensor rounded(dtype, tensor.shape);
    std::array<float, 4096> piece{};
    for (std::int64_t first = 0; first < count; first += piece.size()) {
      const auto size = std::min<std::int64_t>(piece.size(), count - first);
      decode(tensor, first, size, piece.data());
      std::transform(piece.begin(), piece.begin() + size, rounded.data<std::uint16_t>() + first,
                     round_to_bf16);
    }
    return rounded;
  }
  Tensor wide(DType::F32, tensor.shape);
  decode(tensor, 0, count, wide.data<float>());
  return dtype == DType::F32 ? wide : converted(wide, dtype);
}

}  // namespace corank
