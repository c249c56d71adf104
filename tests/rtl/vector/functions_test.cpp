// The functions of the reference, as programs, on the verilated vector unit.
#include <catch2/catch.hpp>

#include "models/base/numerics.h"
#include "tests/host/compiler/recorded_functions.h"
#include "tests/rtl/vector/vector_machine.h"

namespace corank::vector_test {

TEST_CASE("a function of every BF16 number has the reference's bits", "[vector]") {
  const auto all = machines();
  VectorMachine& machine = *all[2];  // the widest one
  const auto lanes = static_cast<std::uint32_t>(machine.shape().lanes);
  // A command takes half of the memory's lines, and gives its results to the other half.
  const auto lines = static_cast<std::uint32_t>(machine.lines()) / 2;
  for (const test::RecordedFunction& one : test::recorded_functions()) {
    machine.write_program(0, one.program.instructions);
    interface::VectorCommand command;
    command.length = static_cast<std::uint32_t>(one.program.size());
    command.rows = lines;
    command.columns = lanes;
    set_stream(command, 0, {0, true, false, false, lines});
    set_stream(command, 1, {lines, true, false, false, lines});
    for (std::uint32_t first = 0; first < 65536; first += lines * lanes) {
      std::vector<std::uint32_t>& memory = machine.memories().accumulator;
      for (std::uint32_t i = 0; i < lines * lanes; ++i) memory[i] = (first + i) << 16;
      REQUIRE(machine.step({QueuedCommand{0, command}, false}).ready);
      while (!machine.step({}).completion) continue;
      machine.memories();
      const FloatEnvironment as_the_device;
      for (std::uint32_t i = 0; i < lines * lanes; ++i) {
        const float expected = canonical(one.function(float_from_bits((first + i) << 16)));
        if (memory[lines * lanes + i] == bits_of(expected)) continue;
        INFO(one.name << " of BF16 number " << first + i);
        REQUIRE(memory[lines * lanes + i] == bits_of(expected));
      }
    }
  }
}

}  // namespace corank::vector_test
