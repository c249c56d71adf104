// What a vector command means, in plain C++ and without a clock: the reference of the vector unit's
// tests.
#pragma once

#include <cstdint>
#include <map>
#include <set>
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
  bool once = false, section_end = false, alternate = false, exchange = false;
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
/// The instructions as a section that is executed once.
Program once(Program section);
/// And as one that is executed for each strip.
Program strips(Program section);

/// The 64 bits that rtl/interface/interface.yaml gives an instruction.
std::uint64_t encode(const Instruction& instruction);

/// The words `stream0` .. `stream3` of a vector command.
struct Stream {
  std::uint32_t line = 0;
  bool accumulator = false, transposed = false, every_row_0 = false;
  std::uint32_t stride = 0;
  bool every_column_0 = false;
  std::uint32_t column = 0;
};
std::uint32_t encode(const Stream& stream);  // without stride and column
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

/// Executes commands strip by strip: each instruction for all beats before the next one. Registers
/// keep their words from command to command. Needs FloatEnvironment.
///
/// A word that means nothing (what a register was never given, lanes beyond a beat's) makes what is
/// computed of it mean nothing, and so what is stored.
class Interpreter {
 public:
  explicit Interpreter(const Shape& shape);

  /// Throws std::out_of_range for an element beyond a memory.
  Counts run(const interface::VectorCommand& command, const Program& program,
             LocalMemories& memories);

  /// Elements of the memories that mean nothing.
  const std::set<std::size_t>& undefined_scratchpad() const { return scratchpad_; }
  const std::set<std::size_t>& undefined_accumulator() const { return accumulator_; }

 private:
  struct Word {
    std::uint32_t bits = 0;
    bool defined = false;
  };
  using Register = std::vector<Word>;  // beat by beat

  struct Step;
  void execute(const Step& step, const interface::VectorCommand& command, LocalMemories& memories,
               Counts& counts);
  Word loaded(const Stream& stream, std::size_t place, const LocalMemories& memories) const;
  void store_word(const Stream& stream, std::size_t place, Word word, bool exact,
                  LocalMemories& memories);

  Shape shape_;
  std::vector<Register> registers_;
  std::set<std::size_t> scratchpad_, accumulator_;
};

/// Of a new Interpreter.
Counts interpret(const interface::VectorCommand& command, const Program& program,
                 const Shape& shape, LocalMemories& memories);

/// Cycles in which the unit is busy: every beat of every instruction takes its interval.
std::int64_t busy_cycles(const interface::VectorCommand& command, const Program& program,
                         const Shape& shape);
/// Cycles from acceptance to completion: 4 and every slot (header of vector_unit.sv).
std::int64_t duration(const interface::VectorCommand& command, const Program& program,
                      const Shape& shape);

}  // namespace corank::vector_test
