// corank_bench [quick], in the root of the tree: measures the simulator against its bars, prints
// one table and writes it to build/bench/bench.json. Exit status 1 if a bar is missed.
#include <fmt/format.h>

#include <exception>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/config/config.h"
#include "models/base/error.h"
#include "tests/bench/analytic_speed.h"
#include "tests/bench/dram_speed.h"
#include "tests/bench/efficiency.h"
#include "tests/bench/fidelity_speed.h"
#include "tests/bench/function_agreement.h"
#include "tests/bench/mac_agreement.h"
#include "tests/bench/machine_build_time.h"
#include "tests/bench/machine_speed.h"
#include "tests/bench/memory_use.h"
#include "tests/bench/model_step.h"
#include "tests/bench/reference_speed.h"
#include "tests/bench/vector_ops.h"

namespace corank::bench {
namespace {

std::string bar_of(const Result& result) {
  if (result.bar == Result::Bar::None) return "";
  return fmt::format("{} {}", result.bar == Result::Bar::AtLeast ? ">=" : "<=", result.limit);
}

std::string number(double value) {
  return value >= 1000 ? fmt::format("{:.0f}", value) : fmt::format("{:.4g}", value);
}

void print_row(const Result& result) {
  const char* met = result.bar == Result::Bar::None ? "" : result.met() ? "met" : "MISSED";
  fmt::print("{:<36} {:>9} {:<14} {:>10}  {:<7} {}\n", result.what, number(result.value),
             result.unit, bar_of(result), met, result.note);
  std::fflush(stdout);
}

nlohmann::json to_json(const Result& result) {
  nlohmann::json row = {
      {"what", result.what}, {"value", result.value}, {"unit", result.unit}, {"note", result.note}};
  if (result.bar != Result::Bar::None) {
    row["bar"] = bar_of(result);
    row["met"] = result.met();
  }
  return row;
}

// The bars are those of the project's design: what makes the simulator pleasant to work with.
int measure(bool quick, const std::string& json_file) {
  const int pairs = quick ? 3 : 15;
  fmt::print("{:<36} {:>9} {:<14} {:>10}\n", "", "measured", "", "bar");
  nlohmann::json rows = nlohmann::json::array();
  bool all_met = true;
  const auto add = [&](const std::vector<Result>& results) {
    for (const Result& result : results) {
      print_row(result);
      rows.push_back(to_json(result));
      all_met = all_met && result.met();
    }
  };
  add(model_step(!quick));
  add(reference_speed(quick ? 3 : 5));
  add(efficiency());
  add(analytic_speed());
  add(vector_ops());
  add(memory_use_of_all());
  add(dram_speed());
  add(dram_rules(quick ? 1'000'000 : 10'000'000));
  add(mac_agreement(quick ? 10'000'000 : 1'000'000'000, 1));
  add(function_agreement(quick ? 100'000 : 10'000'000, 1));
  add(machine_build_time(load_config("configs/32x32.yaml", {}).machine, 180));
  add(machine_speed("configs/quickstart.yaml", {}, pairs, 150e3, 0.2));
  // A clock of the large machine takes five times as long and its step is short, so it takes more
  // pairs to see the same difference.
  add(machine_speed("configs/32x32.yaml", {}, 4 * pairs, 20e3, 0.2));
  const std::vector<std::string> host_float = {"accelerator.array.mac=host-float"};
  add(machine_speed("configs/16x16.yaml", host_float, 2 * pairs, 400e3, 0.2));
  add(machine_speed("configs/32x32.yaml", host_float, 4 * pairs, 120e3, 0.2));
  add(fidelity_speed("configs/16x16.yaml", pairs));
  add(fidelity_speed("configs/32x32.yaml", pairs));

  std::filesystem::create_directories(std::filesystem::path(json_file).parent_path());
  std::ofstream file(json_file);
  file << nlohmann::json{{"quick", quick}, {"all_met", all_met}, {"rows", rows}}.dump(2) << "\n";
  if (!file.flush()) throw MachineError(json_file + ": cannot be written");
  fmt::print("{}; written to {}\n", all_met ? "every bar is met" : "a bar is MISSED", json_file);
  return all_met ? 0 : 1;
}

}  // namespace
}  // namespace corank::bench

int main(int argc, char** argv) {
  const bool quick = argc > 1 && std::string(argv[1]) == "quick";
  if (argc > (quick ? 2 : 1)) {
    fmt::print(stderr, "corank_bench: expected 'quick' or nothing, found '{}'\n", argv[argc - 1]);
    return 2;
  }
  try {
    return corank::bench::measure(quick, "build/bench/bench.json");
  } catch (const std::exception& error) {
    fmt::print(stderr, "corank_bench: {}\n", error.what());
    return 3;
  }
}
