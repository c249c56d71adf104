// The vector unit's program memory and instructions (rtl/vector/program_memory.sv, INTERFACE.md).
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "rtl/interface/interface.h"

namespace corank::cycle_model {

class ProgramMemory {
 public:
  static constexpr std::uint64_t kInstructions = interface::kProgramInstructions;

  /// What would lie beyond the end is dropped; indices have 16 bits.
  void write(std::uint64_t first, const std::uint8_t* bytes, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t index = (first + i) & 0xffffu;
      if (index < kInstructions) std::memcpy(&words_[index], bytes + 8 * i, 8);
    }
  }

  /// `index` below kInstructions.
  interface::VectorInstruction read(std::uint64_t index) const {
    return interface::decode_vector_instruction(words_[index]);
  }

 private:
  std::array<std::uint64_t, kInstructions> words_{};
};

}  // namespace corank::cycle_model
