#include "models/quantized/quantize.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "models/base/error.h"
#include "models/base/numerics.h"

namespace corank {
namespace {

constexpr float kLeast = 1e-38f;  // in place of a largest magnitude of 0

/// Levels in ascending order, their codes, and the midpoints between neighbours.
struct Ladder {
  std::vector<unsigned> codes;
  std::vector<float> midpoints;
};

template <class Levels>
Ladder ladder_of(const Levels& levels) {
  Ladder ladder;
  ladder.codes.resize(levels.size());
  std::iota(ladder.codes.begin(), ladder.codes.end(), 0u);
  std::stable_sort(ladder.codes.begin(), ladder.codes.end(),
                   [&](unsigned a, unsigned b) { return levels[a] < levels[b]; });
  for (std::size_t i = 0; i + 1 < levels.size(); ++i)
    ladder.midpoints.push_back((levels[ladder.codes[i]] + levels[ladder.codes[i + 1]]) / 2);
  return ladder;
}

/// torch.bucketize: how many midpoints are below.
unsigned code_of(const Ladder& ladder, float number) {
  const auto at = std::lower_bound(ladder.midpoints.begin(), ladder.midpoints.end(), number);
  return ladder.codes[static_cast<std::size_t>(at - ladder.midpoints.begin())];
}

float largest_magnitude(const float* numbers, std::int64_t count) {
  float largest = 0;
  for (std::int64_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(numbers[i]));
  return largest;
}

/// Calls put(i, code) for each number, and gives the scales of the blocks. A whole block is
/// multiplied, the last one, if it is shorter, divided.
template <class Put>
std::vector<float> quantize_blocks(const float* numbers, std::int64_t count, std::int64_t block,
                                   const Ladder& ladder, const Put& put) {
  std::vector<float> scales;
  for (std::int64_t first = 0; first < count; first += block) {
    const std::int64_t size = std::min(block, count - first);
    float largest = largest_magnitude(numbers + first, size);
    const float divisor = std::max(largest, kLeast), reciprocal = 1.0f / divisor;
    if (size < block) largest = divisor;
    scales.push_back(largest);
    for (std::int64_t i = first; i < first + size; ++i) {
      const float scaled = size == block ? numbers[i] * reciprocal : numbers[i] / divisor;
      put(i, code_of(ladder, std::clamp(scaled, -1.0f, 1.0f)));
    }
  }
  return scales;
}

/// Scales less their mean, as codes.
void quantize_scales(std::vector<float> scales, QuantizedTensor& tensor) {
  const double sum = std::accumulate(scales.begin(), scales.end(), 0.0);
  tensor.offset = static_cast<float>(sum / static_cast<double>(scales.size()));
  for (float& scale : scales) scale = scale - tensor.offset;
  tensor.nested_map = dynamic_map();
  auto* codes = tensor.scales.data<std::uint8_t>();
  tensor.nested_scales = quantize_blocks(
      scales.data(), static_cast<std::int64_t>(scales.size()), tensor.format.nested_block,
      ladder_of(tensor.nested_map),
      [&](std::int64_t i, unsigned code) { codes[i] = static_cast<std::uint8_t>(code); });
}

void quantize_levels(const float* numbers, QuantizedTensor& tensor) {
  const std::vector<float> scales =
      quantize_blocks(numbers, element_count(tensor.shape), tensor.format.block,
                      ladder_of(*levels_of(tensor.format.code)),
                      [&](std::int64_t i, unsigned code) { put_code(tensor.codes, 4, i, code); });
  if (tensor.format.nested_block > 0) return quantize_scales(scales, tensor);
  std::copy(scales.begin(), scales.end(), tensor.scales.data<float>());
}

void quantize_rows(const float* numbers, QuantizedTensor& tensor) {
  const std::int64_t columns = tensor.shape[1];
  std::vector<float> row(static_cast<std::size_t>(columns));
  for (std::int64_t n = 0; n < tensor.shape[0]; ++n) {
    for (std::int64_t k = 0; k < columns; ++k)
      row[static_cast<std::size_t>(k)] = widen_f16(round_to_f16(numbers[n * columns + k]));
    const float largest = largest_magnitude(row.data(), columns);
    tensor.scales.data<float>()[n] = largest * (1.0f / 127.0f);
    if (largest == 0) continue;  // codes of 0
    const float factor = 127.0f / largest;
    for (std::int64_t k = 0; k < columns; ++k)
      tensor.codes[static_cast<std::size_t>(n * columns + k)] = static_cast<std::uint8_t>(
          static_cast<int>(std::nearbyint(row[static_cast<std::size_t>(k)] * factor)));
  }
}

void quantize_groups(const float* numbers, QuantizedTensor& tensor) {
  constexpr float kEps = 0x1p-7f;  // of BF16: the scale of a group of zeros
  const auto in_bf16 = [](float number) { return widen(round_to_bf16(number)); };
  const std::int64_t columns = tensor.shape[1], block = tensor.format.block;
  std::int64_t group = 0;
  for (std::int64_t n = 0; n < tensor.shape[0]; ++n) {
    for (std::int64_t first = 0; first < columns; first += block, ++group) {
      const std::int64_t begin = n * columns + first, size = std::min(block, columns - first);
      float scale = in_bf16(in_bf16(largest_magnitude(numbers + begin, size)) / 7.5f);
      if (scale == 0) scale = kEps;
      tensor.scales.data<std::uint16_t>()[group] = round_to_bf16(scale);
      for (std::int64_t i = begin; i < begin + size; ++i) {
        const float code = std::clamp(in_bf16(in_bf16(numbers[i]) / scale), -8.0f, 7.0f);
        put_code(tensor.codes, 4, i, static_cast<unsigned>(std::nearbyint(code) + 8));
      }
    }
  }
}

}  // namespace

const char* name_of(Quantizer quantizer) {
  switch (quantizer) {
    case Quantizer::kNone:
      return "none";
    case Quantizer::kNf4:
      return "nf4";
    case Quantizer::kNf4Dq:
      return "nf4-dq";
    case Quantizer::kFp4:
      return "fp4";
    case Quantizer::kFp4Dq:
      return "fp4-dq";
    case Quantizer::kInt8:
      return "int8";
    case Quantizer::kInt4Group32:
      return "int4-group32";
    case Quantizer::kInt4Group64:
      return "int4-group64";
    case Quantizer::kInt4Group128:
      return "int4-group128";
  }
  return "";  // not reached: all stand above
}

const std::vector<Quantizer>& quantizers() {
  static const std::vector<Quantizer> all = {
      Quantizer::kNone,        Quantizer::kNf4,         Quantizer::kNf4Dq,
      Quantizer::kFp4,         Quantizer::kFp4Dq,       Quantizer::kInt8,
      Quantizer::kInt4Group32, Quantizer::kInt4Group64, Quantizer::kInt4Group128};
  return all;
}

StorageFormat format_of(Quantizer quantizer, const Shape& shape) {
  StorageFormat format;
  switch (quantizer) {
    case Quantizer::kFp4:
    case Quantizer::kFp4Dq:
      format.code = ElementCode::kFp4;
      break;
    case Quantizer::kInt8:
      format.code = ElementCode::kSigned8;
      format.blocks = Blocks::kAlongRow;
      format.block = shape.at(1);
      break;
    case Quantizer::kInt4Group32:
    case Quantizer::kInt4Group64:
    case Quantizer::kInt4Group128:
      format.code = ElementCode::kUnsigned4;
      format.blocks = Blocks::kAlongRow;
      format.block = quantizer == Quantizer::kInt4Group32   ? 32
                     : quantizer == Quantizer::kInt4Group64 ? 64
                                                            : 128;
      format.scale = format.arithmetic = DType::BF16;
      format.zero = 8;
      break;
    default:
      break;
  }
  if (quantizer == Quantizer::kNf4Dq || quantizer == Quantizer::kFp4Dq) {
    format.scale = DType::U8;
    format.nested_block = 256;
  }
  return format;
}

QuantizedTensor quantize(const Tensor& weight, Quantizer quantizer) {
  const auto* numbers = weight.data<float>();
  const std::int64_t count = element_count(weight.shape);
  if (!std::all_of(numbers, numbers + count, [](float x) { return std::isfinite(x); }))
    throw InputError(std::string("quantize: ") + name_of(quantizer) +
                     ": expected finite numbers, found others");
  QuantizedTensor tensor(format_of(quantizer, weight.shape), weight.shape);
  if (levels_of(tensor.format.code) != nullptr) {
    quantize_levels(numbers, tensor);
  } else if (tensor.format.code == ElementCode::kSigned8) {
    quantize_rows(numbers, tensor);
  } else {
    quantize_groups(numbers, tensor);
  }
  return tensor;
}

std::vector<float> dynamic_map() {
  constexpr int kExponents = 7;
  std::vector<float> map = {0.0f, 1.0f};
  for (int i = 0; i < kExponents; ++i) {
    // torch.linspace(0.1, 1, 2^i + 1) in FP32, whose second half is counted from the end, with
    // fused multiply-adds, as its kernels for vectors have them.
    const int steps = 1 << i;
    const float step = (1.0f - 0.1f) / static_cast<float>(steps);
    const auto boundary = [&](int j) {
      return j < (steps + 1) / 2 ? std::fma(step, static_cast<float>(j), 0.1f)
                                 : std::fma(-step, static_cast<float>(steps - j), 1.0f);
    };
    const auto power = static_cast<float>(std::pow(10.0, i - (kExponents - 1)));
    for (int j = 0; j < steps; ++j) {
      const float mean = power * ((boundary(j) + boundary(j + 1)) / 2.0f);
      map.push_back(mean);
      map.push_back(-mean);
    }
  }
  std::sort(map.begin(), map.end());
  return map;
}

}  // namespace corank
