// The vector unit's program memory and instructions (INTERFACE.md).
#pragma once

#include <cstdint>

#include "rtl/interface/interface.h"
#include "sim/cycle/beat_memory.h"

namespace corank::cycle_model {

class ProgramMemory : public BeatMemory<std::uint64_t, interface::kProgramInstructions> {
 public:
  static constexpr std::uint64_t kInstructions = interface::kProgramInstructions;

  /// `index` below kInstructions.
  interface::VectorInstruction read(std::uint64_t index) const {
    return interface::decode_vector_instruction(word(index));
  }
};

}  // namespace corank::cycle_model
