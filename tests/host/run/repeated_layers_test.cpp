#include "host/run/repeated_layers.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "host/run/run.h"
#include "models/base/error.h"

using namespace corank;
using Catch::Contains;

namespace {

LinearLayer layer(std::int64_t in, std::int64_t out, int rank = 4) {
  LinearLayer step;
  step.tokens = 8;
  step.in = in;
  step.out = out;
  step.lora.rank = rank;
  return step;
}

// Groups of a wide and a narrow layer on the quick start's machine.
struct Groups {
  int tokens = 64, width = 384;
  int times = 9;
};

RunReport run_groups(const Groups& groups, const std::string& layers,
                     const std::vector<std::string>& more) {
  const auto layer_text = [&](const char* name, int in, int out) {
    return fmt::format("{{name: {}, in: {}, out: {}, rank: 8}}", name, in, out);
  };
  std::vector<std::string> settings = {
      "values=off",
      fmt::format("workload={{layers: {}, shapes: {{tokens: {}, repeat: {}, layers: [{}, {}]}}}}",
                  layers, groups.tokens, groups.times,
                  layer_text("a", groups.width, 2 * groups.width),
                  layer_text("b", 2 * groups.width, groups.width))};
  settings.insert(settings.end(), more.begin(), more.end());
  RunOptions options;
  options.fidelity = Fidelity::kCycle;
  return run(load_config(std::string(CORANK_CONFIGS) + "/quickstart.yaml", settings), options);
}

std::string refusal(const Groups& groups, const std::vector<std::string>& more) {
  try {
    run_groups(groups, "repeated", more);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

bool counts_cycles(const std::string& counter) {
  return counter == "cycles" || counter.find("gemm_slots") == 0 ||
         counter.find("_idle") != std::string::npos || counter.find("_wait") != std::string::npos ||
         counter.find("_busy") != std::string::npos ||
         counter.find("_latency") != std::string::npos;
}

}  // namespace

TEST_CASE("the shortest group that repeats is found", "[repeated]") {
  const LinearLayer a = layer(8, 16), b = layer(16, 8), c = layer(16, 8, 2);
  const auto is = [](const std::optional<LayerRepetition>& found, std::size_t group,
                     std::size_t times) {
    return found && found->group == group && found->times == times;
  };
  CHECK(is(find_repetition({a, a, a}), 1, 3));
  CHECK(is(find_repetition({a, b, a, b, a, b, a, b}), 2, 4));
  CHECK(is(find_repetition({a, b, b, a, b, b}), 3, 2));
  CHECK_FALSE(find_repetition({a, b, a}));
  CHECK_FALSE(find_repetition({a, b, a, c}));  // another rank is another layer
  CHECK_FALSE(find_repetition({a}));
  CHECK_FALSE(find_repetition({}));
}

TEST_CASE("a step with layers repeated comes to the figures of the whole", "[repeated]") {
  struct Case {
    Groups groups;
    std::vector<std::string> settings;
    double error;  // of a step's cycles
  };
  const std::string ddr4 = "memory=" + std::string(CORANK_CONFIGS) + "/memory/ddr4-2400.yaml";
  const Case example = GENERATE_COPY(values<Case>(
      {{{}, {}, 0.001},
       {{}, {ddr4}, 0.002},
       {{}, {"workload.weights=streamed"}, 0.002},
       // So few tokens that the updates find no place beside the products. In so short a step it
       // matters that the host fills the ring with more commands at the beginning.
       {{24, 128, 9}, {}, 0.01},
       {{24, 128, 9}, {ddr4}, 0.01}}));
  INFO(example.groups.tokens << " tokens "
                             << (example.settings.empty() ? "" : example.settings[0]));
  const RunReport whole = run_groups(example.groups, "whole", example.settings),
                  repeated = run_groups(example.groups, "repeated", example.settings);
  REQUIRE(repeated.layers_repeated);
  CHECK_FALSE(whole.layers_repeated);
  CHECK(repeated.layers_repeated->layers_of_group == 2);
  CHECK(repeated.layers_repeated->groups == 9);
  CHECK(repeated.layers_repeated->middle_cycles[0] > 0);
  CHECK(repeated.layers_repeated->error < example.error);
  CHECK(repeated.passed());
  CHECK_THAT(to_table(repeated), Contains("layers repeated") && Contains("LAYERS REPEATED"));

  // Everything that does not depend on time is equal.
  for (const auto& [counter, value] : whole.counters) {
    INFO(counter);
    if (!counts_cycles(counter)) CHECK(repeated.counters.at(counter) == value);
  }
  CHECK(repeated.commands == whole.commands);
  CHECK(repeated.commands_completed == whole.commands_completed);
  CHECK(repeated.link.streamed_bytes == whole.link.streamed_bytes);
  CHECK(repeated.layers.size() == whole.layers.size());
  REQUIRE(repeated.phases.size() == whole.phases.size());
  for (std::size_t i = 0; i < whole.phases.size(); ++i) {
    CHECK(repeated.phases[i].value == whole.phases[i].value);
    CHECK(repeated.phases[i].macs == whole.phases[i].macs);
  }
  REQUIRE(repeated.tensors.size() == whole.tensors.size());
  std::map<std::string, std::uint64_t> loaded;
  for (const TensorReport& tensor : whole.tensors) loaded[tensor.name] = tensor.loaded_bytes;
  for (const TensorReport& tensor : repeated.tensors) {
    INFO(tensor.name);
    REQUIRE(loaded.count(tensor.name) == 1);
    CHECK(loaded[tensor.name] == tensor.loaded_bytes);
    loaded.erase(tensor.name);
  }

  // The rest is near it.
  const auto near = [&](double value) { return Approx(value).epsilon(2 * example.error); };
  // The commands of four groups fit the ring; with more the host asks again and again how far it
  // is.
  const auto about = [&](double value) { return Approx(value).epsilon(0.02); };
  CHECK(static_cast<double>(repeated.cycles) ==
        Approx(static_cast<double>(whole.cycles)).epsilon(example.error));
  CHECK(repeated.total_ns == near(whole.total_ns));
  CHECK(repeated.energy_pj == near(whole.energy_pj));
  const auto wire_bytes_to_device = [](const RunReport& report) {
    return static_cast<double>(report.link.upload.wire_bytes_to_device +
                               report.link.step.wire_bytes_to_device);
  };
  CHECK(wire_bytes_to_device(repeated) == about(wire_bytes_to_device(whole)));
  CHECK(static_cast<double>(repeated.link.download.wire_bytes_to_host) ==
        about(static_cast<double>(whole.link.download.wire_bytes_to_host)));
  for (std::size_t unit = 0; unit < whole.units.size(); ++unit) {
    std::uint64_t sum = 0;
    for (const std::uint64_t cycles : repeated.units[unit].cycles) sum += cycles;
    CHECK(sum == repeated.cycles);
  }
  REQUIRE(repeated.dram.has_value() == whole.dram.has_value());
  if (whole.dram) {
    CHECK(static_cast<double>(repeated.dram->statistics.data) ==
          about(static_cast<double>(whole.dram->statistics.data)));
    CHECK(static_cast<double>(repeated.dram->statistics.activates) ==
          Approx(static_cast<double>(whole.dram->statistics.activates)).epsilon(0.05));
  }
}

TEST_CASE("layers repeated is refused where it cannot be right", "[repeated]") {
  CHECK_THAT(refusal({64, 384, 4}, {}),
             Contains("comes at least 5 times, found a group of 2 that comes 4 times"));
  CHECK_THAT(refusal({64, 384, 1}, {}), Contains("found none that repeats"));
  CHECK_THAT(refusal({}, {"values=on"}), Contains("expected --fidelity cycle and values: off"));
  // Four groups fit 2 MiB, nine do not.
  CHECK_THAT(refusal({24, 128, 9}, {"memory.size_mib=2"}),
             Contains("bytes of device memory") && Contains("memory.size_mib gives 2097152 bytes"));
  CHECK_THAT(refusal({64, 384, 4}, {}), Catch::StartsWith("--set workload="));
  // The rings, which the host fills before the step, hold what the simulated groups need.
  CHECK_THAT(refusal({24, 128, 40}, {"link.bandwidth_gb_per_s=0.001"}),
             Contains("the link takes longer") && Contains("expected workload.layers: whole"));
}

TEST_CASE("groups that do not come to be alike are not put in for others", "[repeated]") {
  // A device so fast that the step of tiny layers runs while the memory still takes in what was
  // uploaded: the first groups take 7,104 and 9,239 cycles, a mean one more than twice as many.
  const auto run_layers = [](const std::string& layers) {
    RunOptions options;
    options.fidelity = Fidelity::kCycle;
    const std::vector<std::string> settings = {
        "values=off", "accelerator.clock_mhz=9999",
        "memory=" + std::string(CORANK_CONFIGS) + "/memory/ddr4-2400.yaml",
        "workload={layers: " + layers +
            ", weights: streamed, shapes: {tokens: 33, repeat: 40, layers: [{in: 3, out: 3, rank: "
            "0}]}}"};
    return run(load_config(std::string(CORANK_CONFIGS) + "/quickstart.yaml", settings), options);
  };
  const auto whole = static_cast<double>(run_layers("whole").cycles);
  try {
    const RunReport repeated = run_layers("repeated");
    CHECK(repeated.layers_repeated->error <= 0.01);
    CHECK(static_cast<double>(repeated.cycles) == Approx(whole).epsilon(0.02));
  } catch (const InputError& error) {
    CHECK_THAT(error.what(), Contains("the two groups in the middle of 16 still differ") &&
                                 Contains("expected workload.layers: whole"));
  }
}
