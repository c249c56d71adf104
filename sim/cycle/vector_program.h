// The vector unit's program memory and instructions (INTERFACE.md).
#pragma once

#include <cstdint>
#include <vector>

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

/// Instructions [first, end): executed for each strip of a group, or once.
struct VectorSection {
  std::size_t first = 0, end = 0;
  bool once = false;
};

/// What a command executes of its program.
struct VectorProgram {
  std::vector<interface::VectorInstruction> instructions;  // up to the first one that is illegal
  std::vector<VectorSection> sections;
  std::vector<std::size_t> section_of;  // each instruction
  bool whole = false;                   // none is illegal

  VectorProgram() = default;
  VectorProgram(const interface::VectorCommand& command, const ProgramMemory& memory) {
    bool follows = false;  // the section at hand has begun
    for (std::uint64_t i = 0; i < command.length; ++i) {
      const std::uint64_t index = command.first_instruction + i;
      if (index >= ProgramMemory::kInstructions) return;
      const interface::VectorInstruction instruction = memory.read(index);
      if (!interface::exists(instruction.opcode)) return;
      if (!follows) sections.push_back({instructions.size(), 0, false});
      instructions.push_back(instruction);
      section_of.push_back(sections.size() - 1);
      sections.back().end = instructions.size();
      sections.back().once = instruction.once;  // as its last one says
      follows = !instruction.section_end;
      // By rows, a section of strips is the last one.
      if (command.walk == interface::kWalkRows && !follows && !instruction.once) break;
    }
    whole = true;
  }
};

}  // namespace corank::cycle_model
