#include "tests/rtl/vector/vector_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

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
  const std::int64_t i = stream.every_row_0 ? 0 : row, j = stream.every_column_0 ? 0 : column;
  const std::int64_t across = (stream.transposed ? i : j) + stream.column;
  const std::int64_t down = stream.transposed ? j : i;
  return static_cast<std::size_t>((stream.line + across / lanes * stream.stride + down) * lanes +
                                  across % lanes);
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

// Consecutive columns of a row.
struct Beat {
  std::int64_t row, column, lanes;
};
using Strip = std::vector<Beat>;

// All strips of a command, one group after the other, and what `once` is to each group.
struct Group {
  std::vector<Strip> strips;
  Strip whole;
};

// Beats of rows [0, rows) of columns [first, last), row by row.
std::vector<Beat> beats_of(std::int64_t rows, std::int64_t first, std::int64_t last,
                           std::int64_t vector_lanes) {
  std::vector<Beat> result;
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = first; column < last; column += vector_lanes)
      result.push_back({row, column, std::min(vector_lanes, last - column)});
  }
  return result;
}

std::vector<Strip> in_strips(const std::vector<Beat>& beats, std::size_t length) {
  std::vector<Strip> result;
  for (std::size_t i = 0; i < beats.size(); ++i) {
    if (i % length == 0) result.emplace_back();
    result.back().push_back(beats[i]);
  }
  return result;
}

std::vector<Group> groups_of(const VectorCommand& command, const Shape& shape) {
  const std::int64_t lanes = shape.vector_lanes, columns = command.columns;
  std::vector<Group> result;
  if (command.walk == interface::kWalkRows) {
    result.push_back({in_strips(beats_of(command.rows, 0, columns, lanes), kStripBeats),
                      Strip(kStripBeats, Beat{0, 0, lanes})});
    return result;
  }
  const bool down = command.walk == interface::kWalkDown;
  const std::int64_t width = down ? lanes : kStripBeats * lanes;
  for (std::int64_t first = 0; first < columns; first += width) {
    const std::int64_t last = std::min(columns, first + width);
    const std::vector<Beat> row = beats_of(1, first, last, lanes);
    result.push_back({in_strips(beats_of(command.rows, first, last, lanes),
                                down ? std::size_t{kStripBeats} : row.size()),
                      down ? beats_of(kStripBeats, first, last, lanes) : row});
  }
  return result;
}

int operands_of(const Instruction& instruction) {
  const auto opcode = static_cast<VectorOpcode>(instruction.opcode);
  switch (opcode) {
    case VectorOpcode::kSquareRoot:
    case VectorOpcode::kToInteger:
    case VectorOpcode::kToFloat:
      return 1;
    case VectorOpcode::kMultiplyAdd:
    case VectorOpcode::kSelect:
      return 3;
    default:
      return 2;
  }
}

struct Timed {
  Instruction instruction;  // with the registers that it works on
  Strip strip;
};

// What a command executes, in order.
std::vector<Timed> steps_of(const VectorCommand& command, const Program& program,
                            const Shape& shape) {
  std::vector<Timed> steps;
  for (const Group& group : groups_of(command, shape)) {
    for (std::size_t first = 0, last = 0; first < program.size(); first = last + 1) {
      last = first;
      while (last + 1 < program.size() && !program[last].section_end) ++last;
      const bool once = program[last].once;
      const std::size_t strips = once ? 1 : group.strips.size();
      for (std::size_t strip = 0; strip < strips; ++strip) {
        for (std::size_t i = first; i <= last; ++i) {
          Timed step{program[i], once ? group.whole : group.strips[strip]};
          if (once && program[i].alternate) step.strip.resize(1);
          if (!once && program[i].alternate && strip % 2 == 1) {
            step.instruction.destination ^= 1;
            const bool third = is(step.instruction, VectorOpcode::kMultiplyAdd);
            (third ? step.instruction.c : step.instruction.a) ^= 1;
          }
          steps.push_back(step);
        }
      }
      if (!once && command.walk == interface::kWalkRows) break;
    }
  }
  return steps;
}

std::int64_t interval(const Instruction& instruction, const Shape& shape) {
  return divides(instruction) ? shape.divide_interval : 1;
}

Program section(Program instructions, bool once) {
  for (Instruction& instruction : instructions) instruction.once = once;
  instructions.back().section_end = true;
  return instructions;
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
         std::uint64_t{instruction.c} << 56 | std::uint64_t{instruction.once} << 60 |
         std::uint64_t{instruction.section_end} << 61 | std::uint64_t{instruction.alternate} << 62 |
         std::uint64_t{instruction.exchange} << 63;
}

Program once(Program instructions) { return section(std::move(instructions), true); }
Program strips(Program instructions) { return section(std::move(instructions), false); }

std::uint32_t encode(const Stream& stream) {
  return stream.line | std::uint32_t{stream.accumulator} << 24 |
         std::uint32_t{stream.transposed} << 25 | std::uint32_t{stream.every_row_0} << 26 |
         std::uint32_t{stream.every_column_0} << 27;
}

Stream stream_of(const VectorCommand& command, std::uint32_t number) {
  const std::array<std::uint32_t, 4> places{command.stream0, command.stream1, command.stream2,
                                            command.stream3};
  const std::array<std::uint32_t, 4> strides{command.stride0, command.stride1, command.stride2,
                                             command.stride3};
  const std::array<std::uint32_t, 4> columns{command.column0, command.column1, command.column2,
                                             command.column3};
  const std::uint32_t place = places.at(number);
  return {place & 0xFFFFFFu,       (place >> 24 & 1u) != 0, (place >> 25 & 1u) != 0,
          (place >> 26 & 1u) != 0, strides.at(number),      (place >> 27 & 1u) != 0,
          columns.at(number)};
}

void set_stream(VectorCommand& command, std::uint32_t number, const Stream& stream) {
  const std::array<std::uint32_t*, 4> places{&command.stream0, &command.stream1, &command.stream2,
                                             &command.stream3};
  const std::array<std::uint32_t*, 4> strides{&command.stride0, &command.stride1, &command.stride2,
                                              &command.stride3};
  const std::array<std::uint32_t*, 4> columns{&command.column0, &command.column1, &command.column2,
                                              &command.column3};
  *places.at(number) = encode(stream);
  *strides.at(number) = stream.stride;
  *columns.at(number) = stream.column;
}

struct Interpreter::Step : Timed {};

Interpreter::Interpreter(const Shape& shape)
    : shape_(shape),
      registers_(kRegisters, Register(static_cast<std::size_t>(kStripBeats * shape.vector_lanes))) {
}

Counts Interpreter::run(const VectorCommand& command, const Program& program,
                        LocalMemories& memories) {
  Counts counts;
  for (const Timed& step : steps_of(command, program, shape_))
    execute(Step{step}, command, memories, counts);
  return counts;
}

Interpreter::Word Interpreter::loaded(const Stream& stream, std::size_t place,
                                      const LocalMemories& memories) const {
  if (stream.accumulator) return {memories.accumulator.at(place), accumulator_.count(place) == 0};
  return {bits_of(widen(memories.scratchpad.at(place))), scratchpad_.count(place) == 0};
}

void Interpreter::store_word(const Stream& stream, std::size_t place, Word word, bool exact,
                             LocalMemories& memories) {
  std::set<std::size_t>& undefined = stream.accumulator ? accumulator_ : scratchpad_;
  undefined.erase(place);
  if (!word.defined) undefined.insert(place);
  if (stream.accumulator) {
    memories.accumulator.at(place) = word.bits;
  } else {
    memories.scratchpad.at(place) = exact ? static_cast<std::uint16_t>(word.bits >> 16)
                                          : round_to_bf16(float_from_bits(word.bits));
  }
}

void Interpreter::execute(const Step& step, const VectorCommand& command, LocalMemories& memories,
                          Counts& counts) {
  const Instruction& instruction = step.instruction;
  const Stream stream = stream_of(command, instruction.stream);
  const std::vector<Register> before = registers_;
  const std::size_t other_beat = instruction.immediate % 8;
  for (std::size_t k = 0; k < step.strip.size(); ++k) {
    const Beat& beat = step.strip[k];
    const std::size_t beat_a = !instruction.exchange ? k : other_beat == 0 ? 0 : k ^ other_beat;
    for (std::int64_t lane = 0; lane < shape_.vector_lanes; ++lane) {
      const auto word = [&](std::uint32_t of, std::size_t at) {
        return before.at(of).at(at * static_cast<std::size_t>(shape_.vector_lanes) +
                                static_cast<std::size_t>(lane));
      };
      const std::size_t place = element(stream, beat.row, beat.column + lane, shape_.lanes);
      Word& destination = registers_.at(instruction.destination)
                              .at(k * static_cast<std::size_t>(shape_.vector_lanes) +
                                  static_cast<std::size_t>(lane));
      if (lane >= beat.lanes) {
        if (!is(instruction, VectorOpcode::kStore)) destination = Word{};
        continue;
      }
      const Word a = word(instruction.a, beat_a);
      const Word b =
          instruction.b_immediate ? Word{instruction.immediate, true} : word(instruction.b, k);
      const Word c =
          instruction.c_immediate ? Word{instruction.immediate, true} : word(instruction.c, k);
      if (is(instruction, VectorOpcode::kLoad)) {
        destination = loaded(stream, place, memories);
      } else if (is(instruction, VectorOpcode::kStore)) {
        if (stream.every_column_0 && lane != 0) continue;
        const bool exact = instruction.b_immediate != 0;
        store_word(stream, place, a, exact, memories);
        if (!stream.accumulator && !exact) ++counts[Counter::kVectorRoundings];
      } else if (is(instruction, VectorOpcode::kRowNumber)) {
        destination = {command.first_row + static_cast<std::uint32_t>(beat.row), true};
        ++counts[Counter::kVectorIntegers];
      } else if (is(instruction, VectorOpcode::kColumnNumber)) {
        destination = {command.first_column + static_cast<std::uint32_t>(beat.column + lane), true};
        ++counts[Counter::kVectorIntegers];
      } else {
        const int operands = operands_of(instruction);
        destination = {compute(instruction, a.bits, b.bits, c.bits),
                       a.defined && (operands < 2 || b.defined) && (operands < 3 || c.defined)};
        ++counts[counter(instruction)];
      }
    }
  }
}

Counts interpret(const VectorCommand& command, const Program& program, const Shape& shape,
                 LocalMemories& memories) {
  return Interpreter(shape).run(command, program, memories);
}

std::int64_t busy_cycles(const VectorCommand& command, const Program& program, const Shape& shape) {
  std::int64_t cycles = 0;
  for (const Timed& step : steps_of(command, program, shape))
    cycles += static_cast<std::int64_t>(step.strip.size()) * interval(step.instruction, shape);
  return cycles;
}

std::int64_t duration(const VectorCommand& command, const Program& program, const Shape& shape) {
  std::int64_t cycles = 4;
  for (const Timed& step : steps_of(command, program, shape)) {
    const auto beats = static_cast<std::int64_t>(step.strip.size());
    cycles += (step.instruction.exchange ? 3 : 0) + beats * interval(step.instruction, shape) +
              std::max<std::int64_t>(0, 7 - beats);
  }
  return cycles;
}

}  // namespace corank::vector_test
