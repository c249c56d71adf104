#include "tests/rtl/decoder/packed_rows.h"

#include <algorithm>

#include "models/base/numerics.h"
#include "models/quantized/decode.h"
#include "rtl/interface/interface.h"
#include "tests/rtl/arithmetic/operands.h"

namespace corank::test {
namespace {

constexpr int kNestedBlock = interface::kNestedElements / 64;  // scales

std::uint32_t below(Random& random, std::uint32_t count) {
  return static_cast<std::uint32_t>(random() % count);
}

/// All random, few bits, or nearly all of them.
std::uint32_t random_fraction(Random& random, int width) {
  const std::uint32_t ones = (1u << width) - 1;
  const std::uint32_t all = static_cast<std::uint32_t>(random()) & ones;
  switch (below(random, 4)) {
    case 0:
      return all & ~(ones >> 3);
    case 1:
      return all | (ones & ~7u);
    default:
      return all;
  }
}

/// Exponents that a level of up to 255 takes to the edge of FP32's numbers, of FP16's, of FP16's
/// subnormal ones, and ordinary ones.
std::uint32_t random_fp32_about_edges(Random& random) {
  struct Range {
    std::uint32_t first, count;
  };
  constexpr std::array<Range, 5> kRanges{{{0, 12}, {92, 24}, {122, 10}, {132, 14}, {245, 10}}};
  const Range range = kRanges[below(random, kRanges.size())];
  const std::uint32_t exponent = range.first + below(random, range.count);
  return below(random, 2) << 31 | exponent << 23 | random_fraction(random, 23);
}

std::uint32_t random_fp32(Random& random) {
  static const std::vector<std::uint32_t> corners = fp32_corners();
  switch (below(random, 8)) {
    case 0:
      return corners[below(random, static_cast<std::uint32_t>(corners.size()))];
    case 1:
      return static_cast<std::uint32_t>(random());
    default:
      return random_fp32_about_edges(random);
  }
}

std::uint16_t random_fp16(Random& random) {
  // Zeros, subnormal numbers, the smallest normal one, the largest one, infinities, NaNs.
  constexpr std::array<std::uint16_t, 16> kCorners = {
      0x0000, 0x8000, 0x0001, 0x8001, 0x0200, 0x03FF, 0x83FF, 0x0400,
      0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7E00, 0xFFFF, 0x7C01, 0x3C00};
  switch (below(random, 8)) {
    case 0:
      return kCorners[below(random, kCorners.size())];
    case 1:
      return static_cast<std::uint16_t>(random());
    default:
      return static_cast<std::uint16_t>(below(random, 2) << 15 | below(random, 31) << 10 |
                                        random_fraction(random, 10));
  }
}

void fill(Tensor& tensor, Random& random) {
  const std::int64_t count = element_count(tensor.shape);
  for (std::int64_t i = 0; i < count; ++i) {
    switch (tensor.dtype) {
      case DType::F32:
        tensor.data<float>()[i] = float_from_bits(random_fp32(random));
        break;
      case DType::F16:
        tensor.data<std::uint16_t>()[i] = random_fp16(random);
        break;
      case DType::BF16:
        tensor.data<std::uint16_t>()[i] = static_cast<std::uint16_t>(random_fp32(random) >> 16);
        break;
      default:
        tensor.data<std::uint8_t>()[i] = static_cast<std::uint8_t>(random());
    }
  }
}

/// Some minimums are what a level makes of their scale, so that sums cancel, and the last bits of a
/// level count.
void fill_minimums(QuantizedTensor& tensor, Random& random) {
  fill(tensor.minimums, random);
  for (std::int64_t i = 0; i < element_count(tensor.minimums.shape); ++i) {
    const std::uint32_t code = below(random, 16);
    const auto* levels = levels_of(tensor.format.code);
    const float level = levels != nullptr ? (*levels)[code] : static_cast<float>(code);
    if (below(random, 2) == 0)
      tensor.minimums.data<std::uint16_t>()[i] = round_to_f16(-level * scale_at(tensor, i));
  }
}

/// Map, nested scales, and an offset that may cancel one of their products.
void fill_nested(QuantizedTensor& tensor, Random& random) {
  constexpr std::array<Region, 4> kRegions = {Region::Unit, Region::Unit, Region::OverflowEdge,
                                              Region::UnderflowEdge};
  const Region region = kRegions[below(random, kRegions.size())];
  const auto draw = [&](bool nested) {
    if (below(random, 8) == 0) return float_from_bits(random_fp32(random));
    const Fp32Pair pair = random_fp32_pair(region, random);
    return float_from_bits(nested ? pair.b : pair.a);
  };
  for (float& number : tensor.nested_map) number = draw(false);
  for (float& number : tensor.nested_scales) number = draw(true);
  const float product = tensor.nested_map[below(random, 256)] * tensor.nested_scales[0];
  switch (below(random, 4)) {
    case 0:
      tensor.offset = -product;
      break;
    case 1:
      tensor.offset = below(random, 2) == 0 ? 0.0f : -0.0f;
      break;
    default:
      tensor.offset = draw(false);
  }
}

std::uint64_t number_code(DType dtype) {
  if (dtype == DType::F16) return interface::kNumberFp16;
  if (dtype == DType::BF16) return interface::kNumberBf16;
  return dtype == DType::F32 ? interface::kNumberFp32 : interface::kNumberNested;
}

std::uint64_t element_code(ElementCode code) {
  switch (code) {
    case ElementCode::kNf4:
      return interface::kElementNf4;
    case ElementCode::kFp4:
      return interface::kElementFp4;
    case ElementCode::kUnsigned4:
      return interface::kElementUnsigned4;
    default:
      return interface::kElementSigned8;
  }
}

/// The bytes of a block's entry, as they lie in memory. Of a zero the lowest byte counts.
std::vector<std::uint8_t> entry_of(const QuantizedTensor& tensor, std::int64_t block,
                                   Random& random) {
  const StorageFormat& format = tensor.format;
  const auto size = static_cast<std::int64_t>(bytes_of(format.scale));
  const auto* scale = reinterpret_cast<const std::uint8_t*>(tensor.scales.bytes.data());
  std::vector<std::uint8_t> entry(scale + block * size, scale + (block + 1) * size);
  if (format.minimums) {
    const std::uint16_t minimum = tensor.minimums.data<std::uint16_t>()[block];
    entry.push_back(static_cast<std::uint8_t>(minimum & 0xFFu));
    entry.push_back(static_cast<std::uint8_t>(minimum >> 8));
  }
  if (format.zeros) {
    const unsigned zero = code_at(tensor.zeros, code_bits(format.code), block);
    entry.push_back(static_cast<std::uint8_t>(zero));
    while (static_cast<std::int64_t>(entry.size()) < 2 * size)
      entry.push_back(static_cast<std::uint8_t>(random()));
  }
  return entry;
}

}  // namespace

std::vector<PackedKind> packed_kinds(ElementCode code) {
  std::vector<PackedKind> kinds;
  for (const DType arithmetic : {DType::F32, DType::F16, DType::BF16}) {
    for (const bool two : {false, true}) {
      kinds.push_back({code, DType::U8, arithmetic, false, false, two});
      for (const DType scale : {DType::F32, DType::F16, DType::BF16}) {
        kinds.push_back({code, scale, arithmetic, false, false, two});
        kinds.push_back({code, scale, arithmetic, true, false, two});
        if (scale != DType::F32) kinds.push_back({code, scale, arithmetic, false, true, two});
      }
    }
  }
  return kinds;
}

std::string to_string(const PackedKind& kind) {
  StorageFormat format;
  format.code = kind.code;
  format.scale = kind.scale;
  format.nested_block = kind.scale == DType::U8 ? kNestedBlock : 0;
  format.zeros = kind.zeros;
  format.minimums = kind.minimums;
  return corank::to_string(format) + ", products in " + name_of(kind.arithmetic) +
         (kind.two_scales ? ", two scales a row" : ", one scale a row");
}

PackedMatrix random_matrix(const PackedKind& kind, Random& random) {
  const bool nested = kind.scale == DType::U8;
  StorageFormat format;
  format.code = kind.code;
  format.block = nested ? 64 : kind.two_scales ? 32 << below(random, 4) : 64 << below(random, 3);
  format.scale = kind.scale;
  format.nested_block = nested ? kNestedBlock : 0;
  format.arithmetic = kind.arithmetic;
  format.zeros = kind.zeros;
  format.zero = static_cast<int>(below(random, 256)) - 128;
  format.minimums = kind.minimums;

  PackedMatrix matrix;
  matrix.kind = kind;
  matrix.tensor =
      QuantizedTensor(format, {1, nested ? 6 * interface::kNestedElements : 50 * format.block});
  QuantizedTensor& tensor = matrix.tensor;
  for (std::uint8_t& code : tensor.codes) code = static_cast<std::uint8_t>(random());
  for (std::uint8_t& zero : tensor.zeros) zero = static_cast<std::uint8_t>(random());
  fill(tensor.scales, random);
  if (kind.minimums) fill_minimums(tensor, random);
  if (nested) fill_nested(tensor, random);
  matrix.position = static_cast<std::uint32_t>(random());
  if (nested) matrix.position &= ~static_cast<std::uint32_t>(interface::kNestedElements - 1);
  check(tensor, to_string(kind));
  return matrix;
}

std::uint64_t pack_format(const PackedMatrix& matrix, Random& random) {
  const StorageFormat& format = matrix.tensor.format;
  std::uint64_t block_bits = 0;
  while ((std::int64_t{1} << block_bits) < format.block) ++block_bits;
  const bool nested = format.nested_block > 0;
  const std::uint32_t offset =
      nested ? bits_of(matrix.tensor.offset) : static_cast<std::uint32_t>(random());
  const auto zero = static_cast<std::uint8_t>(format.zeros ? random() : format.zero);
  return element_code(format.code) << 51 | number_code(format.scale) << 49 |
         number_code(format.arithmetic) << 47 | std::uint64_t{format.zeros} << 46 |
         std::uint64_t{format.minimums} << 45 | std::uint64_t{matrix.kind.two_scales} << 44 |
         block_bits << 40 | std::uint64_t{zero} << 32 | offset;
}

PackedRow random_row(const PackedMatrix& matrix, Random& random) {
  const QuantizedTensor& tensor = matrix.tensor;
  const std::int64_t block = tensor.format.block, count = element_count(tensor.shape);
  // Blocks of 32 and a single scale a row want rows that begin with a block, or in its middle.
  const std::int64_t step = block == 32 ? 32 : matrix.kind.two_scales ? 1 : kRowElements;
  const std::int64_t room = count - block - kRowElements;
  std::int64_t first = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(room));
  if (tensor.format.nested_block > 0 && below(random, 2) == 0) {  // where nested scales change
    const std::int64_t border = interface::kNestedElements * (1 + below(random, 5));
    first = border - 128 + below(random, 192);
  }
  first -= first % step;

  PackedRow row;
  row.position = matrix.position + static_cast<std::uint32_t>(first);
  std::vector<std::uint8_t> record = entry_of(tensor, first / block, random);
  if (matrix.kind.two_scales) {
    const std::vector<std::uint8_t> second = entry_of(tensor, first / block + 1, random);
    record.insert(record.end(), second.begin(), second.end());
  }
  while (record.size() < 16) record.push_back(static_cast<std::uint8_t>(random()));
  for (std::size_t i = 0; i < 16; ++i) row.record[i / 4] |= std::uint32_t{record[i]} << (i % 4 * 8);

  std::array<float, kRowElements> elements{};
  decode(tensor, first, kRowElements, elements.data());
  for (int n = 0; n < kRowElements; ++n) {
    const auto i = static_cast<std::size_t>(n);
    row.codes[i] =
        static_cast<std::uint8_t>(code_at(tensor.codes, code_bits(tensor.format.code), first + n));
    row.elements[i] = round_to_bf16(elements[i]);
    if (matrix.kind.two_scales && first % block + n >= block) row.second |= std::uint64_t{1} << n;
  }
  return row;
}

}  // namespace corank::test
