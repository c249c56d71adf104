// Each of the 16 kinds of token travels from its giver to its taker, in the whole machine.
#include <array>
#include <catch2/catch.hpp>
#include <string>

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
      step.commands[giver].words[1] |= token << 16;
      step.commands[taker].words[1] |= token;
    }
  }
  std::string problem;
  run_platform(bench.platform, [&](HostPort& host) {
    try {
      problem = bench.differences(bench.run(host, step), step);
    } catch (const MachineError& error) {
      problem = error.what();
    }
  });
  CHECK(problem == "");
}
