#include "tests/bench/model_step.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <string>

#include "host/config/config.h"
#include "host/run/run.h"
#include "models/base/error.h"
#include "tests/bench/clocks.h"

namespace corank::bench {
namespace {

struct Cost {
  double cpu_s = 0, peak_bytes = 0, cycles = 0;
};

// In a process of its own, whose memory is that of this run alone.
Cost run_alone(const std::string& layers) {
  int channel[2];
  if (pipe(channel) != 0) throw MachineError("no pipe for a benchmark");
  const pid_t child = fork();
  if (child < 0) throw MachineError("no process for a benchmark");
  if (child == 0) {
    Cost cost;
    try {
      const double before = cpu_seconds();
      RunOptions options;
      options.fidelity = Fidelity::kCycle;
      const RunReport report =
          run(load_config("configs/llama-7b.yaml", {"workload.layers=" + layers}), options);
      cost = {cpu_seconds() - before,
              1024.0 * static_cast<double>(report.simulation.peak_memory_kib),
              static_cast<double>(report.cycles)};
    } catch (const std::exception&) {
      _exit(1);
    }
    _exit(write(channel[1], &cost, sizeof cost) == sizeof cost ? 0 : 1);
  }
  close(channel[1]);
  Cost cost;
  const bool read_all = read(channel[0], &cost, sizeof cost) == sizeof cost;
  close(channel[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (!read_all || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw MachineError("the step of configs/llama-7b.yaml failed");
  return cost;
}

}  // namespace

std::vector<Result> model_step(bool whole) {
  using Bar = Result::Bar;
  const std::string note = "configs/llama-7b.yaml, 224 layers, LPDDR5, streamed weights";
  const Cost repeated = run_alone("repeated");
  std::vector<Result> results = {
      {"LLaMA-7B, layers repeated", repeated.cpu_s, "s of CPU", Bar::AtMost, 60, note}};
  if (!whole) return results;
  const Cost all = run_alone("whole");
  results.push_back({"LLaMA-7B, every layer", all.cpu_s, "s of CPU", Bar::AtMost, 1800, note});
  results.push_back({"the same, peak memory", all.peak_bytes * 1e-9, "GB", Bar::AtMost, 1, note});
  results.push_back({"layers repeated, error in cycles",
                     100 * std::abs(repeated.cycles - all.cycles) / all.cycles, "%", Bar::AtMost,
                     0.1, "against every layer"});
  return results;
}

}  // namespace corank::bench
