// fuzz FORMAT [--seed N] [--first N] [--count N] [--show] [--keep FOLDER]: makes inputs of a
// format, runs corank on each, and says which promise was not kept (README.md).
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "tests/fuzz/format.h"
#include "tests/fuzz/promises.h"
#include "tests/fuzz/run_input.h"
#include "tests/host/temporary_folder.h"

namespace {

using namespace corank::fuzz;
namespace fs = std::filesystem;

constexpr int kMostKept = 100;  // inputs that fail, of one run

struct Task {
  std::string format, keep, program;
  std::uint64_t seed = 1;
  int first = 0, count = 500;
  bool show = false;
};

struct Sum {
  int failed = 0;
  std::map<int, int> codes;
  double longest_seconds = 0;
  std::int64_t most_mib = 0;
};

Input make(const Format& format, std::uint64_t seed, int number) {
  // Neighbouring seeds give unlike streams only after some mixing.
  std::seed_seq mixed{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
                      static_cast<std::uint32_t>(number)};
  Random random(mixed);
  return format.make(random);
}

/// Writes the input and what replays it, so that it can be looked at alone.
void keep(const Input& input, const std::string& folder) {
  fs::remove_all(folder);
  write_files(input, folder + "/input");
  std::ofstream(folder + "/replay", std::ios::binary)
      << "#!/bin/sh\n# replay PROGRAM, corank by its absolute path\n"
      << "corank=${1:?}\ncd \"$(dirname \"$0\")/input\" && " << command_of(input) << "\n";
}

/// The first lines of what the program said, made harmless.
std::string excerpt(const std::string& text) {
  std::string shown = text.substr(0, 600);
  for (char& c : shown)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = c == '\n' ? '|' : '?';
  return shown;
}

void report(const Task& task, int number, const Input& input, const Outcome& outcome,
            const std::string& broken, bool kept) {
  const std::string folder = fmt::format("{}/{}-{}-{}", task.keep, task.format, task.seed, number);
  if (kept) keep(input, folder);
  fmt::print(
      "FAILED: {} seed {} number {}: {} (exit code {}, {:.1f} s, {} MiB)\n  {}\n"
      "  input: {}\n  replay: {} {} --seed {} --first {} --count 1\n",
      task.format, task.seed, number, broken, outcome.exit_code, outcome.seconds, outcome.peak_mib,
      excerpt(outcome.err), kept ? folder : "not kept any more", task.program, task.format,
      task.seed, number);
  std::fflush(stdout);
}

Sum run(const Task& task, const Format& format) {
  const corank::TemporaryFolder scratch;
  Sum sum;
  for (int number = task.first; number < task.first + task.count; ++number) {
    const Input input = make(format, task.seed, number);
    const std::string folder = scratch.file("input");
    write_files(input, folder);
    const Outcome outcome = run_input(input, folder);
    fs::remove_all(folder);
    if (task.show) fmt::print("{} {} {}\n", number, outcome.exit_code, excerpt(outcome.err));
    const std::string broken = broken_promise(input, outcome);
    if (!broken.empty()) {
      ++sum.failed;
      report(task, number, input, outcome, broken, sum.failed <= kMostKept);
    }
    ++sum.codes[outcome.exit_code];
    sum.longest_seconds = std::max(sum.longest_seconds, outcome.seconds);
    sum.most_mib = std::max(sum.most_mib, outcome.peak_mib);
  }
  return sum;
}

/// Whether inputs get far enough to test more than the first checks, and are wrong often enough.
bool is_balanced(const Sum& sum, int count) {
  constexpr int kEnoughToTell = 200, kPercent = 5;
  const auto refused = sum.codes.find(2);
  const int wrong = refused == sum.codes.end() ? 0 : refused->second;
  return count < kEnoughToTell || std::min(wrong, count - wrong) * 100 >= kPercent * count;
}

int fuzz(const Task& task, const Format& format) {
  const Sum sum = run(task, format);
  std::string codes;
  for (const auto& [code, times] : sum.codes) codes += fmt::format(", {} x exit {}", times, code);
  fmt::print("{}: {} inputs, {} failed{}; longest {:.1f} s, largest {} MiB\n", task.format,
             task.count, sum.failed, codes, sum.longest_seconds, sum.most_mib);
  if (!is_balanced(sum, task.count)) {
    fmt::print("FAILED: {}: hardly any input is right, or hardly any is wrong\n", task.format);
    return 1;
  }
  return sum.failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Task task;
  task.program = argv[0];
  task.keep = "build/fuzz-failures";
  std::vector<std::string> names;
  for (const Format& format : kFormats) names.emplace_back(format.name);
  CLI::App app("fuzz: damaged and extreme inputs for corank");
  app.add_option("format", task.format)->required()->check(CLI::IsMember(names));
  app.add_option("--seed", task.seed, "of the inputs");
  app.add_option("--first", task.first, "number of the first input");
  app.add_option("--count", task.count, "how many");
  app.add_flag("--show", task.show, "print what corank says to each input");
  app.add_option("--keep", task.keep, "folder for inputs that fail");
  CLI11_PARSE(app, argc, argv);
  for (const Format& format : kFormats)
    if (task.format == format.name) return fuzz(task, format);
  return 2;
}
