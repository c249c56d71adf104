#include "tests/bench/fidelity_speed.h"

#include <fmt/format.h>

#include <array>

#include "models/base/error.h"
#include "sim/machine/build.h"
#include "sim/platform/platform.h"
#include "tests/bench/clocks.h"
#include "tests/bench/measured_step.h"

namespace corank::bench {
namespace {

struct Kind {
  std::string name;
  PlatformConfig platform;
  DriverOptions driver;
  std::vector<double> cycles_per_s;  // of CPU
};

// The first is what the others are compared with.
std::array<Kind, 4> kinds_of(const Workload& work) {
  std::array<Kind, 4> kinds{{{"bit-level RTL", {}, {}, {}},
                             {"host-float RTL", {}, {}, {}},
                             {"cycle model", {}, {}, {}},
                             {"cycle model without values", {}, {}, {}}}};
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    Kind& kind = kinds[i];
    kind.platform = platform_of(work.config);
    kind.driver = driver_options_of(work.config);
    kind.platform.shape.mac = i == 1 ? "host-float" : "bit-level";
    kind.platform.values = kind.driver.values = i != 3;
    if (i < 2)
      kind.platform.machine_library = machine_library(kind.platform.shape);
    else
      kind.platform.fidelity = Fidelity::kCycle;
  }
  return kinds;
}

DeviceCounters measure(const Workload& work, Kind& kind) {
  double start = 0, end = 0;
  DeviceCounters counters{};
  run_platform(kind.platform, [&](HostPort& host) {
    StepWatcher watcher(
        host, [&] { start = cpu_seconds(); }, [&] { end = cpu_seconds(); });
    counters =
        run_step(watcher, work.step, work.program, kind.platform.shape, work.inputs, kind.driver)
            .counters;
  });
  const std::uint64_t cycles = counters[static_cast<std::size_t>(interface::Counter::kCycles)];
  kind.cycles_per_s.push_back(static_cast<double>(cycles) / (end - start));
  return counters;
}

}  // namespace

std::vector<Result> fidelity_speed(const std::string& config, int rounds) {
  const Workload work(config, {});
  std::array<Kind, 4> kinds = kinds_of(work);
  DeviceCounters expected{};
  for (int round = 0; round < rounds; ++round) {
    for (Kind& kind : kinds) {
      const DeviceCounters counters = measure(work, kind);
      if (round == 0 && &kind == kinds.data()) expected = counters;
      if (counters != expected)
        throw MachineError(kind.name + " counts something else: its speed is moot");
    }
  }
  const MachineShape& shape = work.config.machine;
  const double slowest = median(kinds[0].cycles_per_s);
  std::vector<Result> results;
  for (std::size_t i = 1; i < kinds.size(); ++i) {
    const double speed = median(kinds[i].cycles_per_s);
    results.push_back(
        {fmt::format("{}x{}: {}", shape.array_rows, shape.array_columns, kinds[i].name),
         speed / slowest, "x bit-level", Result::Bar::None, 0,
         fmt::format("{} cycles; {:.0f} k and {:.0f} k cycles/CPU s, medians of {}",
                     expected[static_cast<std::size_t>(interface::Counter::kCycles)], speed / 1e3,
                     slowest / 1e3, rounds)});
  }
  return results;
}

}  // namespace corank::bench
