// Functions of the reference as programs, on the vector unit's model.
#include "tests/host/compiler/recorded_functions.h"

#include <catch2/catch.hpp>
#include <random>

#include "models/base/numerics.h"
#include "sim/cycle/vector_kernel.h"

using namespace corank;
using namespace corank::test;

namespace {

constexpr std::uint32_t kLanes = 16;

/// Stream 0 and 1 of a command over words that fill half of the accumulator memory.
std::vector<std::uint32_t> executed(const VectorProgram& program,
                                    const std::vector<std::uint32_t>& inputs) {
  const auto rows = static_cast<std::uint32_t>((inputs.size() + kLanes - 1) / kLanes);
  cycle_model::LocalMemories local{{kLanes, 16, true}, {kLanes, 2 * rows, true}};
  for (std::size_t i = 0; i < inputs.size(); ++i)
    local.accumulator.line(i / kLanes)[i % kLanes] = float_from_bits(inputs[i]);
  interface::VectorCommand command;
  command.rows = rows;
  command.columns = kLanes;
  interface::StreamWord stream;
  stream.accumulator = 1;
  command.stream0 = interface::encode(stream);
  stream.line = rows;
  command.stream1 = interface::encode(stream);
  run_on_model(program, command, kLanes, local);
  std::vector<std::uint32_t> results;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    results.push_back(bits_of(local.accumulator.line(rows + i / kLanes)[i % kLanes]));
  return results;
}

void require_equal(const RecordedFunction& one, const std::vector<std::uint32_t>& inputs) {
  const std::vector<std::uint32_t> results = executed(one.program, inputs);
  const FloatEnvironment as_the_device;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::uint32_t expected = bits_of(canonical(one.function(float_from_bits(inputs[i]))));
    if (results[i] == expected) continue;
    INFO(one.name << " of " << std::hex << inputs[i]);
    REQUIRE(results[i] == expected);
  }
}

}  // namespace

TEST_CASE("A recorded function gives the reference's bits for every BF16 number") {
  std::vector<std::uint32_t> inputs;
  for (std::uint32_t number = 0; number < 65536; ++number) inputs.push_back(number << 16);
  for (const RecordedFunction& one : recorded_functions()) require_equal(one, inputs);
}

TEST_CASE("A recorded function gives the reference's bits for random FP32 numbers") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  std::vector<std::uint32_t> inputs(40000);
  for (std::uint32_t& word : inputs) word = static_cast<std::uint32_t>(random());
  for (const RecordedFunction& one : recorded_functions()) require_equal(one, inputs);
}
