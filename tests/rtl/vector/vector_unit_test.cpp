#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>
#include <set>
#include <string>

#include "models/base/numerics.h"
#include "sim/cycle/vector_kernel.h"
#include "sim/cycle/vector_schedule.h"
#include "tests/rtl/vector/vector_machine.h"
#include "tests/rtl/vector/vector_model.h"

namespace corank::vector_test {
namespace {

using interface::VectorCommand;
using interface::VectorOpcode;

constexpr std::uint32_t kIllegalInstruction = 12;  // rtl/interface/interface.yaml, faults
constexpr std::uint32_t kActivityIdle = 0, kActivityBusy = 3, kActivityLatency = 4;
constexpr std::uint64_t kNoInstruction = ~0ull;  // opcode FF

std::vector<std::uint64_t> encode(const Program& program) {
  std::vector<std::uint64_t> words;
  for (const Instruction& instruction : program) words.push_back(encode(instruction));
  return words;
}

struct Run {
  std::int64_t cycles = 0;  // from acceptance to completion
  std::int64_t busy = 0, latency = 0;
  Counts events;
  Completion completion{};
  // Cycles after acceptance.
  std::vector<std::int64_t> reads, writes;
};

// Gives the idle unit one command, and runs until it is complete.
Run run(VectorMachine& machine, const QueuedCommand& command) {
  Run result;
  const Cycle first = machine.step({command, false});
  REQUIRE(first.ready);
  REQUIRE(first.activity == kActivityIdle);
  for (std::int64_t t = 1;; ++t) {
    REQUIRE(t < 10'000'000);
    const Cycle cycle = machine.step({});
    REQUIRE_FALSE(cycle.fault);
    if (cycle.read) result.reads.push_back(t);
    if (cycle.write) result.writes.push_back(t);
    if (cycle.event) result.events[cycle.event->counter] += cycle.event->elements;
    if (cycle.completion) {
      REQUIRE(cycle.activity == kActivityIdle);
      REQUIRE(cycle.ready);
      result.completion = *cycle.completion;
      result.cycles = t;
      return result;
    }
    REQUIRE_FALSE(cycle.ready);
    REQUIRE_FALSE(cycle.idle);
    REQUIRE(cycle.current_index == command.index);
    result.busy += cycle.activity == kActivityBusy;
    result.latency += cycle.activity == kActivityLatency;
  }
}

std::string describe(const VectorMachine& machine) {
  const Shape shape = machine.shape();
  return std::to_string(shape.vector_lanes) + " vector lanes, " + std::to_string(shape.lanes) +
         " elements a line";
}

std::string describe(const VectorCommand& command) {
  std::string text = "walk " + std::to_string(command.walk) + ", " + std::to_string(command.rows) +
                     " x " + std::to_string(command.columns);
  for (std::uint32_t s = 0; s < 4; ++s) {
    const Stream stream = stream_of(command, s);
    text += "; stream " + std::to_string(s) + ": line " + std::to_string(stream.line) +
            ", stride " + std::to_string(stream.stride) +
            (stream.accumulator ? ", accumulator" : "") +
            (stream.transposed ? ", transposed" : "") +
            (stream.every_row_0 ? ", every row is row 0" : "") +
            (stream.every_column_0 ? ", every column is column 0" : "") + ", from column " +
            std::to_string(stream.column);
  }
  return text;
}

std::string describe(const Program& program) {
  std::string text;
  for (const Instruction& i : program) {
    text += " [" + std::to_string(i.opcode) + ": " + std::to_string(i.destination) + " <- " +
            std::to_string(i.a) + ", " +
            (i.b_immediate ? "#" + std::to_string(i.immediate) : std::to_string(i.b)) +
            ", stream " + std::to_string(i.stream) + (i.once ? " once" : "") +
            (i.alternate ? " alternate" : "") + (i.exchange ? " exchange" : "") +
            (i.section_end ? " |]" : "]");
  }
  return text;
}

class Generator {
 public:
  explicit Generator(std::uint32_t seed) : engine_(seed) {}

  std::int64_t between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(engine_);
  }
  std::uint32_t number(std::uint32_t limit) {
    return static_cast<std::uint32_t>(between(0, limit - 1));
  }
  bool chance(int percent) { return between(1, 100) <= percent; }

  // Mostly numbers of one size, so that sums cancel and round; else any bits, and the special ones.
  std::uint32_t fp32() {
    if (chance(70)) {
      return bits_of(std::uniform_real_distribution<float>(-4.0f, 4.0f)(engine_));
    }
    if (chance(70)) return static_cast<std::uint32_t>(engine_());
    const std::vector<std::uint32_t> special{
        0x00000000u, 0x80000000u, 0x7F800000u, 0xFF800000u, 0x7FC00000u, 0xFFC12345u, 0x7F812345u,
        0x00000001u, 0x807FFFFFu, 0x00800000u, 0x80800001u, 0x7F7FFFFFu, 0xFF7F8000u, 0x3F808000u,
        0x00000005u, 0x0000001Fu, 0xFFFFFFF0u, 0x00000080u, 0xFFFFFF03u, 0xFFFFFFFFu, 0x4EFFFFFFu,
        0xCF000000u, 0x3F000000u, 0xBFC00000u, 0x4B000001u};
    return special[number(static_cast<std::uint32_t>(special.size()))];
  }

  void fill(LocalMemories& memories) {
    for (std::uint16_t& element : memories.scratchpad) {
      element = static_cast<std::uint16_t>(fp32() >> 16);
    }
    for (std::uint32_t& element : memories.accumulator) element = fp32();
  }

  // An operand often is the result before it. A register is read only after it was written, so it
  // is loaded first; before sections of strips, once.
  Program program(std::uint32_t walk) {
    Program program;
    std::vector<std::uint32_t> written;
    const std::int64_t sections = between(1, 4);
    for (std::int64_t i = 0; i < sections; ++i) {
      // By rows, one of strips is the last one that is executed.
      const bool once = walk == interface::kWalkRows ? i + 1 < sections && !chance(10) : chance(50);
      Program part = section(between(1, 8), once, walk, written);
      program.insert(program.end(), part.begin(), part.end());
    }
    if (chance(50)) program.back().section_end = false;
    return program;
  }

  // Sizes around those of a beat, a line and a strip; at most 250 beats. Streams may overlap.
  VectorCommand command(const Shape& shape, std::int64_t lines) {
    const std::vector<std::int64_t> sizes{1,
                                          2,
                                          3,
                                          7,
                                          8,
                                          9,
                                          shape.lanes - 1,
                                          shape.lanes,
                                          shape.lanes + 1,
                                          2 * shape.lanes + 3,
                                          between(1, 70)};
    const auto size = [&] {
      return static_cast<std::uint32_t>(sizes[number(static_cast<std::uint32_t>(sizes.size()))]);
    };
    VectorCommand command;
    command.walk = number(3);
    do {
      command.rows = size();
      command.columns = chance(20) ? static_cast<std::uint32_t>(between(1, 300)) : size();
    } while (command.rows * ((command.columns + shape.vector_lanes - 1) / shape.vector_lanes) >
             250);
    for (std::uint32_t s = 0; s < 4; ++s) set_stream(command, s, stream(command, shape, lines));
    command.first_row = chance(30) ? static_cast<std::uint32_t>(engine_()) : number(100);
    command.first_column = chance(30) ? 0xFFFFFFFEu : number(100);
    command.signal_tokens = number(1u << 16);
    return command;
  }

 private:
  // What is done once touches 8 rows (kWalkDown) or a whole beat (kWalkRows) of any region.
  Stream stream(const VectorCommand& command, const Shape& shape, std::int64_t lines) {
    Stream stream;
    stream.accumulator = chance(50);
    stream.transposed = chance(40);
    stream.every_row_0 = chance(20);
    stream.every_column_0 = chance(20);
    if (chance(50)) {
      stream.column = number(static_cast<std::uint32_t>(shape.lanes));
      const auto beat = static_cast<std::uint32_t>(shape.vector_lanes);
      if (!stream.transposed) stream.column = stream.column / beat * beat;
    }
    const std::int64_t rows = stream.every_row_0 ? 1 : std::max<std::int64_t>(8, command.rows);
    const std::int64_t columns =
        stream.every_column_0 ? 1 : std::max<std::int64_t>(shape.vector_lanes, command.columns);
    const std::int64_t along = stream.transposed ? columns : rows;
    const std::int64_t across = (stream.transposed ? rows : columns) + stream.column;
    const std::int64_t panels = (across + shape.lanes - 1) / shape.lanes;
    const std::int64_t largest = (lines - along) / panels;
    stream.stride = static_cast<std::uint32_t>(
        chance(70) ? std::min(along, largest) : between(0, std::min<std::int64_t>(90, largest)));
    stream.line =
        static_cast<std::uint32_t>(between(0, lines - along - (panels - 1) * stream.stride));
    return stream;
  }

  Program section(std::int64_t length, bool once, std::uint32_t walk,
                  std::vector<std::uint32_t>& written) {
    Program part;
    // A load of all beats gives every other register of the section a meaning.
    const auto loads = [&] {
      part.push_back(load(number(16), number(4)));
      written.push_back(part.back().destination);
    };
    if (written.empty() || chance(50)) loads();
    while (static_cast<std::int64_t>(part.size()) < length) {
      Instruction instruction;
      instruction.opcode = static_cast<std::uint32_t>(
          interface::kVectorOpcodes[number(interface::kVectorOpcodes.size())]);
      instruction.destination = number(16);
      instruction.stream = number(4);
      const auto operand = [&] {
        return chance(40) ? written.back()
                          : written[number(static_cast<std::uint32_t>(written.size()))];
      };
      instruction.a = operand();
      instruction.b_immediate = chance(30);
      instruction.b = instruction.b_immediate ? number(16) : operand();
      instruction.c_immediate = chance(30);
      instruction.c = instruction.c_immediate ? number(16) : operand();
      instruction.immediate = fp32();
      instruction.alternate = chance(once ? 10 : 20);
      if (chance(once ? 30 : 10)) exchange(instruction, part, once, walk);
      part.push_back(instruction);
      if (instruction.opcode != static_cast<std::uint32_t>(VectorOpcode::kStore)) {
        written.push_back(instruction.destination);
      }
    }
    part.push_back(store(number(4), written.back()));
    return once ? vector_test::once(part) : strips(part);
  }

  // Beats 4 away are there in time after 8 others only, and those of an iterative instruction are
  // written while others are read.
  void exchange(Instruction& instruction, const Program& part, bool once, std::uint32_t walk) {
    const bool after_strip = once && walk != interface::kWalkAcross && !part.empty() &&
                             !part.back().alternate && part.back().opcode != 0;
    const bool iterative = interface::is_iterative(static_cast<VectorOpcode>(instruction.opcode));
    if (iterative && instruction.destination == instruction.a) return;
    instruction.exchange = true;
    instruction.immediate = (instruction.immediate & ~7u) | number(after_strip ? 5 : 4);
  }

  std::mt19937 engine_;
};

// CORANK_TEST_SEED replays a run whose seed was printed.
std::uint32_t seed() {
  const char* text = std::getenv("CORANK_TEST_SEED");
  return text != nullptr ? static_cast<std::uint32_t>(std::stoul(text)) : std::random_device{}();
}

void require_equal(const LocalMemories& found, const LocalMemories& expected,
                   const std::set<std::size_t>& undefined_scratchpad = {},
                   const std::set<std::size_t>& undefined_accumulator = {}) {
  for (std::size_t i = 0; i < expected.scratchpad.size(); ++i) {
    if (found.scratchpad[i] != expected.scratchpad[i] && undefined_scratchpad.count(i) == 0) {
      INFO("scratchpad element " << i);
      REQUIRE(found.scratchpad[i] == expected.scratchpad[i]);
    }
  }
  for (std::size_t i = 0; i < expected.accumulator.size(); ++i) {
    if (found.accumulator[i] != expected.accumulator[i] && undefined_accumulator.count(i) == 0) {
      INFO("accumulator element " << i);
      REQUIRE(found.accumulator[i] == expected.accumulator[i]);
    }
  }
}

// What the cycle model makes of a command: elements, and cycles from acceptance to completion.
std::int64_t run_model(const VectorCommand& command, const Program& program, const Shape& shape,
                       LocalMemories& memories) {
  cycle_model::ProgramMemory memory;
  const std::vector<std::uint64_t> words = encode(program);
  memory.write(command.first_instruction, reinterpret_cast<const std::uint8_t*>(words.data()),
               words.size(), sizeof(std::uint64_t));
  const auto lanes = static_cast<std::size_t>(shape.lanes);
  const auto lines = static_cast<std::uint32_t>(memories.scratchpad.size() / lanes);
  cycle_model::LocalMemories local{{static_cast<int>(lanes), lines, true},
                                   {static_cast<int>(lanes), lines, true}};
  std::copy(memories.scratchpad.begin(), memories.scratchpad.end(), local.scratchpad.line(0));
  std::memcpy(local.accumulator.line(0), memories.accumulator.data(),
              memories.accumulator.size() * sizeof(float));
  const auto vector_lanes = static_cast<std::uint64_t>(shape.vector_lanes);
  const cycle_model::VectorProgram decoded(command, memory);
  const cycle_model::VectorWalk walk(command, vector_lanes);
  cycle_model::VectorKernel(vector_lanes).run(command, decoded, walk, local);
  std::copy_n(local.scratchpad.line(0), memories.scratchpad.size(), memories.scratchpad.begin());
  std::memcpy(memories.accumulator.data(), local.accumulator.line(0),
              memories.accumulator.size() * sizeof(float));
  cycle_model::VectorSchedule schedule;
  schedule.plan(decoded, walk);
  return 4 + schedule.cycles();
}

Stream in_accumulator(std::uint32_t line, std::uint32_t stride) {
  Stream stream;
  stream.line = line;
  stream.accumulator = true;
  stream.stride = stride;
  return stream;
}

// A command of some length, for the tests that interrupt it: y = x * x + x / 3, over 5 x 19; or
// with a section that is done once before it, and one behind it in each group, which exchanges
// beats.
struct Example {
  Program program{load(0, 0), binary(VectorOpcode::kMultiply, 1, 0, 0),
                  with_immediate(VectorOpcode::kDivide, 2, 0, 3.0f),
                  binary(VectorOpcode::kAdd, 1, 1, 2), store(1, 1)};
  VectorCommand command;

  explicit Example(bool sections = false) {
    if (sections) {
      program = strips(program);
      program.insert(program.begin(), once({load(3, 0)}).front());
      Instruction exchange = binary(VectorOpcode::kAdd, 3, 3, 3);
      exchange.exchange = true;
      exchange.immediate = 1;
      for (const Instruction& instruction : once({exchange, store(2, 3)}))
        program.push_back(instruction);
      command.walk = interface::kWalkDown;
    }
    command.length = static_cast<std::uint32_t>(program.size());
    command.rows = 5;
    command.columns = 19;
    set_stream(command, 0, in_accumulator(0, 5));
    set_stream(command, 1, in_accumulator(500, 5));
    set_stream(command, 2, in_accumulator(700, 8));
  }

  // Runs it on a machine that was reset, and compares everything.
  void require_right(VectorMachine& machine, std::uint32_t fill_seed) const {
    const FloatEnvironment environment;
    Generator(fill_seed).fill(machine.memories());
    LocalMemories expected = machine.memories();
    interpret(command, program, machine.shape(), expected);
    machine.write_program(0, encode(program));
    const Run result = run(machine, {5, command});
    CHECK(result.cycles == duration(command, program, machine.shape()));
    require_equal(machine.memories(), expected);
  }
};

}  // namespace

TEST_CASE("random programs give the interpreter's elements, events and cycles", "[vector]") {
  const FloatEnvironment environment;
  const std::uint32_t first_seed = seed();
  for (const auto& machine : machines()) {
    for (std::uint32_t trial = 0; trial < 200; ++trial) {
      Generator random(first_seed + trial);
      random.fill(machine->memories());
      QueuedCommand command{random.number(1000),
                            random.command(machine->shape(), machine->lines())};
      const Program program = random.program(command.command.walk);
      command.command.length = static_cast<std::uint32_t>(program.size());
      command.command.first_instruction = random.number(257 - command.command.length);
      machine->write_program(command.command.first_instruction, encode(program));
      INFO("CORANK_TEST_SEED=" << first_seed << ", trial " << trial << ", " << describe(*machine));
      INFO(describe(command.command));
      INFO(describe(program));

      LocalMemories expected = machine->memories(), modelled = expected;
      Interpreter interpreter(machine->shape());
      const Counts counts = interpreter.run(command.command, program, expected);
      const Run result = run(*machine, command);
      require_equal(machine->memories(), expected, interpreter.undefined_scratchpad(),
                    interpreter.undefined_accumulator());
      CHECK(result.events == counts);
      CHECK(result.cycles == duration(command.command, program, machine->shape()));
      const std::int64_t cycles = run_model(command.command, program, machine->shape(), modelled);
      require_equal(modelled, expected, interpreter.undefined_scratchpad(),
                    interpreter.undefined_accumulator());
      if (machine->shape().divide_interval == interface::kDivideInterval)
        CHECK(cycles == result.cycles);
      CHECK(result.busy == busy_cycles(command.command, program, machine->shape()));
      CHECK(result.busy + result.latency == result.cycles - 1);
      CHECK(result.completion.index == command.index);
      CHECK(result.completion.signal_tokens == command.command.signal_tokens);
    }
  }
}

TEST_CASE("AdamW is one program, bit for bit", "[vector]") {
  const FloatEnvironment environment;
  const double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0.01;
  const int step = 7;
  const auto decay = static_cast<float>(1.0 - lr * weight_decay);
  const auto one_minus_beta1 = static_cast<float>(1.0 - beta1);
  const auto fp32_beta2 = static_cast<float>(beta2);
  const auto one_minus_beta2 = static_cast<float>(1.0 - beta2);
  const auto root_correction = static_cast<float>(std::sqrt(1.0 - std::pow(beta2, step)));
  const auto fp32_epsilon = static_cast<float>(epsilon);
  const auto negative_step = static_cast<float>(-lr / (1.0 - std::pow(beta1, step)));

  // Streams: 0 parameter, 1 gradient, 2 and 3 the moments.
  const Program program{load(0, 0),
                        load(1, 1),
                        load(2, 2),
                        load(3, 3),
                        with_immediate(VectorOpcode::kMultiply, 0, 0, decay),
                        binary(VectorOpcode::kSubtract, 4, 1, 2),
                        with_immediate(VectorOpcode::kMultiply, 4, 4, one_minus_beta1),
                        binary(VectorOpcode::kAdd, 2, 2, 4),
                        store(2, 2),
                        with_immediate(VectorOpcode::kMultiply, 3, 3, fp32_beta2),
                        with_immediate(VectorOpcode::kMultiply, 5, 1, one_minus_beta2),
                        binary(VectorOpcode::kMultiply, 5, 5, 1),
                        binary(VectorOpcode::kAdd, 3, 3, 5),
                        store(3, 3),
                        square_root(6, 3),
                        with_immediate(VectorOpcode::kDivide, 6, 6, root_correction),
                        with_immediate(VectorOpcode::kAdd, 6, 6, fp32_epsilon),
                        with_immediate(VectorOpcode::kMultiply, 7, 2, negative_step),
                        binary(VectorOpcode::kDivide, 7, 7, 6),
                        binary(VectorOpcode::kAdd, 0, 0, 7),
                        store(0, 0)};

  const std::uint32_t test_seed = seed();
  INFO("CORANK_TEST_SEED=" << test_seed);
  for (const auto& machine : machines()) {
    INFO(describe(*machine));
    // 8 x 40 elements in whole panels: consecutive lines are consecutive rows of a panel.
    const auto lanes = static_cast<std::size_t>(machine->shape().lanes);
    const auto lines = static_cast<std::uint32_t>((40 + lanes - 1) / lanes * 8);
    VectorCommand command;
    command.length = static_cast<std::uint32_t>(program.size());
    command.rows = 8;
    command.columns = 40;
    for (std::uint32_t s = 0; s < 4; ++s) set_stream(command, s, in_accumulator(s * lines, 8));

    std::mt19937 engine(test_seed);
    std::normal_distribution<float> normal;
    std::vector<std::uint32_t>& memory = machine->memories().accumulator;
    const std::size_t region = lines * lanes;
    for (std::size_t i = 0; i < region; ++i) {
      memory[i] = bits_of(0.02f * normal(engine));
      memory[region + i] = bits_of(1e-3f * normal(engine));
      memory[2 * region + i] = bits_of(1e-3f * normal(engine));
      memory[3 * region + i] = bits_of(std::abs(1e-6f * normal(engine)));
    }
    const std::vector<std::uint32_t> before = memory;

    machine->write_program(0, encode(program));
    const Run result = run(*machine, {0, command});
    CHECK(result.cycles == duration(command, program, machine->shape()));
    machine->memories();

    for (std::size_t row = 0; row < 8; ++row) {
      for (std::size_t column = 0; column < 40; ++column) {
        const std::size_t i = (column / lanes * 8 + row) * lanes + column % lanes;
        float w = float_from_bits(before[i]);
        const float g = float_from_bits(before[region + i]);
        float m = float_from_bits(before[2 * region + i]);
        float v = float_from_bits(before[3 * region + i]);
        w = w * decay;
        m = m + one_minus_beta1 * (g - m);
        v = v * fp32_beta2 + (one_minus_beta2 * g) * g;
        const float d = std::sqrt(v) / root_correction + fp32_epsilon;
        w = w + (negative_step * m) / d;
        INFO("row " << row << ", column " << column);
        REQUIRE(memory[i] == bits_of(w));
        REQUIRE(memory[region + i] == before[region + i]);
        REQUIRE(memory[2 * region + i] == bits_of(m));
        REQUIRE(memory[3 * region + i] == bits_of(v));
      }
    }
  }
}

TEST_CASE("every instruction is right for every pair of special numbers", "[vector]") {
  const FloatEnvironment environment;
  // Zeros, subnormals, the smallest and the largest normal numbers, one and its neighbours,
  // infinities, NaNs; then any numbers beside their neighbours.
  std::vector<std::uint32_t> specials{
      0x00000000u, 0x00000001u, 0x007FFFFFu, 0x00800000u, 0x00800001u, 0x3F7FFFFFu, 0x3F800000u,
      0x3F800001u, 0x7F7FFFFFu, 0x7F800000u, 0x7F800001u, 0x7FC00000u, 0x7FFFFFFFu};
  Generator random(seed());
  for (int i = 0; i < 2; ++i) {
    const std::uint32_t any = random.number(0x7F000000u) + 0x00800000u;
    specials.insert(specials.end(), {any, any + 1});
  }
  const std::size_t positive = specials.size();
  for (std::size_t i = 0; i < positive; ++i) specials.push_back(specials[i] | 0x80000000u);
  const auto count = static_cast<std::uint32_t>(specials.size());

  const auto opcode = GENERATE(from_range(interface::kVectorOpcodes));
  // Numbers of rows and columns have no operands.
  if (!interface::is_arithmetic(opcode) || opcode == VectorOpcode::kRowNumber ||
      opcode == VectorOpcode::kColumnNumber)
    return;
  // The third operand is the first one once more.
  const Program program{load(0, 0), load(1, 1), ternary(opcode, 2, 0, 1, 0), store(2, 2)};
  for (const auto& machine : machines()) {
    INFO(describe(*machine) << ", opcode " << static_cast<std::uint32_t>(opcode));
    // A row for each first operand, a column for each second one.
    const auto lanes = static_cast<std::uint32_t>(machine->shape().lanes);
    const std::uint32_t region = (count + lanes - 1) / lanes * count;
    REQUIRE(3 * region <= static_cast<std::uint32_t>(machine->lines()));
    const auto place = [&](std::uint32_t of, std::uint32_t i, std::uint32_t j) {
      return std::size_t{of * region + j / lanes * count + i} * lanes + j % lanes;
    };
    std::vector<std::uint32_t>& memory = machine->memories().accumulator;
    for (std::uint32_t i = 0; i < count; ++i) {
      for (std::uint32_t j = 0; j < count; ++j) {
        memory[place(0, i, j)] = specials[i];
        memory[place(1, i, j)] = specials[j];
      }
    }
    VectorCommand command;
    command.length = static_cast<std::uint32_t>(program.size());
    command.rows = command.columns = count;
    for (std::uint32_t s = 0; s < 3; ++s) set_stream(command, s, in_accumulator(s * region, count));
    machine->write_program(0, encode(program));
    LocalMemories expected = machine->memories();
    interpret(command, program, machine->shape(), expected);
    const Run result = run(*machine, {0, command});
    require_equal(machine->memories(), expected);
    CHECK(result.events == Counts{{interface::counter_of(opcode), count * count}});
    CHECK(result.cycles == duration(command, program, machine->shape()));

    if (opcode != VectorOpcode::kMaximum) continue;
    const auto of = [&](std::uint32_t a, std::uint32_t b) {
      const auto index = [&](std::uint32_t bits) {
        return static_cast<std::uint32_t>(std::find(specials.begin(), specials.end(), bits) -
                                          specials.begin());
      };
      return memory[place(2, index(a), index(b))];
    };
    CHECK(of(0x00000000u, 0x80000000u) == 0u);  // +0 is above -0, in either order
    CHECK(of(0x80000000u, 0x00000000u) == 0u);
    CHECK(of(0x80000000u, 0x80000000u) == 0x80000000u);
    CHECK(of(0x807FFFFFu, 0xBF800000u) == 0x80000000u);  // a subnormal is a zero of its sign
    CHECK(of(0xFF800000u, 0x7F800001u) ==
          0x7FC00000u);  // a NaN wins, and becomes the canonical one
    CHECK(of(0xFFFFFFFFu, 0x7F800000u) == 0x7FC00000u);
    CHECK(of(0xBF800001u, 0xBF800000u) == 0xBF800000u);
  }
}

TEST_CASE("every request has the cycle that the header gives it", "[vector]") {
  // 3 x 10 on 4 lanes: 3 beats a row, 9 beats, a strip of 8 and one of 1.
  // First strip from cycle 3 on: load 8, multiply 8, divide 8 * 15, store 8 = 144 cycles.
  // Second strip from cycle 147 on: load 7, multiply 7, divide 15 + 6, store 7 = 42 cycles.
  // Reads one cycle after the issue, writes two; completion two cycles after the last cycle, 188.
  const Program program{load(0, 0), binary(VectorOpcode::kMultiply, 1, 0, 0),
                        with_immediate(VectorOpcode::kDivide, 1, 1, 3.0f), store(1, 1)};
  VectorCommand command;
  command.length = 4;
  command.rows = 3;
  command.columns = 10;
  set_stream(command, 0, in_accumulator(0, 3));
  set_stream(command, 1, in_accumulator(100, 3));
  const auto all = machines();
  VectorMachine& machine = *all[1];
  REQUIRE(machine.shape().vector_lanes == 4);
  machine.write_program(0, encode(program));
  const Run result = run(machine, {0, command});
  CHECK(result.reads == std::vector<std::int64_t>{4, 5, 6, 7, 8, 9, 10, 11, 148});
  CHECK(result.writes == std::vector<std::int64_t>{141, 142, 143, 144, 145, 146, 147, 148, 184});
  CHECK(result.cycles == 190);
  CHECK(result.busy == 9 * 18);
  CHECK(result.latency == 189 - 9 * 18);
}

TEST_CASE("streams lie in panels, as they are, transposed or broadcast", "[vector]") {
  // 2 x 9 on 4 lanes with 8 elements a line: y = x + t + bias, with values that name their place.
  const auto all = machines();
  VectorMachine& machine = *all[1];
  REQUIRE(machine.shape().lanes == 8);
  std::vector<std::uint16_t>& scratchpad = machine.memories().scratchpad;
  std::vector<std::uint32_t>& accumulator = machine.memories().accumulator;
  const auto bf16 = [](int value) {
    return static_cast<std::uint16_t>(bits_of(static_cast<float>(value)) >> 16);
  };
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t j = 0; j < 9; ++j) {
      const int name = static_cast<int>(16 * i + j);
      scratchpad[(10 + j / 8 * 5 + i) * 8 + j % 8] = bf16(name);
      scratchpad[(40 + j) * 8 + i] = bf16(64 * (name % 4));  // transposed: [9, 2], one panel
      accumulator[(20 + j / 8 * 3) * 8 + j % 8] = bits_of(static_cast<float>(256 * j));
    }
  }
  VectorCommand command;
  command.length = 6;
  command.rows = 2;
  command.columns = 9;
  set_stream(command, 0, {10, false, false, false, 5});
  set_stream(command, 1, {40, false, true, false, 9});
  set_stream(command, 2, {20, true, false, true, 3});
  set_stream(command, 3, {60, true, true, false, 9});
  machine.write_program(
      0, encode(Program{load(0, 0), load(1, 1), load(2, 2), binary(VectorOpcode::kAdd, 0, 0, 1),
                        binary(VectorOpcode::kAdd, 0, 0, 2), store(3, 0)}));
  run(machine, {0, command});
  machine.memories();
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t j = 0; j < 9; ++j) {
      const int name = static_cast<int>(16 * i + j);
      INFO("element " << i << ", " << j);
      CHECK(float_from_bits(accumulator[(60 + j) * 8 + i]) ==
            static_cast<float>(name + 64 * (name % 4) + 256 * static_cast<int>(j)));
    }
  }
}

TEST_CASE("a command may follow in the cycle in which the one before it completes", "[vector]") {
  const FloatEnvironment environment;
  const std::uint32_t test_seed = seed();
  INFO("CORANK_TEST_SEED=" << test_seed);
  Generator random(test_seed);
  for (const auto& machine : machines()) {
    INFO(describe(*machine));
    random.fill(machine->memories());
    LocalMemories expected = machine->memories();
    const Program program{load(0, 0), square_root(1, 0), binary(VectorOpcode::kAdd, 2, 1, 0),
                          store(1, 2)};
    machine->write_program(17, encode(program));
    std::vector<QueuedCommand> commands;
    for (std::uint32_t i = 0; i < 10; ++i) {
      QueuedCommand queued{100 + i, random.command(machine->shape(), machine->lines())};
      queued.command.first_instruction = 17;
      queued.command.length = 4;
      interpret(queued.command, program, machine->shape(), expected);
      commands.push_back(queued);
    }
    std::size_t accepted = 0, completed = 0;
    std::int64_t accepted_at = 0;
    for (std::int64_t t = 0; completed < commands.size(); ++t) {
      Stimulus stimulus;
      if (accepted < commands.size()) stimulus.command = commands[accepted];
      const Cycle cycle = machine->step(stimulus);
      if (cycle.completion) {
        const QueuedCommand& done = commands[completed++];
        REQUIRE(cycle.completion->index == done.index);
        REQUIRE(t - accepted_at == duration(done.command, program, machine->shape()));
      }
      if (cycle.ready && stimulus.command) {
        REQUIRE(accepted == completed);  // one command at a time
        ++accepted;
        accepted_at = t;
      } else {
        REQUIRE((accepted > completed || accepted == commands.size()));
      }
    }
    require_equal(machine->memories(), expected);
  }
}

TEST_CASE("an instruction without a meaning is a fault, after those before it", "[vector]") {
  for (const auto& machine : machines()) {
    INFO(describe(*machine));
    // 1 x 8 lanes: 8 beats of one strip. The bad instruction would be issued in cycle
    // 3 + 8 + 8 = 19.
    const std::int64_t columns = 8 * machine->shape().vector_lanes;
    std::vector<std::uint32_t>& memory = machine->memories().accumulator;
    for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<std::uint32_t>(i);
    const std::vector<std::uint32_t> before = memory;
    Instruction bad = load(0, 0);
    bad.opcode = 0x80;
    machine->write_program(30, encode(Program{load(0, 0), store(1, 0), bad, store(2, 0)}));
    VectorCommand command;
    command.first_instruction = 30;
    command.length = 4;
    command.rows = 1;
    command.columns = static_cast<std::uint32_t>(columns);
    set_stream(command, 0, in_accumulator(0, 1));
    set_stream(command, 1, in_accumulator(300, 1));
    set_stream(command, 2, in_accumulator(600, 1));

    machine->step({QueuedCommand{3, command}, false});
    for (std::int64_t t = 1; t < 100; ++t) {
      const Cycle cycle = machine->step({QueuedCommand{4, command}, t > 30});
      INFO("cycle " << t);
      CHECK_FALSE(cycle.completion);
      CHECK_FALSE(cycle.ready);
      REQUIRE(cycle.fault.has_value() == (t == 19));
      if (cycle.fault) {
        CHECK(cycle.fault->cause == kIllegalInstruction);
        CHECK(cycle.fault->address == 32);
        CHECK(cycle.current_index == 3);
      }
      CHECK(cycle.idle == (t >= 21));  // in cycle 20 the last element is stored
    }
    machine->memories();
    for (std::size_t i = 0; i < memory.size(); ++i) {
      const std::size_t lanes = static_cast<std::size_t>(machine->shape().lanes);
      const bool stored = i >= 300 * lanes && i < 300 * lanes + static_cast<std::size_t>(columns);
      REQUIRE(memory[i] == (stored ? before[i - 300 * lanes] : before[i]));
    }
    machine->reset();
    Example().require_right(*machine, 1);
  }
}

TEST_CASE("a stop takes precedence over a fault of the same cycle", "[vector]") {
  // One beat: the second instruction, which has no meaning, would be issued in cycle 3 + 7 = 10.
  VectorCommand command;
  command.length = 2;
  command.rows = 1;
  command.columns = 1;
  for (const auto& machine : machines()) {
    INFO(describe(*machine));
    machine->write_program(0, {encode(load(0, 0)), kNoInstruction});
    for (const std::int64_t stop : {9, 10}) {
      machine->step({QueuedCommand{0, command}, false});
      for (std::int64_t t = 1; t < 20; ++t) {
        INFO("stop in cycle " << stop << ", cycle " << t);
        const Cycle cycle = machine->step({std::nullopt, t >= stop});
        CHECK(cycle.fault.has_value() == (stop == 10 && t == 10));
      }
      machine->reset();
    }
  }
}

TEST_CASE("a program beyond the program memory is a fault", "[vector]") {
  struct Case {
    std::uint32_t first, length;
    std::uint64_t address;
    std::int64_t cycle;
  };
  // One beat: slots of 7 cycles from cycle 3 on.
  const auto c =
      GENERATE(Case{254, 3, 256, 17}, Case{256, 1, 256, 3}, Case{65535, 65535, 65535, 3});
  for (const auto& machine : machines()) {
    INFO(describe(*machine) << ", from " << c.first);
    machine->write_program(0, encode(Program(256, load(1, 0))));
    VectorCommand command;
    command.first_instruction = c.first;
    command.length = c.length;
    command.rows = 1;
    command.columns = 1;
    machine->step({QueuedCommand{0, command}, false});
    for (std::int64_t t = 1; t < 40; ++t) {
      const Cycle cycle = machine->step({});
      CHECK_FALSE(cycle.completion);
      REQUIRE(cycle.fault.has_value() == (t == c.cycle));
      if (cycle.fault) {
        CHECK(cycle.fault->cause == kIllegalInstruction);
        CHECK(cycle.fault->address == c.address);
      }
    }
    machine->reset();
  }
}

TEST_CASE("a program fits up to the last word, and what is beyond does not wrap", "[vector]") {
  for (const auto& machine : machines()) {
    INFO(describe(*machine));
    const Example example;
    machine->write_program(0, encode(example.program));
    // Instructions without a meaning from 251 on; those from 256 on must not land at 0.
    machine->write_program(251, std::vector<std::uint64_t>(40, kNoInstruction));
    const Run first = run(*machine, {0, example.command});
    CHECK(first.cycles == duration(example.command, example.program, machine->shape()));
    machine->write_program(251, encode(example.program));
    VectorCommand command = example.command;
    command.first_instruction = 251;
    const Run last = run(*machine, {0, command});
    CHECK(last.cycles == first.cycles);
  }
}

TEST_CASE("stop ends a command at any moment, within three cycles", "[vector]") {
  const Example example(GENERATE(false, true));
  for (const auto& machine : machines()) {
    INFO(describe(*machine) << ", walk " << example.command.walk);
    machine->write_program(0, encode(example.program));
    const std::int64_t length = duration(example.command, example.program, machine->shape());
    for (std::int64_t stop = 1; stop <= length; stop += stop < 120 || stop > length - 20 ? 1 : 13) {
      INFO("stop in cycle " << stop);
      machine->step({QueuedCommand{0, example.command}, false});
      for (std::int64_t t = 1; t < stop + 40; ++t) {
        // The next command waits all the time.
        const Cycle cycle = machine->step({QueuedCommand{1, example.command}, t >= stop});
        REQUIRE_FALSE(cycle.completion);
        REQUIRE_FALSE(cycle.fault);
        REQUIRE_FALSE(cycle.ready);
        if (t >= stop + 3) {
          REQUIRE(cycle.idle);
          REQUIRE(cycle.activity == kActivityIdle);
          REQUIRE_FALSE(cycle.read);
          REQUIRE_FALSE(cycle.write);
        }
      }
      machine->reset();
    }
    example.require_right(*machine, 2);
  }
}

TEST_CASE("a unit without a command takes none while it is stopped", "[vector]") {
  for (const auto& machine : machines()) {
    for (int t = 0; t < 10; ++t) {
      const Cycle cycle = machine->step({QueuedCommand{0, Example().command}, true});
      CHECK_FALSE(cycle.ready);
      CHECK(cycle.idle);
    }
    Example().require_right(*machine, 3);
  }
}

TEST_CASE("a reset in the middle of a command leaves nothing behind", "[vector]") {
  const Example example(GENERATE(false, true));
  for (const auto& machine : machines()) {
    machine->write_program(0, encode(example.program));
    for (const int cycles : {1, 2, 3, 4, 5, 12, 20, 27, 28, 40, 77}) {
      INFO(describe(*machine) << ", reset after " << cycles);
      machine->step({QueuedCommand{0, example.command}, false});
      for (int t = 1; t < cycles; ++t) machine->step({});
      machine->reset();
      const Cycle cycle = machine->step({});
      CHECK(cycle.idle);
      CHECK(cycle.ready);
      CHECK_FALSE(cycle.read);
      CHECK_FALSE(cycle.write);
      CHECK_FALSE(cycle.event);
      example.require_right(*machine, static_cast<std::uint32_t>(cycles));
    }
  }
}

}  // namespace corank::vector_test
