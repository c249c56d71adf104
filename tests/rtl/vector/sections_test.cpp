// What sections, walks and exchanges are for: sums and maxima over columns and rows, vectors of one
// element a row, numbers of rows and columns.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "models/base/numerics.h"
#include "models/numerics/functions.h"
#include "tests/rtl/vector/vector_machine.h"

namespace corank::vector_test {
namespace {

using interface::VectorCommand;
using interface::VectorOpcode;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

Program operator+(Program left, const Program& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

Instruction with_word(VectorOpcode opcode, std::uint32_t destination, std::uint32_t a,
                      std::uint32_t immediate) {
  Instruction instruction = binary(opcode, destination, a, 0);
  instruction.b_immediate = true;
  instruction.immediate = immediate;
  return instruction;
}

// Whatever the register holds.
Program constant(std::uint32_t destination, float value) {
  return {with_word(VectorOpcode::kBitAnd, destination, destination, 0),
          with_word(VectorOpcode::kBitOr, destination, destination, bits_of(value))};
}

Instruction alternate(Instruction instruction) {
  instruction.alternate = true;
  return instruction;
}

// destination = a of the beat that is `away` combined with b.
Instruction exchange(VectorOpcode opcode, std::uint32_t destination, std::uint32_t a,
                     std::uint32_t away, std::uint32_t b) {
  Instruction instruction = binary(opcode, destination, a, b);
  instruction.exchange = true;
  instruction.immediate = away;
  return instruction;
}

Stream in_accumulator(std::uint32_t line, std::uint32_t stride) {
  Stream stream;
  stream.line = line;
  stream.accumulator = true;
  stream.stride = stride;
  return stream;
}

Stream transposed(Stream stream) {
  stream.transposed = true;
  return stream;
}

// Cycles from acceptance to completion.
std::int64_t run(VectorMachine& machine, VectorCommand command, const Program& program) {
  std::vector<std::uint64_t> words;
  for (const Instruction& instruction : program) words.push_back(encode(instruction));
  machine.write_program(0, words);
  command.length = static_cast<std::uint32_t>(program.size());
  REQUIRE(machine.step({QueuedCommand{0, command}, false}).ready);
  for (std::int64_t t = 1;; ++t) {
    const Cycle cycle = machine.step({});
    REQUIRE_FALSE(cycle.fault);
    if (cycle.completion) return t;
  }
}

// Matrix in the accumulator memory: panels of `stride` lines from `line` on.
struct Matrix {
  VectorMachine& machine;
  std::uint32_t line, stride;

  std::uint32_t& operator()(std::size_t row, std::size_t column) const {
    const auto lanes = static_cast<std::size_t>(machine.shape().lanes);
    return machine.memories().accumulator.at((line + column / lanes * stride + row) * lanes +
                                             column % lanes);
  }
};

// Each lane has a row, a beat a column: the results of the first beat are one element a row.
Program over_columns(VectorOpcode opcode, float from) {
  return once(constant(0, from) + constant(1, from)) +
         strips({load(2, 0), alternate(binary(opcode, 0, 0, 2))}) +
         once({binary(opcode, 0, 0, 1), exchange(opcode, 0, 0, 4, 0), exchange(opcode, 0, 0, 2, 0),
               exchange(opcode, 0, 0, 1, 0), alternate(store(1, 0))});
}

}  // namespace

TEST_CASE("sums and maxima over the columns of rows are those of the reference", "[vector]") {
  const FloatEnvironment environment;
  std::mt19937 engine(7);
  for (const auto& machine : machines()) {
    const auto lanes = static_cast<std::uint32_t>(machine->shape().lanes);
    for (const std::uint32_t columns : {1u, 3u, 7u, 8u, 9u, 15u, 16u, 17u, 31u, 33u, 40u, 67u}) {
      for (const std::uint32_t rows : {1u, 2u, 5u, lanes, 2 * lanes + 1}) {
        INFO(rows << " rows of " << columns << ", " << lanes << " elements a line");
        const Matrix matrix{*machine, 10, rows}, result{*machine, 900, rows};
        for (std::size_t i = 0; i < rows; ++i) {
          for (std::size_t j = 0; j < columns; ++j) {
            const float x = std::uniform_real_distribution<float>(-4, 4)(engine);
            matrix(i, j) = bits_of(engine() % 50 == 0 ? kInfinity : x);
          }
        }
        const auto at = [&](std::size_t i) {
          return [&, i](std::int64_t j) {
            return float_from_bits(matrix(i, static_cast<std::size_t>(j)));
          };
        };
        VectorCommand command;
        command.walk = interface::kWalkDown;
        command.rows = columns;
        command.columns = rows;
        set_stream(command, 0, transposed(in_accumulator(10, rows)));
        set_stream(command, 1, transposed(in_accumulator(900, rows)));
        std::vector<float> sums, maxima;
        for (std::size_t i = 0; i < rows; ++i) {
          sums.push_back(sum_of_row<float>(columns, at(i)));
          maxima.push_back(maximum_of_row<float>(columns, at(i)));
        }
        run(*machine, command, over_columns(VectorOpcode::kAdd, 0.0f));
        for (std::size_t i = 0; i < rows; ++i) REQUIRE(result(i, 0) == bits_of(canonical(sums[i])));
        run(*machine, command, over_columns(VectorOpcode::kMaximum, -kInfinity));
        for (std::size_t i = 0; i < rows; ++i) REQUIRE(result(i, 0) == bits_of(maxima[i]));
      }
    }
  }
}

TEST_CASE("a sum over 20 columns of 4 rows takes the cycles of its slots", "[vector]") {
  // 4 lanes. Once 4 instructions of 8; strips of 8, 8 and 4 beats, of two instructions: 16 + 16 +
  // 14; once 8, three exchanges of 3 + 8, and a single beat in 7; 4 to begin and to end.
  const auto all = machines();
  VectorCommand command;
  command.walk = interface::kWalkDown;
  command.rows = 20;
  command.columns = 4;
  set_stream(command, 0, transposed(in_accumulator(0, 4)));
  set_stream(command, 1, transposed(in_accumulator(900, 4)));
  CHECK(run(*all[1], command, over_columns(VectorOpcode::kAdd, 0.0f)) == 32 + 46 + 8 + 33 + 7 + 4);
}

TEST_CASE("sums over rows are one ascending chain a column", "[vector]") {
  const FloatEnvironment environment;
  std::mt19937 engine(8);
  const Program program = once(constant(0, 0.0f)) +
                          strips({load(1, 0), binary(VectorOpcode::kAdd, 0, 0, 1)}) +
                          once({store(1, 0)});
  for (const auto& machine : machines()) {
    for (const std::uint32_t columns : {1u, 9u, 40u, 67u}) {
      const std::uint32_t rows = 11;
      const Matrix matrix{*machine, 10, rows}, result{*machine, 900, 1};
      for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < columns; ++j)
          matrix(i, j) = bits_of(std::uniform_real_distribution<float>(-4, 4)(engine));
      }
      VectorCommand command;
      command.walk = interface::kWalkAcross;
      command.rows = rows;
      command.columns = columns;
      set_stream(command, 0, in_accumulator(10, rows));
      set_stream(command, 1, in_accumulator(900, 1));
      run(*machine, command, program);
      for (std::size_t j = 0; j < columns; ++j) {
        float sum = 0.0f;
        for (std::size_t i = 0; i < rows; ++i) sum = sum + float_from_bits(matrix(i, j));
        INFO("column " << j << " of " << columns);
        REQUIRE(result(0, j) == bits_of(sum));
      }
    }
  }
}

TEST_CASE("one element a row is read for all of its columns, and written by the first one",
          "[vector]") {
  for (const auto& machine : machines()) {
    const std::uint32_t rows = 5, columns = 11;
    const Matrix matrix{*machine, 10, rows}, vector{*machine, 200, rows}, copy{*machine, 300, rows};
    const Matrix scaled{*machine, 400, rows};
    // The vector is the third column where beats of a single element allow it.
    const auto lanes = static_cast<std::uint32_t>(machine->shape().vector_lanes);
    const std::uint32_t place = lanes == 1 ? 2 : 0;
    for (std::size_t i = 0; i < rows; ++i) {
      vector(i, place) = bits_of(static_cast<float>(i + 1));
      for (std::size_t j = 0; j < columns; ++j) matrix(i, j) = bits_of(static_cast<float>(j + 1));
    }
    VectorCommand command;
    command.rows = rows;
    command.columns = columns;
    Stream column = in_accumulator(200, rows);
    column.every_column_0 = true;
    column.column = place;
    set_stream(command, 0, in_accumulator(10, rows));
    set_stream(command, 1, column);
    set_stream(command, 2, in_accumulator(400, rows));
    column.line = 300;
    set_stream(command, 3, column);
    run(*machine, command,
        {load(0, 0), load(1, 1), binary(VectorOpcode::kMultiply, 2, 0, 1), store(2, 2),
         store(3, 1)});
    for (std::size_t i = 0; i < rows; ++i) {
      REQUIRE(copy(i, place) == bits_of(static_cast<float>(i + 1)));
      for (std::size_t j = 0; j < columns; ++j) {
        INFO("element " << i << ", " << j);
        REQUIRE(scaled(i, j) == bits_of(static_cast<float>((i + 1) * (j + 1))));
      }
    }
  }
}

TEST_CASE("rows and columns have numbers, modulo 2^32", "[vector]") {
  for (const auto& machine : machines()) {
    for (const std::uint32_t walk :
         {interface::kWalkRows, interface::kWalkDown, interface::kWalkAcross}) {
      const std::uint32_t rows = 3, columns = 13;
      const Matrix of_rows{*machine, 10, rows}, of_columns{*machine, 100, rows};
      VectorCommand command;
      command.walk = walk;
      command.rows = rows;
      command.columns = columns;
      command.first_row = 0xFFFFFFFEu;
      command.first_column = 1000;
      set_stream(command, 0, in_accumulator(10, rows));
      set_stream(command, 1, in_accumulator(100, rows));
      run(*machine, command,
          {binary(VectorOpcode::kRowNumber, 0, 0, 0), binary(VectorOpcode::kColumnNumber, 1, 0, 0),
           store(0, 0), store(1, 1)});
      for (std::uint32_t i = 0; i < rows; ++i) {
        for (std::uint32_t j = 0; j < columns; ++j) {
          INFO("walk " << walk << ", element " << i << ", " << j);
          REQUIRE(of_rows(i, j) == 0xFFFFFFFEu + i);
          REQUIRE(of_columns(i, j) == 1000 + j);
        }
      }
    }
  }
}

TEST_CASE("the first beat is what all beats exchange for 0, and registers outlive a command",
          "[vector]") {
  for (const auto& machine : machines()) {
    const auto lanes = static_cast<std::uint32_t>(machine->shape().vector_lanes);
    const Matrix result{*machine, 10, 8};
    VectorCommand command;
    command.walk = interface::kWalkDown;
    command.rows = 8;
    command.columns = lanes;
    command.first_row = 5;
    set_stream(command, 0, in_accumulator(10, 8));
    Instruction first = exchange(VectorOpcode::kBitOr, 0, 0, 0, 0);  // of register 0 into itself
    first.b_immediate = true;
    run(*machine, command, {binary(VectorOpcode::kRowNumber, 0, 0, 0), first});
    run(*machine, command, {store(0, 0)});
    for (std::size_t i = 0; i < 8; ++i) {
      INFO("beat " << i);
      REQUIRE(result(i, 0) == 5);
      REQUIRE(result(i, lanes - 1) == 5);
    }
  }
}

TEST_CASE("an instruction without a meaning in a later section is a fault, after those before it",
          "[vector]") {
  // 10 rows, 2 beats of columns: once 8, strips of 8 and 2 beats of two instructions in 16 + 14,
  // once 8; so the bad one would begin in cycle 3 + 46 = 49.
  for (const auto& machine : machines()) {
    Instruction bad = load(0, 0);
    bad.opcode = 0x80;
    const Program program =
        once({load(0, 0)}) + strips({load(1, 0), load(2, 0)}) + once({load(3, 0), bad, load(4, 0)});
    std::vector<std::uint64_t> words;
    for (const Instruction& instruction : program) words.push_back(encode(instruction));
    machine->write_program(20, words);
    VectorCommand command;
    command.walk = interface::kWalkDown;
    command.first_instruction = 20;
    command.length = static_cast<std::uint32_t>(program.size());
    command.rows = 10;
    command.columns = static_cast<std::uint32_t>(2 * machine->shape().vector_lanes);
    set_stream(command, 0, in_accumulator(0, 10));
    machine->step({QueuedCommand{3, command}, false});
    for (std::int64_t t = 1; t < 80; ++t) {
      const Cycle cycle = machine->step({});
      INFO("cycle " << t);
      CHECK_FALSE(cycle.completion);
      REQUIRE(cycle.fault.has_value() == (t == 49));
      if (cycle.fault) CHECK(cycle.fault->address == 24);
    }
    machine->reset();
  }
}

TEST_CASE("by rows nothing follows a section of strips", "[vector]") {
  // What follows has no meaning, but is not reached: once 8, strips of 8 and 1 beats 16 + 14.
  const auto all = machines();
  VectorMachine& machine = *all[1];
  Instruction bad = store(0, 0);
  bad.opcode = 0x80;
  VectorCommand command;
  command.rows = 3;
  command.columns = 12;
  set_stream(command, 0, in_accumulator(0, 3));
  set_stream(command, 1, in_accumulator(100, 3));
  CHECK(run(machine, command,
            once({load(0, 0)}) + strips({load(1, 0), store(1, 1)}) + once({bad})) == 4 + 8 + 30);
}

}  // namespace corank::vector_test
