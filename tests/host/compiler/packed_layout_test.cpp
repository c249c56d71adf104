#include "host/compiler/packed_layout.h"

#include <catch2/catch.hpp>
#include <random>

#include "models/base/numerics.h"
#include "models/quantized/decode.h"
#include "models/quantized/quantize.h"
#include "tests/host/compiler/quantized_load.h"

using namespace corank;
using namespace corank::interface;
using namespace corank::test;
using Catch::Contains;

namespace {

StorageFormat along_row(ElementCode code, std::int64_t block, DType scale) {
  StorageFormat format;
  format.code = code;
  format.blocks = Blocks::kAlongRow;
  format.block = block;
  format.scale = scale;
  return format;
}

StorageFormat flat(std::int64_t block) {
  StorageFormat format;
  format.block = block;
  return format;
}

StorageFormat nested() {
  StorageFormat format;
  format.scale = DType::U8;
  format.nested_block = 256;
  return format;
}

LoadQuantizedCommand fields_of(const StorageFormat& format, const Shape& shape) {
  const DeviceFormat device = device_format_of(format, shape);
  INFO(device.why_not);
  REQUIRE(device.fields);
  return *device.fields;
}

std::string refusal(const StorageFormat& format, const Shape& shape) {
  const DeviceFormat device = device_format_of(format, shape);
  CHECK_FALSE(device.fields);
  return device.why_not;
}

/// Of any format: random codes, and scales, zeros and minimums that are numbers.
QuantizedTensor random_tensor(const StorageFormat& format, const Shape& shape, std::mt19937& rng) {
  QuantizedTensor tensor(format, shape);
  std::uniform_int_distribution<int> byte(0, 255);
  std::uniform_real_distribution<float> number(0.01f, 0.5f);
  for (std::uint8_t& code : tensor.codes) code = static_cast<std::uint8_t>(byte(rng));
  for (std::uint8_t& zero : tensor.zeros) zero = static_cast<std::uint8_t>(byte(rng));
  for (std::int64_t i = 0; i < scale_count(format, shape); ++i) {
    const float scale = number(rng);
    if (format.scale == DType::F32) tensor.scales.data<float>()[i] = scale;
    if (format.scale == DType::F16) tensor.scales.data<std::uint16_t>()[i] = round_to_f16(scale);
    if (format.scale == DType::BF16) tensor.scales.data<std::uint16_t>()[i] = round_to_bf16(scale);
    if (format.scale == DType::U8)
      tensor.scales.data<std::uint8_t>()[i] = static_cast<std::uint8_t>(byte(rng));
    if (format.minimums) tensor.minimums.data<std::uint16_t>()[i] = round_to_f16(-number(rng));
  }
  for (float& scale : tensor.nested_scales) scale = number(rng);
  if (format.nested_block > 0) tensor.nested_map = dynamic_map();
  tensor.offset = format.nested_block > 0 ? number(rng) : 0;
  return tensor;
}

/// The part at (row, column) as a command for all of it decodes it.
std::vector<std::uint16_t> loaded(const QuantizedTensor& tensor, const PackedLayout& layout,
                                  std::int64_t row, std::int64_t column) {
  LoadQuantizedCommand command = layout.fields;
  command.offset = bits_of(tensor.offset);
  command.rows = static_cast<std::uint32_t>(layout.rows);
  command.columns = static_cast<std::uint32_t>(layout.columns);
  command.panel_stride = static_cast<std::uint32_t>(layout.panel_stride());
  DecoderTables tables;
  std::copy(tensor.nested_map.begin(), tensor.nested_map.end(), tables.map.begin());
  REQUIRE(tensor.nested_scales.size() <= tables.nested.size());
  std::copy(tensor.nested_scales.begin(), tensor.nested_scales.end(), tables.nested.begin());
  if (command.row_elements > 0)
    command.position = static_cast<std::uint32_t>(row * tensor.shape[1] + column);
  return quantized_load(command, pack(tensor, layout, row, column), tables);
}

std::vector<std::uint16_t> expected(const QuantizedTensor& tensor, const PackedLayout& layout,
                                    std::int64_t row, std::int64_t column) {
  const Tensor whole = decoded(tensor, DType::BF16);
  std::vector<std::uint16_t> part;
  for (std::int64_t i = 0; i < layout.rows; ++i)
    for (std::int64_t j = 0; j < layout.columns; ++j)
      part.push_back(whole.data<std::uint16_t>()[(row + i) * tensor.shape[1] + column + j]);
  return part;
}

}  // namespace

TEST_CASE("Four rows of 8 bits with FP32 scales: their scales in a unit, then a unit each") {
  // A scale a row takes 4 bytes, so a group has 16 rows; 66 columns are two panels.
  const Shape shape{4, 66};
  const LoadQuantizedCommand fields =
      fields_of(along_row(ElementCode::kSigned8, 66, DType::F32), shape);
  CHECK(group_rows(fields) == 16);
  const PackedLayout layout{fields, 4, 66, 4096};
  CHECK(layout.panel_stride() == 64 + 4 * 64);
  CHECK(layout.bytes() == 2 * (64 + 4 * 64));
  CHECK(layout.address_of(0, 64) == 4096 + 320);
  QuantizedTensor tensor(along_row(ElementCode::kSigned8, 66, DType::F32), shape);
  for (std::size_t i = 0; i < tensor.codes.size(); ++i)
    tensor.codes[i] = static_cast<std::uint8_t>(i);
  for (int row = 0; row < 4; ++row) tensor.scales.data<float>()[row] = 1 + row;
  const std::vector<std::uint8_t> bytes = pack(tensor, layout);
  // Row 2 of the first panel: its scale 3.0 (40400000), its codes from 132 on.
  CHECK(std::vector<int>(bytes.begin() + 8, bytes.begin() + 12) == std::vector<int>{0, 0, 64, 64});
  CHECK(bytes[64 + 2 * 64] == 132);
  CHECK(bytes[64 + 2 * 64 + 63] == 195);
  // Of the second panel: the same scale again, codes 196 and 197, and padding.
  CHECK(std::vector<int>(bytes.begin() + 328, bytes.begin() + 332) ==
        std::vector<int>{0, 0, 64, 64});
  CHECK(std::vector<int>(bytes.begin() + 320 + 192, bytes.begin() + 320 + 195) ==
        std::vector<int>{196, 197, 0});
}

TEST_CASE("Two groups of 32 along a row have two scales of 16 bits, the first one first") {
  const Shape shape{3, 64};
  StorageFormat format = along_row(ElementCode::kUnsigned4, 32, DType::BF16);
  format.zero = 8;
  const LoadQuantizedCommand fields = fields_of(format, shape);
  CHECK(fields.two_scales == 1);
  CHECK(fields.block_bits == 5);
  CHECK(fields.row_elements == 0);
  CHECK(fields.zero == 8);
  CHECK(group_rows(fields) == 16);
  // Three rows of 32 bytes are two units.
  CHECK(panel_bytes(fields, 3) == 64 + 2 * 64);
  QuantizedTensor tensor(format, shape);
  for (std::uint16_t i = 0; i < 6; ++i) tensor.scales.data<std::uint16_t>()[i] = 0x3f80 + i;
  put_code(tensor.codes, 4, 64, 5);   // row 1, column 0
  put_code(tensor.codes, 4, 127, 9);  // row 1, column 63
  const std::vector<std::uint8_t> bytes = pack(tensor, {fields, 3, 64, 0});
  CHECK(std::vector<int>(bytes.begin() + 4, bytes.begin() + 8) ==
        std::vector<int>{0x82, 0x3f, 0x83, 0x3f});
  CHECK(bytes[64 + 32] == 5);
  CHECK(bytes[64 + 63] == 0x90);
}

TEST_CASE("A zero or a minimum lies beside its scale") {
  const Shape shape{1, 64};
  StorageFormat format = along_row(ElementCode::kUnsigned4, 64, DType::F32);
  format.zeros = true;
  QuantizedTensor tensor(format, shape);
  tensor.scales.data<float>()[0] = 1;
  tensor.zeros[0] = 7;
  LoadQuantizedCommand fields = fields_of(format, shape);
  CHECK(record_bytes(fields) == 8);
  std::vector<std::uint8_t> bytes = pack(tensor, {fields, 1, 64, 0});
  CHECK(std::vector<int>(bytes.begin(), bytes.begin() + 8) ==
        std::vector<int>{0, 0, 0x80, 0x3f, 7, 0, 0, 0});
  format = along_row(ElementCode::kUnsigned4, 64, DType::F16);
  format.minimums = true;
  QuantizedTensor other(format, shape);
  other.scales.data<std::uint16_t>()[0] = 0x3c00;
  other.minimums.data<std::uint16_t>()[0] = 0xbc01;
  fields = fields_of(format, shape);
  CHECK(record_bytes(fields) == 4);
  bytes = pack(other, {fields, 1, 64, 0});
  CHECK(std::vector<int>(bytes.begin(), bytes.begin() + 4) == std::vector<int>{0, 0x3c, 1, 0xbc});
}

TEST_CASE("Where rows are no multiple of 64, blocks of 64 straddle them: two scales, by position") {
  const LoadQuantizedCommand straddling = fields_of(flat(64), {10, 100});
  CHECK(straddling.two_scales == 1);
  CHECK(straddling.block_bits == 6);
  CHECK(straddling.row_elements == 100);
  CHECK(group_rows(straddling) == 8);
  const LoadQuantizedCommand aligned = fields_of(flat(64), {10, 128});
  CHECK(aligned.two_scales == 0);
  CHECK(aligned.row_elements == 0);
  CHECK(group_rows(aligned) == 16);
}

TEST_CASE("Scales of 8 bits take a byte, and their nested scales whole rows of 128 bytes") {
  const LoadQuantizedCommand fields = fields_of(nested(), {100, 256});
  CHECK(record_bytes(fields) == 1);
  CHECK(group_rows(fields) == 64);
  CHECK(fields.row_elements == 256);
  CHECK(fields.block_bits == 6);
  CHECK(panel_bytes(fields, 100) == 64 * (2 + 50));
  // 25600 elements are 400 scales, which have 2 nested ones; 600000 have 37 of them.
  CHECK(nested_table_bytes(nested(), {100, 256}) == 128);
  CHECK(nested_table_bytes(nested(), {600, 1000}) == 256);
  CHECK(nested_table_bytes(flat(64), {600, 1000}) == 0);
  CHECK(pack_table({1.0f, 2.0f}).size() == 128);
  CHECK(pack_table({1.0f, 2.0f})[7] == 0x40);
}

TEST_CASE("A format that the accelerator does not decode is refused with what was expected") {
  const Shape shape{64, 192};
  CHECK(refusal(along_row(ElementCode::kUnsigned4, 16, DType::F16), shape) ==
        "expected blocks along a row of 32 elements, of a multiple of 64, or of whole rows, found "
        "16");
  CHECK_THAT(refusal(flat(96), {64, 100}), Contains("found blocks of 96 and rows of 100"));
  CHECK_THAT(refusal(flat(32), {64, 100}), Contains("found blocks of 32 and rows of 100"));
  StorageFormat format = nested();
  format.block = 128;
  CHECK_THAT(refusal(format, shape), Contains("found blocks of 128 in blocks of 256"));
  format = nested();
  CHECK_THAT(refusal(format, {64, 57345}), Contains("expected rows of at most 57344 elements"));
  format.zeros = true;
  CHECK_THAT(refusal(format, shape), Contains("expected no zeros beside scales of 8 bits"));
  format = along_row(ElementCode::kUnsigned4, 64, DType::F32);
  format.minimums = true;
  CHECK_THAT(refusal(format, shape), Contains("expected minimums beside scales of 16 bits"));
  format.zeros = true;
  CHECK(refusal(format, shape) == "expected zeros or minimums, found both");
}

TEST_CASE("Every part of every format is decoded to the elements of the reference") {
  std::vector<StorageFormat> formats{flat(64), flat(256), nested()};
  for (const ElementCode code : {ElementCode::kUnsigned4, ElementCode::kSigned8}) {
    for (const std::int64_t block : {32, 64, 128, 4096}) {
      for (const DType scale : {DType::F32, DType::F16, DType::BF16}) {
        StorageFormat format = along_row(code, block, scale);
        format.zero = code == ElementCode::kUnsigned4 ? 8 : 0;
        format.arithmetic = scale;
        formats.push_back(format);
        format.zeros = true;
        format.zero = 0;
        formats.push_back(format);
        format.zeros = false;
        format.minimums = true;
        format.arithmetic = DType::F32;
        if (scale != DType::F32) formats.push_back(format);
      }
    }
  }
  std::mt19937 rng(7);
  for (const StorageFormat& format : formats) {
    for (const Shape& shape : {Shape{130, 192}, Shape{77, 201}}) {
      INFO(to_string(format) << " of " << to_string(shape));
      const QuantizedTensor tensor = random_tensor(format, shape, rng);
      const LoadQuantizedCommand fields = fields_of(format, shape);
      const PackedLayout whole{fields, shape[0], shape[1], 0};
      CHECK(loaded(tensor, whole, 0, 0) == expected(tensor, whole, 0, 0));
      const PackedLayout part{fields, 13, shape[1] - 64, 0};  // as a tile that is streamed
      CHECK(loaded(tensor, part, 64, 64) == expected(tensor, part, 64, 64));
      const PackedLayout odd{fields, 5, 70, 0};
      CHECK(loaded(tensor, odd, 3, 64) == expected(tensor, odd, 3, 64));
    }
  }
}
