// Runs every legal design of a sweep's grid on the cycle model, and writes what the benchmark of
// the search replays: exact values, and the lower bounds of the compiled commands.
//   make_proof SWEEP.yaml RUNS.jsonl [SECONDS]  runs what RUNS.jsonl does not have yet, appended;
//   until
//                                               it is all there, or for so long
//   make_proof SWEEP.yaml RUNS.jsonl OUT.csv    writes the table of all of them
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "host/run/simulate.h"
#include "host/sweep/design_space.h"
#include "host/sweep/run_figures.h"
#include "host/sweep/sweep_file.h"
#include "models/base/error.h"

namespace corank {
namespace {

using Runs = std::map<std::size_t, nlohmann::json>;

Runs read_runs(const std::string& path) {
  Runs runs;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    const nlohmann::json json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_discarded()) runs[json.at("design").get<std::size_t>()] = json;
  }
  return runs;
}

// In an order in which any part of it is a sample of the whole: multiples of a prime, modulo.
std::size_t spread(std::size_t i, std::size_t designs) { return i * 7919 % designs; }

void run_all(const SweepFile& sweep, const std::string& path, double seconds) {
  const auto begin = std::chrono::steady_clock::now();
  const Runs done = read_runs(path);
  std::ofstream out(path, std::ios::app);
  DesignSpace space(sweep);
  std::size_t ran = 0;
  for (std::size_t i = 0; i < sweep.designs(); ++i) {
    if (std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() > seconds)
      break;
    const std::size_t design = spread(i, sweep.designs());
    if (done.count(design) > 0 || !space.examine(design).illegal.empty()) continue;
    nlohmann::ordered_json line = {{"design", design}};
    try {
      line["figures"] = to_json(measure_design(config_of(sweep, design, 0)));
    } catch (const InputError& error) {
      line["infeasible"] = error.reason();
    }
    out << line.dump() << std::endl;
    ++ran;
  }
  std::printf("%zu runs, %zu before\n", ran, done.size());
}

int make(int count, char** arguments) {
  if (count < 3) {
    std::fputs("make_proof SWEEP.yaml RUNS.jsonl [SECONDS | OUT.csv]\n", stderr);
    return 2;
  }
  const SweepFile sweep = load_sweep(arguments[1]);
  const std::string last = count > 3 ? arguments[3] : "1e9";
  if (const auto seconds = number_of(last)) run_all(sweep, arguments[2], *seconds);
  return 0;
}

}  // namespace
}  // namespace corank

int main(int count, char** arguments) {
  try {
    return corank::make(count, arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
