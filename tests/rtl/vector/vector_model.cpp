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

// A double holds every FP32 number and every integer of 32 bits exactly. Subnormals are zeros.
double number(std::uint32_t word) {
  const auto exact = static_cast<double>(float_from_bits(word));
  return std::fabs(exact) < 0x1p-126 ? std::copysign(0.0, float_from_bits(word)) : exact;
}

std::int64_t integer(std::uint32_t word) { return static_cast<std::int32_t>(word); }

std::uint32_t fp32(double exact) { return bits_of(canonical(static_cast<float>(exact))); }

std::uint32_t mask(bool holds) { return holds ? 0xFFFFFFFFu : 0u; }

// maximum of IEEE 754-2019.
double maximum_of(double x, double y) {
  if (std::isnan(x) || std::isnan(y)) return std::nan("");
  if (x == 0 && y == 0) return std::signbit(x) && std::signbit(y) ? -0.0 : 0.0;
  return x < y ? y : x;
}

std::uint32_t scaled(std::uint32_t a, std::uint32_t b) {
  // No number stays within the range beyond a power of 300.
  const auto power = static_cast<int>(std::clamp<std::int64_t>(integer(b), -300, 300));
  const double exact = std::ldexp(number(a), power);
  if (std::isinf(exact) || std::fabs(exact) >= 0x1p128) return fp32(std::copysign(HUGE_VAL, exact));
  return fp32(std::fabs(exact) < 0x1p-126 ? std::copysign(0.0, exact) : exact);
}

std::uint32_t nearest_integer(std::uint32_t a) {
  const double exact = number(a);
  if (std::isnan(exact)) return 0;
  return static_cast<std::uint32_t>(
      static_cast<std::int32_t>(std::clamp(std::nearbyint(exact), -0x1p31, 0x1p31 - 1)));
}

// Bit by bit, from the lowest one on.
std::uint32_t shifted(VectorOpcode opcode, std::uint32_t a, std::uint32_t b) {
  const int places = static_cast<int>(b % 32);
  std::uint32_t word = 0;
  for (int to = 0; to < 32; ++to) {
    int from = to + places;  // to the right
    if (opcode == VectorOpcode::kShiftLeft) from = to - places;
    if (opcode == VectorOpcode::kRotateLeft) from = (to - places + 32) % 32;
    if (opcode == VectorOpcode::kShiftRightArithmetic) from = std::min(from, 31);
    if (from >= 0 && from < 32) word |= (a >> from & 1u) << to;
  }
  return word;
}

std::uint32_t arithmetic(VectorOpcode opcode, float a, float b, float c) {
  switch (opcode) {
    case VectorOpcode::kAdd:
      return bits_of(canonical(a + b));
    case VectorOpcode::kSubtract:
      return bits_of(canonical(a - b));
    case VectorOpcode::kMultiply:
      return bits_of(canonical(a * b));
    case VectorOpcode::kDivide:
      return bits_of(canonical(a / b));
    case VectorOpcode::kMultiplyAdd: {
      const float product = canonical(a * b);
      return bits_of(canonical(product + c));
    }
    default:
      return bits_of(canonical(std::sqrt(a)));
  }
}

std::uint32_t compute(const Instruction& instruction, std::uint32_t a, std::uint32_t b,
                      std::uint32_t c) {
  const auto opcode = static_cast<VectorOpcode>(instruction.opcode);
  switch (opcode) {
    case VectorOpcode::kMaximum:
      return fp32(maximum_of(number(a), number(b)));
    case VectorOpcode::kMinimum:
      return fp32(-maximum_of(-number(a), -number(b)));
    case VectorOpcode::kLess:
      return mask(number(a) < number(b));
    case VectorOpcode::kLessEqual:
      return mask(number(a) <= number(b));
    case VectorOpcode::kEqual:
      return mask(number(a) == number(b));
    case VectorOpcode::kIntLess:
      return mask(integer(a) < integer(b));
    case VectorOpcode::kIntEqual:
      return mask(integer(a) == integer(b));
    case VectorOpcode::kSelect:
      return a != 0 ? b : c;
    case VectorOpcode::kBitAnd:
      return a & b;
    case VectorOpcode::kBitOr:
      return a | b;
    case VectorOpcode::kBitXor:
      return a ^ b;
    case VectorOpcode::kIntAdd:
      return static_cast<std::uint32_t>(integer(a) + integer(b));
    case VectorOpcode::kIntSubtract:
      return static_cast<std::uint32_t>(integer(a) - integer(b));
    case VectorOpcode::kShiftLeft:
    case VectorOpcode::kShiftRight:
    case VectorOpcode::kShiftRightArithmetic:
    case VectorOpcode::kRotateLeft:
      return shifted(opcode, a, b);
    case VectorOpcode::kScaleByPowerOfTwo:
      return scaled(a, b);
    case VectorOpcode::kToInteger:
      return nearest_integer(a);
    case VectorOpcode::kToFloat:
      return fp32(static_cast<double>(integer(a)));
    default:
      return arithmetic(opcode, float_from_bits(a), float_from_bits(b), float_from_bits(c));
  }
}

Counter counter(const Instruction& instruction) {
  const auto opcode = static_cast<VectorOpcode>(instruction.opcode);
  switch (opcode) {
    case VectorOpcode::kAdd:
    case VectorOpcode::kSubtract:
      return Counter::kVectorAdds;
    case VectorOpcode::kMultiply:
      return Counter::kVectorMultiplies;
    case VectorOpcode::kMultiplyAdd:
      return Counter::kVectorMultiplyAdds;
    case VectorOpcode::kDivide:
      return Counter::kVectorDivides;
    case VectorOpcode::kSquareRoot:
      return Counter::kVectorSquareRoots;
    case VectorOpcode::kMaximum:
    case VectorOpcode::kMinimum:
    case VectorOpcode::kLess:
    case VectorOpcode::kLessEqual:
    case VectorOpcode::kEqual:
    case VectorOpcode::kIntLess:
    case VectorOpcode::kIntEqual:
    case VectorOpcode::kSelect:
      return Counter::kVectorMaximums;
    default:
      return Counter::kVectorIntegers;
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

Instruction ternary(VectorOpcode opcode, std::uint32_t destination, std::uint32_t a,
                    std::uint32_t b, std::uint32_t c) {
  Instruction instruction = binary(opcode, destination, a, b);
  instruction.c = c;
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
         std::uint64_t{instruction.c_immediate} << 53 | std::uint64_t{instruction.stream} << 54 |
         std::uint64_t{instruction.c} << 56;
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
  using Register = std::vector<std::uint32_t>;
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
        const std::uint32_t c =
            instruction.c_immediate ? instruction.immediate : registers.at(instruction.c)[e.slot];
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
          destination = compute(instruction, a, b, c);
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
  const std::int64_t empty = rest >= 1 && rest <= 6 ? 7 - rest : 0;
  return 4 + busy_cycles(command, program, shape) +
         empty * static_cast<std::int64_t>(program.size());
}

}  // namespace corank::vector_test
