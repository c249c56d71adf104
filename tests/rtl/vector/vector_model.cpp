#include "tests/rtl/vector/vector_model.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "models/base/numerics.h"

namespace corank::vector_test {
namespace {

using interface::Counter;
using interface::VectorCommand;
using interface::VectorOpcode;

constexpr std::int64_t kStripBeats = 8;
constexpr std::int64_t kRegisters = 16;

bool is(const Instruction& instruction, VectorOpcode opcode) {
  return instruction.opcode == static_cast<std::uint32_t>(opcode);
}

bool divides(const Instruction& instruction) {
  return is(instruction, VectorOpcode::kDivide) || is(instruction, VectorOpcode::kSquareRoot);
}

std::size_t element(const Stream& stream, std::int64_t row, std::int64_t column,
                    std::int64_t lanes) {
  const std::int64_t i = stream.every_row_0 ? 0 : row;
  const std::int64_t line = stream.transposed ? stream.line + i / lanes * stream.stride + column
                                              : stream.line + column / lanes * stream.stride + i;
  return static_cast<std::size_t>(line * lanes + (stream.transposed ? i : column) % lanes);
}

// maximum of IEEE 754-2019, by numbers that hold every FP32 number exactly; subnormals are zeros.
float maximum_of(float a, float b) {
  const auto number = [](float value) {
    const auto exact = static_cast<double>(value);
    return std::fabs(exact) < 0x1p-126 ? std::copysign(0.0, exact) : exact;
  };
  const double x = number(a), y = number(b);
  if (std::isnan(x) || std::isnan(y)) return float_from_bits(kCanonicalNanFp32);
  if (x == 0 && y == 0) return std::signbit(x) && std::signbit(y) ? -0.0f : 0.0f;
  return static_cast<float>(x < y ? y : x);
}

float compute(const Instruction& instruction, float a, float b) {
  switch (static_cast<VectorOpcode>(instruction.opcode)) {
    case VectorOpcode::kAdd:
      return canonical(a + b);
    case VectorOpcode::kSubtract:
      return canonical(a - b);
    case VectorOpcode::kMultiply:
      return canonical(a * b);
    case VectorOpcode::kDivide:
      return canonical(a / b);
    case VectorOpcode::kMaximum:
      return maximum_of(a, b);
    default:
      return canonical(std::sqrt(a));
  }
}

Counter counter(const Instruction& instruction) {
  switch (static_cast<VectorOpcode>(instruction.opcode)) {
    case VectorOpcode::kAdd:
    case VectorOpcode::kSubtract:
      return Counter::kVectorAdds;
    case VectorOpcode::kMultiply:
      return Counter::kVectorMultiplies;
    case VectorOpcode::kDivide:
      return Counter::kVectorDivides;
    case VectorOpcode::kMaximum:
      return Counter::kVectorMaximums;
    default:
      return Counter::kVectorSquareRoots;
  }
}

struct Element {
  std::int64_t row, column;
  std::size_t slot;  // place in a register
};

// The elements of each strip, in the order in which the beats have them.
std::vector<std::vector<Element>> strips(const VectorCommand& command, const Shape& shape) {
  std::vector<std::vector<Element>> result;
  std::int64_t beat = 0;
  for (std::int64_t row = 0; row < command.rows; ++row) {
    for (std::int64_t first = 0; first < command.columns; first += shape.vector_lanes, ++beat) {
      if (beat % kStripBeats == 0) result.emplace_back();
      const std::int64_t last = std::min<std::int64_t>(first + shape.vector_lanes, command.columns);
      for (std::int64_t column = first; column < last; ++column) {
        result.back().push_back(
            {row, column,
             static_cast<std::size_t>(beat % kStripBeats * shape.vector_lanes + column - first)});
      }
    }
  }
  return result;
}

}  // namespace

Instruction load(std::uint32_t destination, std::uint32_t stream) {
  Instruction instruction;
  instruction.opcode = static_cast<std::uint32_t>(VectorOpcode::kLoad);
  instruction.destination = destination;
  instruction.stream = stream;
  return instruction;
}

Instruction store(std::uint32_t stream, std::uint32_t a) {
  Instruction instruction;
  instruction.opcode = static_cast<std::uint32_t>(VectorOpcode::kStore);
  instruction.a = a;
  instruction.stream = stream;
  return instruction;
}

Instruction binary(VectorOpcode opcode, std::uint32_t destination, std::uint32_t a,
                   std::uint32_t b) {
  Instruction instruction;
  instruction.opcode = static_cast<std::uint32_t>(opcode);
  instruction.destination = destination;
  instruction.a = a;
  instruction.b = b;
  return instruction;
}

Instruction with_immediate(VectorOpcode opcode, std::uint32_t destination, std::uint32_t a,
                           float b) {
  Instruction instruction = binary(opcode, destination, a, 0);
  instruction.b_immediate = true;
  instruction.immediate = bits_of(b);
  return instruction;
}

Instruction square_root(std::uint32_t destination, std::uint32_t a) {
  return binary(VectorOpcode::kSquareRoot, destination, a, 0);
}

std::uint64_t encode(const Instruction& instruction) {
  return std::uint64_t{instruction.immediate} | std::uint64_t{instruction.opcode} << 32 |
         std::uint64_t{instruction.destination} << 40 | std::uint64_t{instruction.a} << 44 |
         std::uint64_t{instruction.b} << 48 | std::uint64_t{instruction.b_immediate} << 52 |
         std::uint64_t{instruction.stream} << 54;
}

std::uint32_t encode(const Stream& stream) {
  return stream.line | std::uint32_t{stream.accumulator} << 24 |
         std::uint32_t{stream.transposed} << 25 | std::uint32_t{stream.every_row_0} << 26;
}

Stream stream_of(const VectorCommand& command, std::uint32_t number) {
  const std::array<std::uint32_t, 4> places{command.stream0, command.stream1, command.stream2,
                                            command.stream3};
  const std::array<std::uint32_t, 4> strides{command.stride0, command.stride1, command.stride2,
                                             command.stride3};
  const std::uint32_t place = places.at(number);
  return {place & 0xFFFFFFu, (place >> 24 & 1u) != 0, (place >> 25 & 1u) != 0,
          (place >> 26 & 1u) != 0, strides.at(number)};
}

void set_stream(VectorCommand& command, std::uint32_t number, const Stream& stream) {
  const std::array<std::uint32_t*, 4> places{&command.stream0, &command.stream1, &command.stream2,
                                             &command.stream3};
  const std::array<std::uint32_t*, 4> strides{&command.stride0, &command.stride1, &command.stride2,
                                              &command.stride3};
  *places.at(number) = encode(stream);
  *strides.at(number) = stream.stride;
}

Counts interpret(const VectorCommand& command, const Program& program, const Shape& shape,
                 LocalMemories& memories) {
  Counts counts;
  using Register = std::vector<std::uint32_t>;  // FP32 bits: moves must not touch a NaN
  std::vector<Register> registers(
      kRegisters, Register(static_cast<std::size_t>(kStripBeats * shape.vector_lanes)));
  for (const std::vector<Element>& strip : strips(command, shape)) {
    for (const Instruction& instruction : program) {
      const Stream stream = stream_of(command, instruction.stream);
      for (const Element& e : strip) {
        std::uint32_t& destination = registers.at(instruction.destination)[e.slot];
        const std::uint32_t a = registers.at(instruction.a)[e.slot];
        const std::uint32_t b =
            instruction.b_immediate ? instruction.immediate : registers.at(instruction.b)[e.slot];
        const std::size_t place = element(stream, e.row, e.column, shape.lanes);
        if (is(instruction, VectorOpcode::kLoad)) {
          destination = stream.accumulator ? memories.accumulator.at(place)
                                           : bits_of(widen(memories.scratchpad.at(place)));
        } else if (is(instruction, VectorOpcode::kStore)) {
          if (stream.accumulator) {
            memories.accumulator.at(place) = a;
          } else {
            memories.scratchpad.at(place) = round_to_bf16(float_from_bits(a));
            ++counts[Counter::kVectorRoundings];
          }
        } else {
          destination = bits_of(compute(instruction, float_from_bits(a), float_from_bits(b)));
          ++counts[counter(instruction)];
        }
      }
    }
  }
  return counts;
}

std::int64_t beats(const VectorCommand& command, const Shape& shape) {
  return command.rows * ((command.columns + shape.vector_lanes - 1) / shape.vector_lanes);
}

std::int64_t busy_cycles(const VectorCommand& command, const Program& program, const Shape& shape) {
  std::int64_t intervals = 0;
  for (const Instruction& instruction : program) {
    intervals += divides(instruction) ? shape.divide_interval : 1;
  }
  return beats(command, shape) * intervals;
}

std::int64_t duration(const VectorCommand& command, const Program& program, const Shape& shape) {
  const std::int64_t rest = beats(command, shape) % kStripBeats;
  const std::int64_t empty = rest >= 1 && rest <= 4 ? 5 - rest : 0;
  return 4 + busy_cycles(command, program, shape) +
         empty * static_cast<std::int64_t>(program.size());
}

}  // namespace corank::vector_test
