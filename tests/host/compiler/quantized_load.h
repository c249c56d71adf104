// What a load_quantized makes of the bytes of device memory: said once more, from the text of the
// interface alone (rtl/interface/INTERFACE.md), sharing nothing with what packs them.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "rtl/interface/interface.h"

namespace corank::test {

/// The tables of the decoder, which load_scales writes.
struct DecoderTables {
  std::array<float, interface::kDecoderMapWords> map{};
  std::array<float, interface::kDecoderNestedWords> nested{};

  void load(const interface::LoadScalesCommand& c, const std::vector<std::uint8_t>& memory);
};

/// Bits of the BF16 elements of the block, row after row.
std::vector<std::uint16_t> quantized_load(const interface::LoadQuantizedCommand& c,
                                          const std::vector<std::uint8_t>& memory,
                                          const DecoderTables& tables);

}  // namespace corank::test
