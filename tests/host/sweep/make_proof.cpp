// Runs every legal design of a sweep's grid on the cycle model, and writes what the benchmark of
// the search replays: exact values, and the lower bounds of the compiled commands.
//   make_proof run SWEEP.yaml RUNS.jsonl [SECONDS]   runs what RUNS.jsonl does not have yet, and
//   appends
//                                                    it; until it is all there, or for so long
//   make_proof table SWEEP.yaml RUNS.jsonl OUT.csv   writes the table of all of them
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

nlohmann::ordered_json line_of(std::size_t design, const Config& config) {
  nlohmann::ordered_json line = {{"design", design}};
  try {
    const Config measured = measured_config(config);
    const PreparedStep prepared = prepare_step(measured);
    const AnalyticStep bound = analyse(measured, prepared);
    line["figures"] = to_json(measure_prepared(measured, prepared));
    line["bound_ns"] = bound.bound_ns;
    line["bound_energy_pj"] = bound.bound_energy_pj;
    line["estimate_ns"] = bound.estimate_ns;
  } catch (const InputError& error) {
    line["infeasible"] = error.reason();
  }
  return line;
}

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
    const nlohmann::ordered_json line = line_of(design, config_of(sweep, design, 0));
    out << line.dump() << std::endl;
    ++ran;
  }
  std::printf("%zu runs, %zu before\n", ran, done.size());
}

void write_table(const SweepFile& sweep, const std::string& runs_path, const std::string& path) {
  std::ofstream out(path);
  out << "design,time_ns,energy_pj,area_mm2,bound_time_ns,bound_energy_pj\n";
  DesignSpace space(sweep);
  for (const auto& [design, run] : read_runs(runs_path)) {
    if (run.count("figures") == 0) continue;
    const auto [config, closed] = space.design_of(design, 0);
    const double area_mm2 = closed.silicon.of(config.machine).area_mm2;
    const StepFigures exact = exact_figures(config, space.silicon_of(config), area_mm2,
                                            run_figures_of(run.at("figures")));
    out << fmt::format("{},{:.9g},{:.9g},{:.9g},{:.9g},{:.9g}\n", design, exact.ns, exact.energy_pj,
                       exact.area_mm2, run.at("bound_ns").get<double>(),
                       run.at("bound_energy_pj").get<double>());
  }
}

int make(int count, char** arguments) {
  const std::string what = count > 3 ? arguments[1] : "";
  if ((what != "run" && what != "table") || (what == "table" && count != 5)) {
    std::fputs(
        "make_proof run SWEEP.yaml RUNS.jsonl [SECONDS] | table SWEEP.yaml RUNS.jsonl OUT.csv\n",
        stderr);
    return 2;
  }
  const SweepFile sweep = load_sweep(arguments[2]);
  if (what == "table")
    write_table(sweep, arguments[3], arguments[4]);
  else
    run_all(sweep, arguments[3], count > 4 ? number_of(arguments[4]).value_or(0) : 1e9);
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
