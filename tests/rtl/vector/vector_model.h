// What a vector command means, in plain C++ and without a clock: the reference of the vector unit's
// tests.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "rtl/interface/interface.h"

namespace corank::vector_test {

/// One instruction; `stream` is 0..3, registers are 0..15.
struct Instruction {
  std::uint32_t opcode = 0;  // a number, so that it can be one without a meaning
  std::uint32_t destination = 0, a = 0, b = 0, c = 0;
  bool b_immediate = false, c_immediate = false;
  std::uint32_t stream = 0;
  std::uint32_t immediate = 0;
};

using Program = std::vector<Instruction>;

Instruction load(std::uint32_t destination, std::uint32_t stream);
Instruction store(std::uint32_t stream, std::uint32_t a);
Instruction binary(interface::VectorOpcode opcode, std::uint32_t destination, std::uint32_t a,
                   std::uint32_t b);
Instruction with_immediate(interface::VectorOpcode opcode, std::uint32_t destination,
                           std::uint32_t a, float b);
Instruction ternary(interface::VectorOpcode opcode, std::uint32_t destination, std::uint32_t a,
                    std::uint32_t b, std::uint32_t c);
Instruction square_root(std::uint32_t destination, std::uint32_t a);

/// The 64 bits that rtl/interface/interface.yaml gives an instruction.
std::uint64_t encode(const Instruction& instruction);

/// The words `stream0` .. `stream3` of a vector command.
struct Stream {
  std::uint32_t line = 0;
  bool accumulator = false, transposed = false, every_row_0 = false;
  std::uint32_t stride = 0;
};
std::uint32_t encode(const Stream& stream);  // without the stride
Stream stream_of(const interface::VectorCommand& command, std::uint32_t number);
void set_stream(interface::VectorCommand& command, std::uint32_t number, const Stream& stream);

/// Line l, column c is element l * lanes + c.
struct LocalMemories {
  std::vector<std::uint16_t> scratchpad;   // BF16
  std::vector<std::uint32_t> accumulator;  // FP32
};

/// Elements that went through each kind of operation.
using Counts = std::map<interface::Counter, std::int64_t>;

struct Shape {
  std::int64_t vector_lanes;     // columns of a beat
  std::int64_t lanes;            // elements of a line
  std::int64_t divide_interval;  // cycles from a division to the next
};

/// Executes the command strip by strip: 8 beats, each instruction for all of them before the next
/// one. Needs FloatEnvironment. Throws std::out_of_range for an element beyond a memory.
Counts interpret(const interface::VectorCommand& command, const Program& program,
                 const Shape& shape, LocalMemories& memories);

/// rows * ceil(columns / vector lanes)
std::int64_t beats(const interface::VectorCommand& command, const Shape& shape);
/// Cycles in which the unit is busy: every beat of every instruction takes its interval.
std::int64_t busy_cycles(const interface::VectorCommand& command, const Program& program,
                         const Shape& shape);
/// Cycles from acceptance to completion, the closed form in the header of vector_unit.sv.
std::int64_t duration(const interface::VectorCommand& command, const Program& program,
                      const Shape& shape);

}  // namespace corank::vector_test
