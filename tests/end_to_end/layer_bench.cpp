#include "tests/end_to_end/layer_bench.h"

#include <sys/time.h>

#include "host/capture/capture.h"
#include "host/verify/differences.h"
#include "models/base/error.h"
#include "models/reference/bit_exact.h"
#include "tests/end_to_end/test_machines.h"
#include "tests/host/temporary_folder.h"

namespace corank::test {

LayerBench::LayerBench(const SmallLayer& layer, const CompilerConfig& compiler) {
  const TemporaryFolder folder;
  const std::string path = folder.file("layer.safetensors");
  write_safetensors(path, small_capture(layer));
  const Capture capture = read_capture(path);
  program = linear_layers({capture.layer});
  inputs = inputs_of(program, capture.inputs);
  reference = inputs;
  run_bit_exact(program.graph, reference);

  platform.shape = test_machines().at(2);
  platform.machine_library = library_of(platform.shape);
  options.memory_size_bytes = static_cast<std::uint64_t>(platform.memory.size_mib) << 20;
  step = compile(program, platform.shape, compiler, options.memory_size_bytes);
}

StepResult LayerBench::run(HostPort& host, const CompiledStep& commands) const {
  return run_step(host, commands, program, platform.shape, inputs, options);
}

std::string LayerBench::differences(const StepResult& result, const CompiledStep& commands) const {
  return corank::differences(program.graph, commands, platform.shape, options.limits.burst_beats,
                             result, reference);
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
