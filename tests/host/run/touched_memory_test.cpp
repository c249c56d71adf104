#include "host/run/touched_memory.h"

#include <catch2/catch.hpp>

#include "tests/host/narrow_machine.h"

using namespace corank;
using namespace corank::interface;

namespace {

// 3 rows of 40 FP32 columns, which are two panels, 10 rows apart, from row `first` on.
template <class Command>
CompiledCommand transfer(std::uint32_t first) {
  Command command;
  command.target = kTargetAccumulator;
  command.address_lo = first * 128;
  command.rows = 3;
  command.columns = 40;
  command.panel_stride = 1280;
  command.line_stride = 8;
  return {encode(command), -1, kNoWaits};
}

CommandList in_front(const CompiledCommand& first, const CommandList& rest) {
  CommandList commands;
  commands.push_back(first);
  for (const CompiledCommand& command : rest) commands.push_back(command);
  return commands;
}

}  // namespace

TEST_CASE("memory that commands touch counts once, in rows of 128 bytes, with the ring",
          "[touched]") {
  CompiledStep step;
  step.memory_bytes = 16384;
  step.ring_address = 8192;
  step.ring_entries = 128;
  step.commands.push_back({encode(HaltCommand{}), -1, kNoWaits});
  const auto touched = [&] { return touched_bytes(step, test::narrow_machine()); };
  CHECK(touched() == 128);  // half a row of the ring
  step.commands = in_front(transfer<LoadCommand>(32), step.commands);
  CHECK(touched() == 128 + 6 * 128);  // rows 32 to 34 and 42 to 44
  step.commands = in_front(transfer<LoadCommand>(33), step.commands);
  CHECK(touched() == 256 + 8 * 128);  // 35 and 45 as well; three commands are two rows of the ring
  step.commands = in_front(transfer<StoreCommand>(50), step.commands);
  CHECK(touched() == 256 + 14 * 128);
  step.ring_entries = 2;  // it is used again and again
  CHECK(touched() == 128 + 14 * 128);
}
