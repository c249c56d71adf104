#include "host/sweep/run_key.h"

#include <catch2/catch.hpp>

#include "host/sweep/run_figures.h"
#include "models/base/error.h"
#include "tests/host/temporary_folder.h"

using corank::ContentDigests;
using corank::load_config;
using corank::measure_design;
using corank::run_key;
using corank::TemporaryFolder;

namespace {

const std::string kConfigs = CORANK_CONFIGS;

std::string key_of(const std::vector<std::string>& settings, const std::string& file = "") {
  ContentDigests digests;
  return run_key(load_config(file, settings), digests);
}

}  // namespace

TEST_CASE("a key does not depend on how a configuration says what it says") {
  const std::string key = key_of({"accelerator.array.rows=32", "memory.latency_ns=50"});
  CHECK(key.size() == 64);
  CHECK(key_of({"memory.latency_ns=5e1", "accelerator.array={rows: +32}"}) == key);
  const TemporaryFolder folder;
  folder.write("machine.yaml", "array: {rows: 32}\n");
  const std::string file = folder.write(
      "run.yaml", "memory: {latency_ns: 50.0}\naccelerator: machine.yaml\nname: another\n");
  CHECK(key_of({}, file) == key);
}

TEST_CASE("what has its default value is not in a key") {
  const std::string key = key_of({});
  CHECK(key_of({"accelerator.array.rows=8", "accelerator.array.columns=8"}) == key);
  CHECK(key_of({"workload.optimizer.lr=0.001", "watchdog_cycles=200000"}) == key);
  CHECK(key_of({"workload.captures=[]"}) == key);
}

TEST_CASE("what changes neither time nor counters changes no key") {
  const std::string key = key_of({"memory=" + kConfigs + "/memory/lpddr4-3200.yaml"});
  const auto with = [&](const std::string& setting) {
    return key_of({"memory=" + kConfigs + "/memory/lpddr4-3200.yaml", setting});
  };
  CHECK(with("name=other") == key);
  CHECK(with("energy=" + kConfigs + "/energy/7nm.yaml") == key);
  CHECK(with("link.name=other") == key);
  CHECK(with("memory.device.quality=guessed") == key);
  CHECK(with("memory.device.io_pj_per_bit=3") == key);
  CHECK(with("values=off") == key);
  CHECK(with("workload.steps=3") == key);
  CHECK(with("output.gradients=true") == key);
}

TEST_CASE("what a run depends on is in its key") {
  const std::string key = key_of({"memory=" + kConfigs + "/memory/lpddr4-3200.yaml"});
  for (const std::string setting :
       {"accelerator.clock_mhz=999", "accelerator.array.rows=16", "memory.device.timing.tRFC=99",
        "memory.channels=2", "link.latency_ns=1", "workload.stream_tiles=3",
        "compiler.block.rows=8", "workload.shapes={tokens: 8, layers: [{in: 8, out: 8, rank: 2}]}",
        "numerics=bf16"}) {
    INFO(setting);
    CHECK(key_of({"memory=" + kConfigs + "/memory/lpddr4-3200.yaml", setting}) != key);
  }
  const auto layers = [](const std::string& text) {
    return key_of({"workload.shapes={tokens: 8, layers: [" + text + "]}"});
  };
  CHECK(layers("{in: 8, out: 8, rank: 2}") != layers("{in: 8, out: 8, rank: 4}"));
  CHECK(layers("{in: 8, out: 8, rank: 2}") !=
        layers("{in: 8, out: 8, rank: 2}, {in: 8, out: 8, rank: 2}"));
  CHECK(layers("{in: 8, out: 8, rank: 2, repeat: 1}") == layers("{in: 8, out: 8, rank: 2}"));
}

TEST_CASE("a file is in a key with what it holds, wherever it lies") {
  const TemporaryFolder folder;
  const auto key_of_capture = [](const std::string& path) {
    return key_of({"workload.capture=" + path});
  };
  const std::string one = folder.write("x/one", "same"), other = folder.write("x/other", "same"),
                    third = folder.write("x/third", "different");
  CHECK(key_of_capture(one) == key_of_capture(other));
  CHECK(key_of_capture(one) != key_of_capture(third));
  CHECK_THROWS_AS(key_of_capture(folder.file("nothing")), corank::InputError);

  ContentDigests digests;
  const corank::Config config = load_config("", {"workload.model=" + folder.file("x")});
  const std::string before = run_key(config, digests);
  CHECK(run_key(config, digests) == before);
  folder.write("x/third", "something else");
  CHECK(run_key(config, digests) != before);
}

// Raise kTimingVersion when one of these changes, and put the new cycles here: runs that are stored
// are of the old model.
TEST_CASE("the timing version was raised when cycles changed") {
  REQUIRE(corank::kTimingVersion == 2);
  const std::vector<std::string> machine = {
      "values=off",
      "accelerator={clock_mhz: 800, array: {rows: 8, columns: 16}, vector: {lanes: 8}, scratchpad: "
      "{kib: 64}, accumulator: {kib: 64}, axi: {data_bits: 256}}"};
  const auto cycles = [&](const std::vector<std::string>& more) {
    std::vector<std::string> settings = machine;
    settings.insert(settings.end(), more.begin(), more.end());
    return measure_design(load_config("", settings)).cycles;
  };
  CHECK(cycles({"workload.shapes={tokens: 40, layers: [{in: 96, out: 72, rank: 4}]}"}) == 17918);
  CHECK(cycles({"memory=" + kConfigs + "/memory/lpddr4-3200.yaml", "workload.weights=streamed",
                "workload.quantize=nf4",
                "workload.shapes={tokens: 64, layers: [{in: 128, out: 64, rank: 8}, "
                "{in: 64, out: 128, rank: 8}]}"}) == 57625);
  CHECK(cycles({"workload.transformer={config: " + std::string(CORANK_FIXTURES) +
                "/hf/llama_bias_all/model/config.json, sequence: 16, rank: 4}"}) == 195079);
}
