// Commands that are packed are read as they were written, wherever one reads or changes them.
#include "host/compiler/command_list.h"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

namespace corank {
namespace {

bool equal(const CompiledCommand& a, const CompiledCommand& b) {
  return a.words == b.words && a.op == b.op && a.waits_for == b.waits_for;
}

CompiledCommand random_command(std::mt19937_64& random) {
  CompiledCommand command{};
  for (std::uint32_t& word : command.words) {
    if (random() % 2 == 0) word = static_cast<std::uint32_t>(random());
  }
  command.op = static_cast<int>(random() % 1000) - 1;
  for (std::int32_t& giver : command.waits_for) giver = static_cast<std::int32_t>(random() % 5000);
  return command;
}

}  // namespace

TEST_CASE("a list of commands is the array that was written, read and changed anywhere",
          "[commands]") {
  const std::uint64_t seed = GENERATE(1, 2, 3);
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  CommandList list;
  std::vector<CompiledCommand> array;
  CHECK(list.empty());
  constexpr std::size_t kCommands = 20000;  // most of them in packed pages
  for (std::size_t i = 0; i < kCommands; ++i) {
    array.push_back(random_command(random));
    list.push_back(array.back());
    const std::size_t changed = random() % array.size(), read = random() % array.size();
    array[changed] = random_command(random);
    list.set(changed, array[changed]);
    if (!equal(list[read], array[read])) FAIL("command " << read << " of " << array.size());
  }
  REQUIRE(list.size() == kCommands);
  const CommandList copy = list;
  list.change(17, [](CompiledCommand& command) { command.op = 4711; });
  CHECK(list[17].op == 4711);
  CHECK(equal(copy[17], array[17]));
  std::size_t index = 0, different = 0;
  for (const CompiledCommand& command : copy) different += equal(command, array[index++]) ? 0 : 1;
  CHECK(index == kCommands);
  CHECK(different == 0);
  list.clear();
  CHECK(list.begin() == list.end());
}

}  // namespace corank
