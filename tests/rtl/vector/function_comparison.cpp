#include "tests/rtl/vector/function_comparison.h"

#include <fmt/format.h>

#include "models/base/numerics.h"

namespace corank::vector_test {

// A command takes half of the memory's lines, and gives its results to the other half.
std::string difference_on_rtl(VectorMachine& machine, const test::RecordedFunction& function,
                              std::uint64_t count,
                              const std::function<std::uint32_t(std::uint64_t)>& number) {
  const auto lanes = static_cast<std::uint32_t>(machine.shape().lanes);
  const auto lines = static_cast<std::uint32_t>(machine.lines()) / 2;
  const std::uint64_t most = std::uint64_t{lines} * lanes;
  machine.write_program(0, function.program.instructions);
  interface::VectorCommand command;
  command.length = static_cast<std::uint32_t>(function.program.size());
  command.rows = lines;
  command.columns = lanes;
  set_stream(command, 0, {0, true, false, false, lines});
  set_stream(command, 1, {lines, true, false, false, lines});
  for (std::uint64_t first = 0; first < count; first += most) {
    std::vector<std::uint32_t>& memory = machine.memories().accumulator;
    for (std::uint64_t i = 0; i < most; ++i) memory[i] = number(first + i);
    if (!machine.step({QueuedCommand{0, command}, false}).ready) return "it takes no command";
    while (!machine.step({}).completion) continue;
    machine.memories();
    const FloatEnvironment as_the_device;
    for (std::uint64_t i = 0; i < most; ++i) {
      const float argument = float_from_bits(memory[i]);
      const std::uint32_t expected = bits_of(canonical(function.function(argument)));
      const std::uint32_t found = memory[most + i];
      if (found != expected)
        return fmt::format("{} of {:08x}: expected {:08x}, found {:08x}", function.name, memory[i],
                           expected, found);
    }
  }
  return "";
}

}  // namespace corank::vector_test
