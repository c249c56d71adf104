#include "tests/host/compiler/quantized_load.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "models/base/numerics.h"
#include "models/quantized/storage_format.h"

namespace corank::test {
namespace {

using namespace interface;

template <class Command>
std::uint64_t address_of(const Command& c) {
  return std::uint64_t{c.address_hi} << 32 | c.address_lo;
}

template <class T>
T number_at(const std::vector<std::uint8_t>& memory, std::uint64_t address) {
  if (address + sizeof(T) > memory.size()) FAIL("beyond the memory: " << address);
  T number;
  std::memcpy(&number, memory.data() + address, sizeof number);
  return number;
}

std::uint64_t entry_bytes(const LoadQuantizedCommand& c) {
  const bool paired = c.zeros + c.minimums > 0;
  if (c.scale == kNumberNested) return 1;
  if (c.scale == kNumberFp32) return paired ? 8 : 4;
  return paired ? 4 : 2;
}

struct Entry {
  float scale = 0, minimum = 0;
  int zero = 0;
};

Entry entry_at(const LoadQuantizedCommand& c, const std::vector<std::uint8_t>& memory,
               std::uint64_t address, std::uint32_t nested, const DecoderTables& tables) {
  Entry entry;
  if (c.scale == kNumberNested) {
    const float product =
        tables.map[number_at<std::uint8_t>(memory, address)] * tables.nested[nested];
    entry.scale = product + float_from_bits(c.offset);
  } else if (c.scale == kNumberFp32) {
    entry.scale = number_at<float>(memory, address);
  } else {
    const auto bits = number_at<std::uint16_t>(memory, address);
    entry.scale = c.scale == kNumberBf16 ? widen(bits) : widen_f16(bits);
  }
  const std::uint64_t half = address + entry_bytes(c) / 2;
  if (c.minimums != 0) entry.minimum = widen_f16(number_at<std::uint16_t>(memory, half));
  entry.zero = static_cast<std::int8_t>(c.zero);
  if (c.zeros != 0) entry.zero = number_at<std::int8_t>(memory, half);
  return entry;
}

float level_of(const LoadQuantizedCommand& c, unsigned code, int zero) {
  if (c.element == kElementNf4) return (*levels_of(ElementCode::kNf4))[code];
  if (c.element == kElementFp4) return (*levels_of(ElementCode::kFp4))[code];
  const int integer =
      c.element == kElementSigned8 ? static_cast<std::int8_t>(code) : static_cast<int>(code);
  return static_cast<float>(integer - zero);
}

std::uint16_t element_of(const LoadQuantizedCommand& c, unsigned code, const Entry& entry) {
  float element = level_of(c, code, entry.zero) * entry.scale;
  if (c.arithmetic == kNumberFp16) element = widen_f16(round_to_f16(element));
  if (c.arithmetic == kNumberBf16) element = widen(round_to_bf16(element));
  return round_to_bf16(c.minimums != 0 ? element + entry.minimum : element);
}

}  // namespace

void DecoderTables::load(const LoadScalesCommand& c, const std::vector<std::uint8_t>& memory) {
  REQUIRE(address_of(c) % kPanelRowBytes == 0);
  for (std::uint32_t i = 0; i < c.rows * kPanelColumnsFp32; ++i) {
    float& place = c.to_map != 0 ? map.at(c.first + i) : nested.at(c.first + i);
    place = number_at<float>(memory, address_of(c) + i * sizeof(float));
  }
}

std::vector<std::uint16_t> quantized_load(const LoadQuantizedCommand& c,
                                          const std::vector<std::uint8_t>& memory,
                                          const DecoderTables& tables) {
  REQUIRE(address_of(c) % kPackedUnitBytes == 0);
  REQUIRE(c.panel_stride % kPackedUnitBytes == 0);
  const std::uint64_t record = entry_bytes(c) * (c.two_scales + 1);
  const std::uint64_t group = kPackedUnitBytes / record;
  const std::uint64_t code_bits = c.element == kElementSigned8 ? 8 : 4;
  const std::uint64_t row_bytes = 8 * code_bits;
  const std::uint32_t block = 1u << c.block_bits;
  std::vector<std::uint16_t> elements;
  for (std::uint32_t row = 0; row < c.rows; ++row) {
    for (std::uint32_t column = 0; column < c.columns; ++column) {
      const std::uint32_t panel = column / 64, j = column % 64;
      const std::uint64_t unit = address_of(c) + std::uint64_t{panel} * c.panel_stride +
                                 row / group * (kPackedUnitBytes + group * row_bytes);
      const std::uint32_t f = c.position + row * c.row_elements + 64 * panel;
      const bool second = c.two_scales != 0 && j >= block - f % block;
      const Entry entry =
          entry_at(c, memory, unit + row % group * record + (second ? entry_bytes(c) : 0),
                   (f + (second ? 64 : 0)) / kNestedElements % kDecoderNestedWords, tables);
      const std::uint64_t byte =
          unit + kPackedUnitBytes + row % group * row_bytes + j * code_bits / 8;
      const unsigned code = number_at<std::uint8_t>(memory, byte);
      elements.push_back(element_of(c, code_bits == 8 ? code : (code >> (j % 2 * 4)) & 15, entry));
    }
  }
  return elements;
}

}  // namespace corank::test
