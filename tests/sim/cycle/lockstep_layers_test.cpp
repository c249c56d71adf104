// Random layers on both accelerators: every event, transaction, counter and result is equal.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>

#include "host/compiler/compiler.h"
#include "host/driver/driver.h"
#include "tests/end_to_end/layer_case.h"
#include "tests/sim/cycle/lockstep.h"

namespace corank::test {

namespace {

std::uint64_t environment_or(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

PlatformConfig platform_of(const LayerCase& layer) {
  PlatformConfig platform;
  platform.machine_library = library_of(layer.config.machine);
  platform.shape = layer.config.machine;
  platform.limits = layer.config.limits;
  platform.memory = layer.config.memory;
  platform.link = layer.config.link;
  platform.stalls = layer.config.stalls;
  return platform;
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
    const std::uint64_t memory_bytes = static_cast<std::uint64_t>(layer.config.memory.size_mib)
                                       << 20;
    const CompiledStep step =
        compile(graph, layer.config.machine, layer.config.compiler, memory_bytes, stream_of(layer));
    const auto program = [&](HostPort& port, Outcome& outcome) {
      PausingHost host(port, layer.pauses, layer.seed);
      DriverOptions options;
      options.limits = layer.config.limits;
      options.watchdog_cycles = layer.config.watchdog_cycles;
      options.memory_size_bytes = memory_bytes;
      const StepResult result =
          run_step(host, step, graph, layer.config.machine, layer.inputs, options);
      for (const auto& [name, tensor] : result.results) {
        outcome.results.emplace_back(reinterpret_cast<const char*>(tensor.bytes.data()),
                                     tensor.bytes.size());
      }
      for (std::size_t i = 0; i < result.counters.size(); ++i) {
        outcome.words.push_back({interface::kCounterNames[i], result.counters[i]});
      }
    };
    const PlatformConfig platform = platform_of(layer);
    CHECK(lockstep(platform, program) == "");
  }
}

}  // namespace corank::test
