#include "host/compiler/packed_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "host/compiler/ceil_div.h"

namespace corank {
namespace {

using namespace interface;

constexpr std::int64_t kUnit = kPackedUnitBytes;

// Of blocks of 64 elements, which nested scales have, and which is said where nobody asks for it.
constexpr std::uint32_t kBlockBitsOf64 = 6, kLeastBlockBits = 5, kMostBlockBits = 15;

// So that the nested scales of kPackedRows rows find room in the decoder's table, from a row of
// memory on: 64 rows of n columns have n / 256 of them and one more, behind up to 31 others.
constexpr std::int64_t kMostNestedColumns =
    (kDecoderNestedWords - kPanelColumnsFp32) * (kNestedElements / kPackedRows);

std::uint32_t element_of(ElementCode code) {
  switch (code) {
    case ElementCode::kNf4:
      return kElementNf4;
    case ElementCode::kFp4:
      return kElementFp4;
    case ElementCode::kUnsigned4:
      return kElementUnsigned4;
    case ElementCode::kSigned8:
      return kElementSigned8;
  }
  return 0;  // not reached: all stand above
}

std::uint32_t number_of(DType dtype) {
  if (dtype == DType::F16) return kNumberFp16;
  return dtype == DType::BF16 ? kNumberBf16 : kNumberFp32;
}

// 0: it is no power of two that the decoder knows.
std::uint32_t block_bits_of(std::int64_t block) {
  for (std::uint32_t bits = kLeastBlockBits; bits <= kMostBlockBits; ++bits)
    if (std::int64_t{1} << bits == block) return bits;
  return 0;
}

std::string why_not_parts(const StorageFormat& f) {
  if (f.zeros && f.minimums) return "expected zeros or minimums, found both";
  if (f.minimums && f.scale != DType::F16 && f.scale != DType::BF16)
    return "expected minimums beside scales of 16 bits, found scales " +
           std::string(f.nested_block > 0 ? "of 8 bits" : "F32");
  if (f.zeros && f.nested_block > 0) return "expected no zeros beside scales of 8 bits, found some";
  constexpr int kLeast = -128, kMost = 127;  // of 8 bits
  if (f.zero < kLeast || f.zero > kMost)
    return fmt::format("expected a zero from {} to {}, found {}", kLeast, kMost, f.zero);
  return "";
}

std::string why_not_nested(const StorageFormat& f, std::int64_t columns) {
  if (f.blocks != Blocks::kFlat || f.block != 64 || f.nested_block != kNestedElements / 64)
    return fmt::format(
        "expected scales of 8 bits for blocks of 64 elements one after the other, in blocks of {} "
        "scales, found blocks of {}{} in blocks of {}",
        kNestedElements / 64, f.block, f.blocks == Blocks::kFlat ? "" : " along a row",
        f.nested_block);
  if (columns > kMostNestedColumns)
    return fmt::format("expected rows of at most {} elements with scales of 8 bits, found {}",
                       kMostNestedColumns, columns);
  return "";
}

// How the scales of blocks meet the rows of panels; what is refused has a text.
struct Meeting {
  bool two_scales = false;
  bool by_position = false;  // an element's scale is up to its place in the whole weight
  std::uint32_t block_bits = kBlockBitsOf64;
  std::string why_not = {};
};

Meeting meeting_along_row(std::int64_t block, std::int64_t columns) {
  if (block >= columns || block % kPanelColumns == 0) return {};
  if (block == kPanelColumns / 2) return {true, false, block_bits_of(block)};
  return {false, false, 0,
          fmt::format("expected blocks along a row of 32 elements, of a multiple of {}, or of "
                      "whole rows, found {}",
                      kPanelColumns, block)};
}

Meeting meeting_of_flat(std::int64_t block, const Shape& shape) {
  const std::int64_t columns = shape[1];
  if (block >= element_count(shape)) return {};
  if (columns % kPanelColumns == 0 && block % kPanelColumns == 0) return {};
  const std::uint32_t bits = block_bits_of(block);
  if (block == kPanelColumns / 2 && columns % block == 0) return {true, false, bits};
  if (block >= kPanelColumns && bits != 0) return {true, true, bits};
  return {false, false, 0,
          fmt::format("expected blocks of a power of two from 64 to {} elements, of a multiple of "
                      "{} where rows are one, too, or of 32 where rows are a multiple of that, "
                      "found blocks of {} and rows of {}",
                      1 << kMostBlockBits, kPanelColumns, block, columns)};
}

// Where the scales of a row of a panel are, by which of its two entries.
struct Scales {
  std::int64_t first = 0, end = 0;  // `end`: the first one behind those that it can have
};

Scales scales_of(const QuantizedTensor& tensor, std::int64_t row, std::int64_t column) {
  const StorageFormat& format = tensor.format;
  const std::int64_t columns = tensor.shape[1];
  if (format.blocks == Blocks::kFlat)
    return {(row * columns + column) / format.block, scale_count(format, tensor.shape)};
  const std::int64_t of_row = ceil_div(columns, format.block);
  return {row * of_row + column / format.block, (row + 1) * of_row};
}

// A scale with its zero or minimum.
void put_entry(const QuantizedTensor& tensor, std::int64_t scale, std::uint8_t* to) {
  const std::size_t size = bytes_of(tensor.format.scale);
  std::memcpy(to, tensor.scales.bytes.data() + static_cast<std::size_t>(scale) * size, size);
  if (tensor.format.zeros)
    to[size] =
        static_cast<std::uint8_t>(code_at(tensor.zeros, code_bits(tensor.format.code), scale));
  if (tensor.format.minimums)
    std::memcpy(to + size, tensor.minimums.data<std::uint16_t>() + scale, sizeof(std::uint16_t));
}

void put_record(const QuantizedTensor& tensor, const LoadQuantizedCommand& fields, std::int64_t row,
                std::int64_t column, std::uint8_t* to) {
  const Scales scales = scales_of(tensor, row, column);
  put_entry(tensor, scales.first, to);
  if (fields.two_scales != 0 && scales.first + 1 < scales.end)
    put_entry(tensor, scales.first + 1, to + record_bytes(fields) / 2);
}

// Codes from element `first` of the tensor on.
void put_codes(const QuantizedTensor& tensor, std::int64_t first, std::int64_t count,
               std::uint8_t* to) {
  const int bits = code_bits(tensor.format.code);
  if (bits == 8) {
    std::copy_n(tensor.codes.begin() + first, count, to);
    return;
  }
  std::int64_t i = 0;
  if (first % 2 == 0) {  // whole bytes
    i = count / 2 * 2;
    std::copy_n(tensor.codes.begin() + first / 2, count / 2, to);
  }
  for (; i < count; ++i)
    to[i / 2] = static_cast<std::uint8_t>(to[i / 2] | code_at(tensor.codes, bits, first + i)
                                                          << (i % 2 * 4));
}

std::int64_t row_bytes(const LoadQuantizedCommand& fields) {
  return fields.element == kElementSigned8 ? kUnit : kUnit / 2;
}

}  // namespace

DeviceFormat device_format_of(const StorageFormat& format, const Shape& shape) {
  const bool nested = format.nested_block > 0;
  std::string why_not = why_not_parts(format);
  if (why_not.empty() && nested) why_not = why_not_nested(format, shape[1]);
  const Meeting meeting = format.blocks == Blocks::kFlat
                              ? meeting_of_flat(format.block, shape)
                              : meeting_along_row(format.block, shape[1]);
  if (why_not.empty()) why_not = meeting.why_not;
  if (!why_not.empty()) return {std::nullopt, why_not};
  LoadQuantizedCommand fields;
  fields.element = element_of(format.code);
  fields.scale = nested ? static_cast<std::uint32_t>(kNumberNested) : number_of(format.scale);
  fields.arithmetic = number_of(format.arithmetic);
  fields.zeros = format.zeros;
  fields.minimums = format.minimums;
  fields.two_scales = meeting.two_scales;
  fields.block_bits = meeting.block_bits;
  if (!format.zeros) fields.zero = static_cast<std::uint8_t>(format.zero);
  if (meeting.by_position || nested) fields.row_elements = static_cast<std::uint32_t>(shape[1]);
  return {fields, ""};
}

std::int64_t record_bytes(const LoadQuantizedCommand& fields) {
  const std::int64_t scale = is_nested(fields) ? 1 : fields.scale == kNumberFp32 ? 4 : 2;
  const bool paired = fields.zeros != 0 || fields.minimums != 0;
  return scale * (paired ? 2 : 1) * (fields.two_scales != 0 ? 2 : 1);
}

std::int64_t group_rows(const LoadQuantizedCommand& fields) { return kUnit / record_bytes(fields); }

std::int64_t panel_bytes(const LoadQuantizedCommand& fields, std::int64_t rows) {
  return kUnit * (ceil_div(rows, group_rows(fields)) + ceil_div(rows * row_bytes(fields), kUnit));
}

std::int64_t loaded_bytes(const LoadQuantizedCommand& command) {
  return ceil_div(command.columns, kPanelColumns) * panel_bytes(command, command.rows);
}

std::vector<std::uint8_t> pack(const QuantizedTensor& tensor, const PackedLayout& layout,
                               std::int64_t row, std::int64_t column) {
  std::vector<std::uint8_t> bytes(layout.bytes());
  const std::int64_t group = group_rows(layout.fields);
  for (std::int64_t panel = 0; panel < layout.columns; panel += kPanelColumns) {
    const std::int64_t width = std::min(kPanelColumns, layout.columns - panel);
    for (std::int64_t i = 0; i < layout.rows; ++i) {
      std::uint8_t* unit =
          bytes.data() + layout.address_of(i / group * group, panel) - layout.address;
      put_record(tensor, layout.fields, row + i, column + panel,
                 unit + i % group * record_bytes(layout.fields));
      put_codes(tensor, (row + i) * tensor.shape[1] + column + panel, width,
                unit + kUnit + i % group * row_bytes(layout.fields));
    }
  }
  return bytes;
}

std::uint64_t nested_table_bytes(const StorageFormat& format, const Shape& shape) {
  const auto bytes = nested_scale_count(format, shape) * static_cast<std::int64_t>(sizeof(float));
  return static_cast<std::uint64_t>(ceil_div(bytes, std::int64_t{kPanelRowBytes}) * kPanelRowBytes);
}

std::vector<std::uint8_t> pack_table(const std::vector<float>& numbers) {
  const auto row = static_cast<std::size_t>(kPanelRowBytes);
  const std::size_t size = numbers.size() * sizeof(float);
  std::vector<std::uint8_t> bytes((size + row - 1) / row * row);
  std::memcpy(bytes.data(), numbers.data(), size);
  return bytes;
}

}  // namespace corank
