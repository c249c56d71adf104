#include "tests/end_to_end/layer_bench.h"

#include <fmt/format.h>
#include <sys/time.h>

#include "host/capture/capture.h"
#include "host/driver/account.h"
#include "host/run/compare.h"
#include "models/base/error.h"
#include "models/reference/bit_exact.h"
#include "sim/machine/build.h"
#include "tests/end_to_end/layer_case.h"
#include "tests/host/temporary_folder.h"

namespace corank::test {

LayerBench::LayerBench(const SmallLayer& layer, const CompilerConfig& compiler) {
  const TemporaryFolder folder;
  const std::string path = folder.file("layer.safetensors");
  write_safetensors(path, small_capture(layer));
  const Capture capture = read_capture(path, {});
  graph = build_layer_step(capture.step);
  inputs = capture.inputs;
  reference = inputs;
  run_bit_exact(graph, reference);

  platform.shape = test_machines().at(2);
  platform.machine_library = machine_library(platform.shape);
  options.memory_size_bytes = static_cast<std::uint64_t>(platform.memory.size_mib) << 20;
  step = compile(graph, platform.shape, compiler, options.memory_size_bytes);
}

StepResult LayerBench::run(HostPort& host, const CompiledStep& commands) const {
  return run_step(host, commands, graph, platform.shape, inputs, options);
}

std::string LayerBench::differences(const StepResult& result, const CompiledStep& commands) const {
  std::string text;
  for (const ComparisonReport& comparison : compare_bits(graph, result.results, reference)) {
    if (comparison.mismatches == 0) continue;
    text += fmt::format("{}: {} differ, first {}\n", comparison.tensor, comparison.mismatches,
                        comparison.first_mismatch);
  }
  for (const auto& [counter, expected] :
       account(commands, platform.shape, options.limits.burst_beats)) {
    const auto index = static_cast<std::size_t>(counter);
    if (result.counters[index] == expected) continue;
    text += fmt::format("counter {}: device {}, by the commands {}\n",
                        interface::kCounterNames[index], result.counters[index], expected);
  }
  return text;
}

std::string LayerBench::run_and_compare(HostPort& host) const {
  try {
    return differences(run(host, step), step);
  } catch (const MachineError& error) {
    return error.what();
  }
}

TimeLimit::TimeLimit(int cpu_seconds) {
  const itimerval once{{0, 0}, {cpu_seconds, 0}};
  setitimer(ITIMER_PROF, &once, nullptr);
}
TimeLimit::~TimeLimit() {
  const itimerval never{};
  setitimer(ITIMER_PROF, &never, nullptr);
}

}  // namespace corank::test
