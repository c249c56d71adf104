#include "tests/bench/machine_speed.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <functional>

#include "host/config/config.h"
#include "host/run/compare.h"
#include "host/run/simulate.h"
#include "models/base/error.h"
#include "models/reference/bit_exact.h"
#include "sim/machine/build.h"
#include "sim/machine/machine.h"
#include "sim/platform/platform.h"
#include "tests/bench/clocks.h"
#include "tests/bench/measured_step.h"
#include "tests/bench/pin_recorder.h"

namespace corank::bench {
namespace {

struct Ended {
  PlatformResult platform;
  TensorMap results;
};

Ended run_through_platform(const Workload& work, const std::string& library,
                           const std::function<void()>& started,
                           const std::function<void()>& ended) {
  PlatformConfig config = platform_of(work.config);
  config.machine_library = library;
  Ended result;
  result.platform = run_platform(config, [&](HostPort& host) {
    StepWatcher watcher(host, started, ended);
    result.results = run_step(watcher, work.step, work.program, work.config.machine, work.inputs,
                              driver_options_of(work.config))
                         .results;
  });
  return result;
}

// The pins of a whole run, and which part of it is the step.
struct Recording {
  PinLog log;
  std::size_t first_run = 0, end_run = 0;  // of log.runs()
};

Recording record(const Workload& work, const std::string& library) {
  Recording recording{PinLog(static_cast<std::size_t>(work.config.machine.axi_data_bits) / 8)};
  void* recorder = dlopen(PIN_RECORDER, RTLD_NOW | RTLD_LOCAL);
  if (recorder == nullptr) throw MachineError(dlerror());
  const auto attach = reinterpret_cast<PinRecorderAttach*>(dlsym(recorder, "pin_recorder_attach"));
  if (const char* problem = attach(library.c_str(), &recording.log)) throw MachineError(problem);
  const Ended ended = run_through_platform(
      work, PIN_RECORDER, [&] { recording.first_run = recording.log.cut(); },
      [&] { recording.end_run = recording.log.cut(); });
  dlclose(recorder);

  TensorMap reference = work.inputs;
  run_bit_exact(work.program.graph, reference);
  for (const ComparisonReport& tensor :
       compare_bits(work.program.graph, ended.results, reference)) {
    if (tensor.mismatches != 0) throw MachineError(tensor.tensor + " is wrong: the speed is moot");
  }
  if (ended.platform.evaluated_cycles != static_cast<std::int64_t>(recording.log.clocks())) {
    throw MachineError(fmt::format("{} clocks were recorded, {} evaluated", recording.log.clocks(),
                                   ended.platform.evaluated_cycles));
  }
  return recording;
}

// Every clock of the recording again, each answer compared.
void check_replay(const Recording& recording, const std::string& library) {
  Machine machine(library);
  MachinePins pins{};
  std::size_t clock = 0;
  for (const PinLog::Run& run : recording.log.runs()) {
    for (std::int64_t i = 0; i < run.clocks; ++i, ++clock) {
      recording.log.restore(run, pins);
      machine.clock(pins);
      if (digest(pins) != recording.log.digest_of(clock)) {
        throw MachineError(
            fmt::format("clock {} of the bare loop: other outputs than in the "
                        "platform, from the same inputs",
                        clock));
      }
    }
  }
}

double platform_seconds(const Workload& work, const std::string& library) {
  double start = 0, end = 0;
  run_through_platform(
      work, library, [&] { start = cpu_seconds(); }, [&] { end = cpu_seconds(); });
  return end - start;
}

double bare_seconds(const Recording& recording, const std::string& library) {
  Machine machine(library);
  MachinePins pins{};
  const std::vector<PinLog::Run>& runs = recording.log.runs();
  const auto replay = [&](std::size_t first, std::size_t end) {
    for (std::size_t r = first; r < end; ++r) {
      recording.log.restore(runs[r], pins);
      for (std::int64_t i = runs[r].clocks; i > 0; --i) machine.clock(pins);
    }
  };
  replay(0, recording.first_run);
  const double start = cpu_seconds();
  replay(recording.first_run, recording.end_run);
  const double seconds = cpu_seconds() - start;
  replay(recording.end_run, runs.size());
  if (digest(pins) != recording.log.digest_of(recording.log.clocks() - 1)) {
    throw MachineError("the bare loop ended with other outputs than the platform");
  }
  return seconds;
}

}  // namespace

std::vector<Result> machine_speed(const std::string& config,
                                  const std::vector<std::string>& settings, int pairs,
                                  double least_cycles_per_s, double most_overhead_us) {
  const Workload work(config, settings);
  MachineBuildOptions build;
  const std::string library = machine_library(work.config.machine, build);
  const Recording recording = record(work, library);
  check_replay(recording, library);

  std::int64_t clocks = 0;
  for (std::size_t r = recording.first_run; r < recording.end_run; ++r) {
    clocks += recording.log.runs()[r].clocks;
  }
  const auto per_clock = [&](double seconds) {
    return seconds / static_cast<double>(clocks) * 1e6;
  };
  std::vector<double> platform, bare, difference;
  for (int pair = 0; pair < pairs; ++pair) {
    platform.push_back(per_clock(platform_seconds(work, library)));
    bare.push_back(per_clock(bare_seconds(recording, library)));
    difference.push_back(platform.back() - bare.back());
  }
  const auto [least, most] = std::minmax_element(difference.begin(), difference.end());
  const MachineShape& machine = work.config.machine;
  const std::string shape = fmt::format("{}x{}{}: ", machine.array_rows, machine.array_columns,
                                        machine.mac == "bit-level" ? "" : " " + machine.mac);
  return {
      {shape + "speed while the step runs", 1e6 / median(platform), "cycles/CPU s",
       Result::Bar::AtLeast, least_cycles_per_s,
       fmt::format("{} clocks, median of {}; bare loop {:.0f}", clocks, pairs, 1e6 / median(bare))},
      {shape + "SystemC over a bare loop", median(difference), "us/clock", Result::Bar::AtMost,
       most_overhead_us,
       fmt::format("median of {} pairs, {:.3f} to {:.3f}; outputs equal in all {} clocks", pairs,
                   *least, *most, recording.log.clocks())}};
}

}  // namespace corank::bench
