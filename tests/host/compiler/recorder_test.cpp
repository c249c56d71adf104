#include "host/compiler/recorder.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "host/compiler/ops/op_lowering.h"
#include "host/compiler/ops/regions.h"
#include "models/base/error.h"
#include "models/base/numerics.h"
#include "models/base/vector_arithmetic.h"
#include "models/reference/bit_exact.h"
#include "sim/cycle/vector_kernel.h"
#include "tests/host/compiler/recorded_functions.h"

using namespace corank;
using interface::VectorOpcode;
using test::decoded;

namespace {

constexpr AdamWConstants kConstants{0.5f, 0.125f, 0.75f, 0.25f, 1.5f, 2.0f, -3.0f};

struct StreamOf {
  int stream;
  std::string value;
};

/// One op, as a graph for the reference and as a program for the vector unit.
struct Recording {
  Graph graph;
  std::vector<StreamOf> inputs, outputs;
  VectorProgram program;
  TensorMap constants;  // that it is fed
};

/// Of a graph of one op.
Recording recorded(Graph graph) {
  Recording one;
  const OpLowering lowering = lowerings_of(graph).front();
  for (int i = 0; i < static_cast<int>(lowering.streams.size()); ++i) {
    const ElementStream& stream = lowering.streams[static_cast<std::size_t>(i)];
    if (stream.operand >= 0) one.inputs.push_back({i, graph.value(stream.operand).name});
    if (stream.result >= 0) one.outputs.push_back({i, graph.value(stream.result).name});
  }
  one.program = lowering.program;
  one.graph = std::move(graph);
  return one;
}

ValueId add_input(Graph& graph, const std::string& name, std::int64_t elements) {
  return add_value(graph, {name, {elements}, DType::F32, Role::kInput});
}

Recording conversion(std::int64_t elements) {
  Graph graph;
  add_convert(graph, "out", add_input(graph, "in", elements));
  return recorded(std::move(graph));
}

Recording scaling(std::int64_t elements, float factor) {
  Graph graph;
  add_scale(graph, "out", add_input(graph, "in", elements), factor, DType::F32);
  return recorded(std::move(graph));
}

Recording rectifying(std::int64_t elements) {
  Graph graph;
  add_activation(graph, "out", add_input(graph, "in", elements), ActivationFunction::kRelu,
                 DType::F32);
  return recorded(std::move(graph));
}

Recording of_two(std::int64_t elements,
                 ValueId (*add)(Graph&, const std::string&, ValueId, ValueId, DType)) {
  Graph graph;
  const ValueId left = add_input(graph, "left", elements);
  add(graph, "out", left, add_input(graph, "right", elements), DType::F32);
  return recorded(std::move(graph));
}

ValueId add_parameter(Graph& graph, std::int64_t elements) {
  return add_value(graph, {"w", {elements}, DType::F32, Role::kTrainable});
}

ValueId add_constants(Graph& graph, std::int64_t count) {
  return add_value(graph, {"constants", {count}, DType::F32, Role::kConstants});
}

/// With the constants in their places.
Recording fed(Recording one, const Tensor& constants) {
  one.constants["constants"] = constants;
  for (const FedImmediate& immediate : one.program.fed)
    set_immediate(one.program.instructions[immediate.instruction],
                  bits_of(constants.data<float>()[immediate.element]));
  return one;
}

Recording adamw(std::int64_t elements, const AdamWConstants& constants, bool decays) {
  Graph graph;
  const ValueId parameter = add_parameter(graph, elements);
  const ValueId gradient = add_input(graph, "g", elements);
  add_adamw(graph, parameter, gradient, add_constants(graph, kAdamWConstants), decays);
  return fed(recorded(std::move(graph)), tensor_of(constants));
}

Recording sgd(std::int64_t elements, const SgdOptions& options, std::int64_t step) {
  Graph graph;
  const ValueId parameter = add_parameter(graph, elements);
  const ValueId gradient = add_input(graph, "g", elements);
  add_sgd(graph, parameter, gradient, add_constants(graph, kSgdConstants), form_of(options));
  return fed(recorded(std::move(graph)), tensor_of(constants_of(options, step)));
}

Recording scaling_by(std::int64_t elements, float factor) {
  Graph graph;
  const ValueId in = add_input(graph, "in", elements);
  add_scale_by(graph, "out", in, add_constants(graph, 1), DType::F32);
  Tensor constant(DType::F32, {1});
  *constant.data<float>() = factor;
  return fed(recorded(std::move(graph)), constant);
}

VectorProgram epilogue(float scale, bool bias) {
  Graph graph;
  const ValueId a = add_value(graph, {"a", {1, 1}, DType::BF16, Role::kInput});
  std::optional<ValueId> row;
  if (bias) row = add_value(graph, {"bias", {1, 1}, DType::F32, Role::kInput});
  add_contraction(graph, "out", {{a, false, a, false, {}}}, scale, row, DType::BF16, Role::kResult);
  return lowerings_of(graph).front().program;
}

/// Runs the program on the cycle model's vector unit, a row of one element each: FP32 streams in
/// the accumulator memory, one block of lines after another, BF16 ones in the scratchpad.
void run_on_vector_unit(const Recording& one, std::int64_t elements, TensorMap& values) {
  const auto rows = static_cast<std::uint32_t>((elements + 15) / 16);
  cycle_model::LocalMemories local{{16, 4 * rows, true}, {16, 4 * rows, true}};
  interface::VectorCommand command;
  command.rows = rows;
  command.columns = 16;
  std::uint32_t* const places[] = {&command.stream0, &command.stream1, &command.stream2,
                                   &command.stream3};
  const auto line = [&](const StreamOf& stream) {
    return static_cast<std::uint32_t>(stream.stream) * rows;
  };
  for (const StreamOf& input : one.inputs) {
    *places[input.stream] = line(input) | 1u << 24;
    const auto* from = values.at(input.value).data<float>();
    std::copy_n(from, elements, local.accumulator.line(line(input)));
  }
  for (const StreamOf& output : one.outputs) {
    const bool wide = one.graph.value(*find_value(one.graph, output.value)).dtype == DType::F32;
    *places[output.stream] = line(output) | (wide ? 1u << 24 : 0u);
  }
  test::run_on_model(one.program, command, 8, local);
  for (const StreamOf& output : one.outputs) {
    const Value& value = one.graph.value(*find_value(one.graph, output.value));
    Tensor& tensor = values[value.name] = Tensor(value.dtype, value.shape);
    if (value.dtype == DType::F32)
      std::copy_n(local.accumulator.line(line(output)), elements, tensor.data<float>());
    else
      std::copy_n(local.scratchpad.line(line(output)), elements, tensor.data<std::uint16_t>());
  }
}

/// Half of them any bits, NaNs and subnormals among them, the others of the size of a gradient or
/// special: zeros, the smallest and largest numbers, infinities.
float any_number(std::mt19937_64& generator) {
  const std::uint64_t random = generator();
  const auto bits = static_cast<std::uint32_t>(random);
  if ((random >> 32 & 1) != 0) return float_from_bits(bits);
  if ((random >> 33 & 15) != 0) return float_from_bits((bits & 0x83FF'FFFFu) | 0x3800'0000u);
  constexpr std::uint32_t kSpecials[] = {0x00000000, 0x00000001, 0x007FFFFF, 0x00800000,
                                         0x3F800000, 0x7F7FFFFF, 0x7F800000, 0x7FC00000};
  return float_from_bits((bits & 0x8000'0000u) | kSpecials[random >> 37 & 7]);
}

void require_equal_bits(const Recording& one, std::int64_t elements, const TensorMap& inputs) {
  TensorMap expected = inputs, computed = inputs;
  run_bit_exact(one.graph, expected);
  run_on_vector_unit(one, elements, computed);
  for (const StreamOf& output : one.outputs) {
    const std::vector<std::byte>& bytes = computed.at(output.value).bytes;
    const auto [difference, reference] =
        std::mismatch(bytes.begin(), bytes.end(), expected.at(output.value).bytes.begin());
    INFO(output.value << " from byte " << difference - bytes.begin() << " on");
    REQUIRE(std::equal(difference, bytes.end(), reference));
  }
}

void compare(const Recording& one, std::int64_t elements, std::mt19937_64& generator) {
  TensorMap inputs = one.constants;
  for (const StreamOf& input : one.inputs) {
    Tensor& tensor = inputs[input.value] = Tensor(DType::F32, {elements});
    for (std::int64_t i = 0; i < elements; ++i) tensor.data<float>()[i] = any_number(generator);
  }
  require_equal_bits(one, elements, inputs);
}

/// Every op with `count` elements, in several portions with constants of their own.
void compare_all(std::int64_t count, std::uint64_t seed) {
  INFO("seed " << seed);
  std::mt19937_64 generator(seed);
  constexpr std::int64_t kPortions = 16;
  const std::int64_t elements = count / kPortions;
  for (std::int64_t step = 1; step <= kPortions; ++step) {
    INFO("portion " << step);
    compare(conversion(elements), elements, generator);
    compare(of_two(elements, add_add), elements, generator);
    compare(of_two(elements, add_multiply), elements, generator);
    compare(scaling(elements, float_from_bits(0x3F000000u + static_cast<std::uint32_t>(step))),
            elements, generator);
    compare(rectifying(elements), elements, generator);
    compare(scaling_by(elements, static_cast<float>(step) / 3), elements, generator);
    AdamWOptions options;
    options.weight_decay = step % 2 == 0 ? 0.0 : 0.01;
    compare(adamw(elements, constants_of(options, step), options.weight_decay != 0), elements,
            generator);
    SgdOptions descent;
    descent.momentum = step % 4 == 0 ? 0.0 : 0.9;
    descent.nesterov = step % 4 == 1;
    descent.dampening = step % 4 == 2 ? 0.1 : 0.0;
    descent.weight_decay = step % 8 < 4 ? 0.0 : 0.01;
    compare(sgd(elements, descent, step), elements, generator);
  }
}

}  // namespace

TEST_CASE("AdamW is recorded as four loads and its operations, each result stored at once") {
  // Opcode, destination, operands: written down by hand of the formats of INTERFACE.md.
  std::vector<std::uint64_t> expected = {
      0x0000000000000000,  // r0 = parameter
      0x0040010000000000,  // r1 = gradient
      0x0080020000000000,  // r2 = first moment
      0x00C0030000000000,  // r3 = second moment
      0x001000043F000000,  // r0 = r0 * decay
      0x0002140300000000,  // r4 = r1 - r2
      0x001044043E000000,  // r4 = r4 * one_minus_beta1
      0x0004220200000000,  // r2 = r2 + r4
      0x0080200100000000,  // first moment = r2
      0x001033043F400000,  // r3 = r3 * beta2
      0x001014043E800000,  // r4 = r1 * one_minus_beta2
      0x0001440400000000,  // r4 = r4 * r1
      0x0004330200000000,  // r3 = r3 + r4
      0x00C0300100000000,  // second moment = r3
      0x0000350600000000,  // r5 = square root of r3
      0x001055053FC00000,  // r5 = r5 / root_bias_correction2
      0x0010550240000000,  // r5 = r5 + epsilon
      0x00102404C0400000,  // r4 = r2 * negative_step_size
      0x0005440500000000,  // r4 = r4 / r5
      0x0004000200000000,  // r0 = r0 + r4
      0x0000000100000000,  // parameter = r0
  };
  CHECK(adamw(1, kConstants, true).program.instructions == expected);
  expected.erase(expected.begin() + 4);
  CHECK(adamw(1, kConstants, false).program.instructions == expected);
}

TEST_CASE("conversions and epilogues are recorded with no instruction to spare") {
  constexpr std::uint64_t kLoadIn = 0x0000000000000000, kScale = 0x001000043F000000,
                          kLoadBias = 0x0040010000000000, kAddBias = 0x0001000200000000,
                          kStoreOut = 0x0080000100000000;
  CHECK(conversion(1).program.instructions ==
        std::vector<std::uint64_t>{kLoadIn, 0x0040000100000000});
  CHECK(epilogue(1.0f, false).instructions == std::vector<std::uint64_t>{kLoadIn, kStoreOut});
  CHECK(epilogue(0.5f, false).instructions ==
        std::vector<std::uint64_t>{kLoadIn, kScale, kStoreOut});
  CHECK(epilogue(1.0f, true).instructions ==
        std::vector<std::uint64_t>{kLoadIn, kLoadBias, kAddBias, kStoreOut});
  CHECK(epilogue(0.5f, true).instructions ==
        std::vector<std::uint64_t>{kLoadIn, kScale, kLoadBias, kAddBias, kStoreOut});
}

TEST_CASE("a number that its successor is computed of is not overwritten too early") {
  // x = (y + 1) * x: y + 1 must not go where x lies.
  Recorder recorder;
  Recorded x = recorder.load(0);
  const Recorded y = recorder.load(1);
  x = (y + 1.0f) * x;
  recorder.store(0, x);
  const std::vector<interface::VectorInstruction> program = decoded(recorder.program());
  REQUIRE(program.size() == 5);
  CHECK(program[2].opcode == VectorOpcode::kAdd);
  CHECK(program[2].a == 1);
  CHECK(program[2].destination == 2);
  CHECK(program[3].opcode == VectorOpcode::kMultiply);
  CHECK(program[3].a == 2);
  CHECK(program[3].b == 0);
  CHECK(program[3].destination == 2);
  CHECK(program[4].opcode == VectorOpcode::kStore);
  CHECK(program[4].a == 2);
}

TEST_CASE("what does not change is not stored, and nothing is loaded for it") {
  Recorder recorder;
  const Recorded same = recorder.load(0), other = recorder.load(1);
  const Recorded sum = other + 1.0f;
  recorder.store(0, same);
  recorder.store(1, sum);
  const std::vector<interface::VectorInstruction> program = decoded(recorder.program());
  REQUIRE(program.size() == 3);
  CHECK(program[0].opcode == VectorOpcode::kLoad);
  CHECK(program[0].stream == 1);
  CHECK(program[2].opcode == VectorOpcode::kStore);
  CHECK(program[2].stream == 1);
}

TEST_CASE(
    "operands that are fed are noted, and programs that are fed otherwise are different ones") {
  const auto program = [](ValueId value, int element) {
    Recorder recorder;
    const Recorded x = recorder.load(0);
    recorder.store(1, (x + 1.0f) * Recorder::Operand(value, element));
    return recorder.program();
  };
  const VectorProgram one = program(7, 2);
  REQUIRE(one.size() == 4);
  CHECK(one.fed == std::vector<FedImmediate>{{2, 7, 2}});
  CHECK(one.instructions[2] == 0x0010110400000000);  // r1 = r1 * what is fed
  CHECK(one == program(7, 2));
  CHECK_FALSE(one == program(7, 3));
  CHECK_FALSE(one == program(8, 2));
  CHECK(one.instructions == program(8, 3).instructions);
  // All in one, equal ones once.
  const VectorProgram other = program(8, 2);
  const Programs all = gather({&one, &other, &one});
  CHECK(all.fit());
  REQUIRE(all.places.size() == 3);
  CHECK(all.places[0].first == 0);
  CHECK(all.places[1].first == 4);
  CHECK(all.places[2].first == 0);
  CHECK(all.places[1].length == 4);
  CHECK(all.fed == std::vector<FedImmediate>{{2, 7, 2}, {6, 8, 2}});
  std::uint64_t word = one.instructions[2];
  set_immediate(word, bits_of(1.5f));
  CHECK(word == (one.instructions[2] | 0x3FC00000));
}

TEST_CASE("a recorded maximum has the reference's bits, of two numbers and of a constant") {
  const FloatEnvironment environment;
  constexpr std::int64_t kElements = 100'000;
  Recording one;
  add_value(one.graph, {"larger", {kElements}, DType::F32, Role::kResult});
  add_value(one.graph, {"rectified", {kElements}, DType::F32, Role::kResult});
  one.inputs = {{0, "left"}, {1, "right"}};
  one.outputs = {{2, "larger"}, {3, "rectified"}};
  Recorder recorder;
  const Recorded a = recorder.load(0), b = recorder.load(1);
  recorder.store(2, maximum(a, b));
  recorder.store(3, maximum(a, 0.0f));
  one.program = recorder.program();
  CHECK(decoded(one.program)[2].opcode == VectorOpcode::kMaximum);

  std::mt19937_64 generator(7);
  TensorMap values{{"left", Tensor(DType::F32, {kElements})},
                   {"right", Tensor(DType::F32, {kElements})}};
  for (auto& [name, tensor] : values)
    for (std::int64_t i = 0; i < kElements; ++i) tensor.data<float>()[i] = any_number(generator);
  run_on_vector_unit(one, kElements, values);
  for (std::int64_t i = 0; i < kElements; ++i) {
    const float left = values.at("left").data<float>()[i];
    const float right = values.at("right").data<float>()[i];
    INFO(bits_of(left) << ", " << bits_of(right));
    REQUIRE(bits_of(values.at("larger").data<float>()[i]) == bits_of(maximum(left, right)));
    REQUIRE(bits_of(values.at("rectified").data<float>()[i]) == bits_of(maximum(left, 0)));
  }
}

TEST_CASE("a body that needs more registers than there are is refused") {
  Recorder recorder;
  std::vector<Recorded> numbers;
  for (int i = 0; i < 16; ++i) numbers.push_back(recorder.load(0));
  CHECK_THROWS_AS(recorder.load(0), MachineError);
  numbers.pop_back();
  CHECK_NOTHROW(numbers.front() + numbers.back());
}

TEST_CASE("a recorded conversion has the reference's bits for every BF16 number") {
  const std::int64_t elements = 0x10000;
  TensorMap inputs{{"in", Tensor(DType::F32, {elements})}};
  for (std::int64_t i = 0; i < elements; ++i)
    inputs.at("in").data<float>()[i] = widen(static_cast<std::uint16_t>(i));
  require_equal_bits(conversion(elements), elements, inputs);
}

TEST_CASE("recorded programs have the reference's bits for ten million numbers each", "[long]") {
  compare_all(10'000'000, 14);
}

TEST_CASE("An instruction has up to three operands, one of which may be a constant") {
  Recorder recorder;
  {
    const Recorded a = recorder.load(0);
    const Recorded b = recorder.load(1);
    const Recorded product = multiply_add(a, b, 2.5f);
    const Recorded mask = less(product, a);
    const Recorded chosen = select(mask, 7, b);
    const Recorded one = constant(mask, 1.0f);
    recorder.store(2, int_add(shift_left(to_integer(chosen), 3), one));
  }
  const std::vector<interface::VectorInstruction> program = decoded(recorder.program());
  REQUIRE(program.size() == 10);
  CHECK(program[2].opcode == VectorOpcode::kMultiplyAdd);
  CHECK(program[2].destination == 2);
  CHECK(program[2].a == 0);
  CHECK(program[2].b == 1);
  CHECK(program[2].b_immediate == 0);
  CHECK(program[2].c_immediate == 1);
  CHECK(program[2].immediate == bits_of(2.5f));
  CHECK(program[3].opcode == VectorOpcode::kLess);
  CHECK(program[3].a == 2);
  CHECK(program[3].b == 0);
  CHECK(program[4].opcode == VectorOpcode::kSelect);
  CHECK(program[4].a == 3);
  CHECK(program[4].b_immediate == 1);
  CHECK(program[4].immediate == 7);
  CHECK(program[4].c_immediate == 0);
  CHECK(program[4].c == 1);
  // A constant in a register is a selection of it, whatever the mask.
  CHECK(program[5].opcode == VectorOpcode::kSelect);
  CHECK(program[5].b_immediate == 1);
  CHECK(program[5].c_immediate == 1);
  CHECK(program[5].immediate == bits_of(1.0f));
  CHECK(program[6].opcode == VectorOpcode::kToInteger);
  CHECK(program[7].opcode == VectorOpcode::kShiftLeft);
  CHECK(program[7].immediate == 3);
  CHECK(program[8].opcode == VectorOpcode::kIntAdd);
  CHECK(program[8].b == 5);
  CHECK(program[9].opcode == VectorOpcode::kStore);
}

TEST_CASE("An instruction with two different constants is no instruction") {
  Recorder recorder;
  {
    const Recorded a = recorder.load(0);
    recorder.store(1, multiply_add(a, 2.0f, 3.0f));
  }
  CHECK_THROWS_AS(recorder.program(), MachineError);
}

TEST_CASE("Programs that the program memory does not hold together begin rows of device memory") {
  std::vector<VectorProgram> programs;
  for (int i = 0; i < 100; ++i) {
    Recorder recorder;
    recorder.store(1, recorder.load(0) + static_cast<float>(i));
    programs.push_back(recorder.program());
    REQUIRE(programs.back().size() == 3);
  }
  std::vector<const VectorProgram*> all;
  for (const VectorProgram& program : programs) all.push_back(&program);
  all.push_back(&programs.front());
  const Programs gathered = gather(all);
  CHECK_FALSE(gathered.fit());  // 300 instructions
  CHECK(gathered.places[7].first == 7 * 16);
  CHECK(gathered.places[7].length == 3);
  CHECK(gathered.places.back().first == 0);
  CHECK(gathered.instructions[7 * 16 + 1] == programs[7].instructions[1]);
}

TEST_CASE("A sum over columns is two chains in turn, their sum, and three exchanges") {
  Recorder recorder;
  {
    const Recorded sum = sum_of_columns(recorder, [&] { return recorder.load(0); });
    recorder.store(1, sum);
  }
  const std::vector<interface::VectorInstruction> program = decoded(recorder.program());
  REQUIRE(program.size() == 9);
  // Both chains begin at +0: neighbours, the first of even index.
  for (const std::size_t i : {0, 1}) {
    CHECK(program[i].opcode == VectorOpcode::kSelect);
    CHECK(program[i].destination == i);
    CHECK(program[i].immediate == 0);
    CHECK(program[i].once == 1);
    CHECK(program[i].section_end == i);
  }
  CHECK(program[2].opcode == VectorOpcode::kLoad);
  CHECK(program[2].once == 0);
  CHECK(program[3].opcode == VectorOpcode::kAdd);
  CHECK(program[3].destination == 0);
  CHECK(program[3].a == 0);
  CHECK(program[3].b == program[2].destination);
  CHECK(program[3].alternate == 1);
  CHECK(program[3].section_end == 1);
  CHECK(program[4].opcode == VectorOpcode::kAdd);  // chains i and i + 8
  CHECK(program[4].once == 1);
  CHECK(program[4].exchange == 0);
  std::uint32_t distance = 4;
  for (const std::size_t i : {5, 6, 7}) {
    CHECK(program[i].opcode == VectorOpcode::kAdd);
    CHECK(program[i].exchange == 1);
    CHECK(program[i].immediate == distance);
    CHECK(program[i].a == program[i - 1].destination);
    CHECK(program[i].b == program[i - 1].destination);
    distance /= 2;
  }
  CHECK(program[8].opcode == VectorOpcode::kStore);
  CHECK(program[8].a == program[7].destination);
  CHECK(program[8].once == 1);
}

TEST_CASE("What is computed once a row is computed on the first beat and spread") {
  Recorder recorder;
  {
    recorder.begin_once();
    const Recorded x = recorder.load(0);
    const Recorded root = once_a_row(recorder, [&] { return sqrt(x); });
    recorder.store(1, root);
  }
  const std::vector<interface::VectorInstruction> program = decoded(recorder.program());
  REQUIRE(program.size() == 4);
  CHECK(program[1].opcode == VectorOpcode::kSquareRoot);
  CHECK(program[1].alternate == 1);  // of a section once a group: the first beat alone
  CHECK(program[2].opcode == VectorOpcode::kBitOr);
  CHECK(program[2].exchange == 1);
  CHECK(program[2].b_immediate == 1);
  CHECK(program[2].immediate == 0);  // that of the first beat, or nothing
  CHECK(program[2].alternate == 0);
  for (const interface::VectorInstruction& one : program) CHECK(one.once == 1);
}
