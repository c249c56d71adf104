#include "host/sweep/run_figures.h"

#include <catch2/catch.hpp>

#include "host/run/run.h"
#include "models/base/error.h"
#include "sim/platform/platform.h"

using corank::Config;
using corank::load_config;
using corank::measure_design;
using corank::run;
using corank::RunFigures;
using corank::RunReport;

namespace {

const std::string kConfigs = CORANK_CONFIGS;

std::vector<std::string> small_layer(std::initializer_list<std::string> more = {}) {
  std::vector<std::string> settings = {
      "accelerator=" + kConfigs + "/accelerator/16x16-axi512.yaml",
      "workload.shapes={tokens: 24, layers: [{in: 64, out: 48, rank: 4}]}"};
  settings.insert(settings.end(), more);
  return settings;
}

RunReport report_of(const Config& config) {
  corank::RunOptions options;
  options.fidelity = corank::Fidelity::kCycle;
  return run(config, options);
}

}  // namespace

TEST_CASE("a design's figures are those that its run reports, with its values or without") {
  for (const std::string memory : {"fixed-100ns-16gb", "lpddr4-3200"}) {
    const Config config =
        load_config("", small_layer({"memory=" + kConfigs + "/memory/" + memory + ".yaml"}));
    const RunFigures figures = measure_design(config);
    const RunReport report = report_of(config);
    CHECK(report.passed());
    CHECK(figures.cycles == report.cycles);
    CHECK(figures.total_ns == report.total_ns);
    CHECK(figures.step_ns == report.link.step.ns);
    CHECK(figures.memory_bytes == report.memory.bytes_read + report.memory.bytes_written);
    CHECK(figures.link_bytes ==
          report.link.upload.wire_bytes_to_device + report.link.upload.wire_bytes_to_host +
              report.link.step.wire_bytes_to_device + report.link.step.wire_bytes_to_host +
              report.link.download.wire_bytes_to_device + report.link.download.wire_bytes_to_host);
    CHECK(figures.tokens == 24);
    CHECK(figures.bound_by == report.bound);
    // The frozen weight forward; its gradient's way back to the input, where that is asked for,
    // and the adapter's products, each 24 x 4 x 64 or 24 x 4 x 48, forward, backward, and of the
    // factors' gradients.
    CHECK(figures.macs == 2. * 24 * 64 * 48 + 3. * 24 * 4 * (64 + 48));
    for (std::size_t i = 0; i < figures.counters.size(); ++i)
      CHECK(figures.counters[i] == report.counters.at(corank::interface::kCounterNames[i]));
    CHECK((figures.dram.reads > 0) == report.dram.has_value());
  }
}

TEST_CASE("figures come out of JSON as they went in") {
  const Config config =
      load_config("", small_layer({"memory=" + kConfigs + "/memory/lpddr4-3200.yaml"}));
  const RunFigures figures = measure_design(config);
  const std::string text = to_json(figures).dump();
  const RunFigures read = corank::run_figures_of(nlohmann::json::parse(text));
  CHECK(to_json(read).dump() == text);
  CHECK(read.total_ns == figures.total_ns);
  CHECK(read.dram.longest_read == figures.dram.longest_read);
  CHECK_THROWS_AS(corank::run_figures_of(nlohmann::json::parse("{\"cycles\": 1}")),
                  corank::InputError);
}

TEST_CASE("of repeated layers the figures are those of the whole step") {
  const Config config = load_config(
      "", {"accelerator=" + kConfigs + "/accelerator/16x16-axi512.yaml", "values=off",
           "workload.layers=repeated",
           "workload.shapes={tokens: 24, repeat: 9, layers: [{in: 64, out: 64, rank: 4}]}"});
  const RunFigures figures = measure_design(config);
  const RunReport report = report_of(config);
  CHECK(figures.cycles == report.cycles);
  CHECK(figures.total_ns == report.total_ns);
  CHECK(figures.device_bytes > 9 * 64 * 64 * 2);  // the frozen weights alone
}

TEST_CASE("steps, values and files that were asked for change nothing of a design's figures") {
  const RunFigures plain = measure_design(load_config("", small_layer()));
  const RunFigures asked = measure_design(load_config("", small_layer({"workload.steps=3"})));
  const RunFigures off = measure_design(load_config("", small_layer({"values=off"})));
  CHECK(to_json(asked).dump() == to_json(plain).dump());
  CHECK(to_json(off).dump() == to_json(plain).dump());
}
