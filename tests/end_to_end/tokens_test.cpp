// Tokens in the whole machine: each of the 16 kinds travels from its giver to its taker, and what
// goes wrong without one is what host/driver/command_order.h says.
#include <array>
#include <catch2/catch.hpp>
#include <string>

#include "host/driver/command_order.h"
#include "models/base/error.h"
#include "tests/end_to_end/layer_bench.h"

using namespace corank;
using namespace corank::interface;
using namespace corank::test;

namespace {

constexpr std::size_t kNone = ~std::size_t{0};

// 0 load, 1 array, 2 vector, 3 store; -1: no unit's command.
int unit_of(const CompiledCommand& command) {
  constexpr std::array<std::uint32_t, 4> opcodes = {LoadCommand::kOpcode, GemmCommand::kOpcode,
                                                    VectorCommand::kOpcode, StoreCommand::kOpcode};
  for (int unit = 0; unit < 4; ++unit) {
    if ((command.words[0] & 0xff) == opcodes[static_cast<std::size_t>(unit)]) return unit;
  }
  return -1;
}

/// The first command of the unit behind command `after`.
std::size_t next_of(const CompiledStep& step, int unit, std::size_t after) {
  for (std::size_t i = after + 1; i < step.commands.size(); ++i) {
    if (unit_of(step.commands[i]) == unit) return i;
  }
  return kNone;
}

/// What is wrong with a run of the step: its results, or that it does not end; "": nothing.
std::string problem_of(LayerBench& bench, const CompiledStep& step) {
  std::string problem;
  run_platform(bench.platform, [&](HostPort& host) {
    try {
      problem = bench.differences(bench.run(host, step), step);
    } catch (const MachineError& error) {
      problem = error.what();
    }
  });
  return problem;
}

}  // namespace

TEST_CASE("every kind of token is given and taken, or the step would not end", "[tokens]") {
  const TimeLimit limit(60);
  LayerBench bench;
  bench.options.watchdog_cycles = 5000;
  CompiledStep step = bench.step;
  std::uint32_t used = 0;
  for (const CompiledCommand& command : step.commands) used |= command.words[1] >> 16;
  for (int from = 0; from < 4; ++from) {
    for (int to = 0; to < 4; ++to) {
      const std::uint32_t token = 1u << (4 * from + to);
      if ((used & token) != 0) continue;  // the step itself would hang without it
      const std::size_t giver = next_of(step, from, 0);
      const std::size_t taker = next_of(step, to, giver);
      INFO("from unit " << from << " to unit " << to);
      REQUIRE(giver != kNone);
      REQUIRE(taker != kNone);
      step.commands.change(giver, [&](CompiledCommand& c) { c.words[1] |= token << 16; });
      step.commands.change(taker, [&](CompiledCommand& c) { c.words[1] |= token; });
    }
  }
  CHECK(problem_of(bench, step) == "");
}

TEST_CASE("where the machine goes wrong without a token, the commands are known to be unordered",
          "[tokens]") {
  const TimeLimit limit(60);
  LayerBench bench;
  bench.options.watchdog_cycles = 5000;
  CompiledStep step = bench.step;
  const auto unordered = [&] {
    return !disorder(step, bench.program.graph, bench.platform.shape).empty();
  };
  CHECK_FALSE(unordered());
  int wrong = 0, number = 0;
  for (std::size_t taker = 0; taker < step.commands.size(); ++taker) {
    for (std::size_t from = 0; from < kEngines; ++from) {
      const std::int32_t giver = step.commands[taker].waits_for[from];
      if (giver < 0 || number++ % 5 != 0) continue;  // a simulation takes its time
      INFO("without the token of command " << giver << " to command " << taker);
      const auto to = static_cast<std::size_t>(unit_of(step.commands[taker]));
      const std::uint32_t token = 1u << (4 * from + to);
      const auto toggle = [&] {
        step.commands.change(static_cast<std::size_t>(giver),
                             [&](CompiledCommand& c) { c.words[1] ^= token << 16; });
        step.commands.change(taker, [&](CompiledCommand& c) { c.words[1] ^= token; });
      };
      toggle();
      const bool seen = !problem_of(bench, step).empty();
      if (seen) CHECK(unordered());
      wrong += seen ? 1 : 0;
      toggle();
    }
  }
  CHECK(wrong > 0);
}
