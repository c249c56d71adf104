// The program memory of the vector unit, as the commands of a step leave it.
#pragma once

#include <cstdint>
#include <vector>

#include "host/compiler/compiler.h"
#include "rtl/interface/interface.h"

namespace corank {

/// In the beginning it holds what it has room for: the programs may be loaded by somebody else.
class ProgramMemory {
 public:
  explicit ProgramMemory(const CompiledStep& step) : step_(step), words_(step.instructions) {
    words_.resize(interface::kProgramInstructions);
  }

  /// A load of target_program.
  void load(const interface::LoadCommand& c) {
    const std::uint64_t address = std::uint64_t{c.address_hi} << 32 | c.address_lo;
    const std::uint64_t first = (address - step_.program_address) / sizeof(std::uint64_t);
    const std::uint64_t count = c.rows * (interface::kPanelRowBytes / sizeof(std::uint64_t));
    for (std::uint64_t i = 0; i < count && first + i < step_.instructions.size(); ++i)
      if (c.line + i < words_.size()) words_[c.line + i] = step_.instructions[first + i];
  }
  /// `index` below kProgramInstructions.
  interface::VectorInstruction instruction(std::uint32_t index) const {
    return interface::decode_vector_instruction(words_.at(index));
  }

 private:
  const CompiledStep& step_;
  std::vector<std::uint64_t> words_;
};

}  // namespace corank
