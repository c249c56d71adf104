// Random layers on both accelerators: every event, transaction, counter and result is equal.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>

#include "host/run/simulate.h"
#include "tests/end_to_end/layer_case.h"
#include "tests/sim/cycle/lockstep.h"

namespace corank::test {

namespace {

std::uint64_t environment_or(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

}  // namespace

TEST_CASE("random layers take the same cycles and give the same results on both") {
  const std::uint64_t seed = environment_or("CORANK_SEED", 1);
  const auto cases = static_cast<int>(environment_or("CORANK_CASES", 300));
  const auto first = static_cast<int>(environment_or("CORANK_FIRST", 0));
  for (int number = first; number < first + cases; ++number) {
    const LayerCase layer = make_case(seed, number, 10000);
    INFO(describe(layer, number));
    const Graph graph = graph_of(layer);
    const CompiledStep step = compile_for(layer.config, graph);
    const auto program = [&](HostPort& port, Outcome& outcome) {
      PausingHost host(port, layer.pauses, layer.seed);
      const StepResult result = run_step(host, step, graph, layer.config.machine, layer.inputs,
                                         driver_options_of(layer.config));
      for (const auto& [name, tensor] : result.results) {
        outcome.results.emplace_back(reinterpret_cast<const char*>(tensor.bytes.data()),
                                     tensor.bytes.size());
      }
      for (std::size_t i = 0; i < result.counters.size(); ++i) {
        outcome.words.push_back({interface::kCounterNames[i], result.counters[i]});
      }
    };
    PlatformConfig platform = platform_of(layer.config);
    platform.machine_library = library_of(layer.config.machine);
    CHECK(lockstep(platform, program) == "");
  }
}

}  // namespace corank::test
