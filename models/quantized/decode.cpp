#include "models/quantized/decode.h"

#include <algorithm>
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

/// Elements of one block.
void decode_block(const QuantizedTensor& tensor, std::int64_t block, std::int64_t first,
                  std::int64_t count, float* out) {
  const StorageFormat& format = tensor.format;
  const int bits = code_bits(format.code);
  const std::array<float, 16>* levels = levels_of(format.code);
  const int zero =
      format.zeros ? integer_of(format.code, code_at(tensor.zeros, bits, block)) : format.zero;
  const float scale = scale_at(tensor, block);
  // Of 16 elements there are only 16 products.
  const auto element = [&](unsigned code) {
    const float level = levels != nullptr
                            ? (*levels)[code]
                            : static_cast<float>(integer_of(format.code, code) - zero);
    float value = in_arithmetic(level * scale, format.arithmetic);
    if (format.minimums) value = value + number_at(tensor.minimums, block);
    return canonical(value);
  };
  if (bits == 4 && count >= 16) {
    std::array<float, 16> elements{};
    for (unsigned code = 0; code < 16; ++code) elements[code] = element(code);
    for (std::int64_t i = 0; i < count; ++i) out[i] = elements[code_at(tensor.codes, 4, first + i)];
    return;
  }
  for (std::int64_t i = 0; i < count; ++i) out[i] = element(code_at(tensor.codes, bits, first + i));
}

}  // namespace

float scale_at(const QuantizedTensor& tensor, std::int64_t i) {
  if (tensor.format.nested_block == 0) return number_at(tensor.scales, i);
  const std::uint8_t code = tensor.scales.data<std::uint8_t>()[i];
  const auto nested = static_cast<std::size_t>(i / tensor.format.nested_block);
  return tensor.nested_map[code] * tensor.nested_scales[nested] + tensor.offset;
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
  Tensor elements(DType::F32, tensor.shape);
  decode(tensor, 0, element_count(tensor.shape), elements.data<float>());
  return dtype == DType::F32 ? elements : converted(elements, dtype);
}

}  // namespace corank
