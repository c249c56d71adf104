// The vector unit's program memory and instructions (rtl/vector/program_memory.sv, INTERFACE.md).
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "rtl/interface/interface.h"

namespace corank::cycle_model {

struct Instruction {
  std::uint32_t opcode = 0;
  std::uint32_t destination = 0, a = 0, b = 0;  // registers
  bool b_immediate = false;
  std::uint32_t stream = 0;
  std::uint32_t immediate = 0;

  bool legal() const {
    return opcode <= static_cast<std::uint32_t>(interface::VectorOpcode::kSquareRoot);
  }
  bool is(interface::VectorOpcode kind) const { return opcode == static_cast<std::uint32_t>(kind); }
};

class ProgramMemory {
 public:
  static constexpr std::uint64_t kInstructions = 256;

  /// What would lie beyond the end is dropped; indices have 16 bits.
  void write(std::uint64_t first, const std::uint8_t* bytes, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t index = (first + i) & 0xffffu;
      if (index < kInstructions) std::memcpy(&words_[index], bytes + 8 * i, 8);
    }
  }

  /// `index` below kInstructions.
  Instruction read(std::uint64_t index) const {
    const std::uint64_t word = words_[index];
    Instruction instruction;
    instruction.immediate = static_cast<std::uint32_t>(word);
    instruction.opcode = word >> 32 & 0xffu;
    instruction.destination = word >> 40 & 0xfu;
    instruction.a = word >> 44 & 0xfu;
    instruction.b = word >> 48 & 0xfu;
    instruction.b_immediate = (word >> 52 & 1u) != 0;
    instruction.stream = word >> 54 & 3u;
    return instruction;
  }

 private:
  std::array<std::uint64_t, kInstructions> words_{};
};

}  // namespace corank::cycle_model
