#include "tests/bench/machine_build_time.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "models/base/error.h"
#include "sim/machine/build.h"
#include "tests/bench/clocks.h"

namespace corank::bench {
namespace {

double cpu_seconds_of_children() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

std::vector<Result> machine_build_time(const MachineShape& shape, double limit_seconds) {
  std::string cache = (std::filesystem::temp_directory_path() / "corank_bench_XXXXXX").string();
  if (mkdtemp(cache.data()) == nullptr) throw MachineError(cache + ": cannot be made");
  setenv("OBJCACHE", "", 1);  // Verilator's makefile would take a compiler cache from there
  MachineBuildOptions options;
  options.cache_directory = cache;
  options.quiet = true;
  const double wall = wall_seconds(), cpu = cpu_seconds_of_children();
  machine_library(shape, options);
  const double wall_taken = wall_seconds() - wall, cpu_taken = cpu_seconds_of_children() - cpu;
  std::filesystem::remove_all(cache);
  const std::string what =
      fmt::format("{}x{}: verilate and compile", shape.array_rows, shape.array_columns);
  return {{what + ", wall", wall_taken, "s", Result::Bar::AtMost, limit_seconds, "empty cache"},
          {what + ", CPU", cpu_taken, "s", Result::Bar::AtMost, limit_seconds, "empty cache"}};
}

}  // namespace corank::bench
