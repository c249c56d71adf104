#include "host/compiler/vector_program.h"

#include "rtl/interface/interface.h"

namespace corank {

using interface::VectorOpcode;

std::int64_t cycles_per_beat(const VectorProgram& program) {
  constexpr std::int64_t kDivideInterval = 15;  // fp32_divide_sqrt.sv, two digits a cycle
  std::int64_t cycles = 0;
  for (const std::uint64_t instruction : program) {
    const auto opcode = static_cast<VectorOpcode>(instruction >> 32 & 0xff);
    const bool iterative = opcode == VectorOpcode::kDivide || opcode == VectorOpcode::kSquareRoot;
    cycles += iterative ? kDivideInterval : 1;
  }
  return cycles;
}

}  // namespace corank
