#include "host/sweep/sweep_file.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <random>

#include "host/sweep/design_space.h"
#include "host/sweep/expression.h"
#include "host/sweep/run_key.h"
#include "host/sweep/sweep_rules.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using Catch::Contains;
using Texts = std::vector<std::string>;

namespace {

SweepFile load(const std::string& yaml, const Texts& settings = {}) {
  const TemporaryFolder folder;
  return load_sweep(folder.write("s.yaml", yaml), settings);
}

/// Why the text is refused, with the file's name without its folder; "" if it is not.
std::string refusal(const std::string& yaml, const Texts& settings = {}) {
  const TemporaryFolder folder;
  const std::string path = folder.write("s.yaml", yaml);
  std::string message = message_of<InputError>([&] { load_sweep(path, settings); });
  if (message.compare(0, path.size(), path) == 0) message.replace(0, path.size(), "s.yaml");
  return message;
}

double value_of_formula(const std::string& text) {
  return Expression(text, "c", {"s.yaml", 1, 1}).value({});
}

const std::string kRest = "\nobjectives: [time, area]\n";

}  // namespace

TEST_CASE("a sweep's file says which designs there are, the last axis running fastest") {
  const SweepFile sweep = load(R"(
axes:
  accelerator.array.rows: [8, 16]
  accelerator.scratchpad.kib: {from: 64, to: 300, times: 2}
  accelerator.clock_mhz: {from: 100, to: 101, step: 0.5}
derived:
  accelerator.array.columns: accelerator.array.rows
  accelerator.vector.lanes: min(accelerator.array.columns / 2, 4)
constraints:
  - accelerator.array.rows * accelerator.scratchpad.kib <= 1024
objectives: [time, area, device_memory]
search: {method: bound, tolerance: 0.01, round: 32, seed: 5}
stop: {runs: 10, seconds: 2.5}
)");
  CHECK(sweep.name == "s");
  CHECK(sweep.designs() == 18);
  CHECK(sweep.axes[1].values == Texts{"64", "128", "256"});
  CHECK(sweep.axes[2].values == Texts{"100", "100.5", "101"});
  CHECK(sweep.axes[1].numeric);
  CHECK(settings_of(sweep, 10) == Texts{"accelerator.clock_mhz=100.5", "accelerator.array.rows=16",
                                        "accelerator.scratchpad.kib=64",
                                        "accelerator.array.columns=16",
                                        "accelerator.vector.lanes=4"});
  CHECK(sweep.places_of(10) == std::vector<std::size_t>{1, 0, 1});
  CHECK(sweep.design_of({1, 0, 1}) == 10);
  CHECK(sweep.objectives ==
        std::vector<Objective>{Objective::kTime, Objective::kArea, Objective::kDeviceMemory});
  CHECK(sweep.tolerance == 0.01);
  CHECK(sweep.round == 32);
  CHECK(sweep.seed == 5);
  CHECK(sweep.most_runs == 10);
  CHECK(sweep.most_seconds == 2.5);
  REQUIRE(sweep.workloads.size() == 1);
  CHECK(sweep.workloads[0].name == "step");
}

TEST_CASE("files that a sweep names lie beside it, and a mapping comes before the keys below it") {
  const TemporaryFolder folder;
  folder.write("memory/a.yaml", "{kind: fixed-latency, bandwidth_gb_per_s: 5}");
  folder.write("memory/b.yaml", "{kind: fixed-latency, bandwidth_gb_per_s: 6}");
  folder.write("base.yaml", "watchdog_cycles: 77");
  const SweepFile sweep = load_sweep(folder.write("s.yaml", R"(
configuration: base.yaml
workloads:
  - {name: short, set: {workload.shapes: {tokens: 8, layers: [{in: 16, out: 32, rank: 4}]}}}
  - {name: long, weight: 3, set: {workload.shapes: {tokens: 80, layers: [{in: 16, out: 32, rank: 4}]}}}
axes:
  memory.latency_ns: [7, 8]
  memory: [memory/a.yaml, "memory/b.yaml"]
objectives: [time]
)"),
                                     {"name=x y"});
  CHECK(sweep.axes[1].values == Texts{"memory/a.yaml", "memory/b.yaml"});
  CHECK_FALSE(sweep.axes[1].numeric);
  const Config config = config_of(sweep, 3, 1);
  CHECK(config.name == "x y");
  CHECK(config.watchdog_cycles == 77);
  CHECK(config.memory.bandwidth_gb_per_s == 6);
  CHECK(config.memory.latency_ns == 8);
  CHECK(config.shapes.tokens == 80);
  CHECK(config.shapes.layers.at(0).rank == 4);
  CHECK(sweep.workloads[1].weight == 3);
  CHECK(run_line_of(sweep, 3, 1) ==
        "corank run " + folder.file("base.yaml") +
            " --fidelity cycle --set 'name=x y' --set memory=" + folder.file("memory/b.yaml") +
            " --set memory.latency_ns=8 --set 'workload.shapes={tokens: 80, layers: [{in: 16, out: "
            "32, rank: 4}]}'");
}

TEST_CASE("formulas are those of arithmetic") {
  CHECK(value_of_formula("2 + 3 * 4 ^ 2 / 8") == 8);
  CHECK(value_of_formula("min(3, 2, 5) + max(1, 7) + floor(2.5) + ceil(2.5) + mod(7, 4)") == 17);
  CHECK(value_of_formula("1 < 2 && 3 >= 3 && 2 != 3") == 1);
  CHECK(value_of_formula("5 == 4 ? 10 : log2(8)") == 3);
  const Expression formula("a.b * 2 + c_1", "", {});
  CHECK(formula.names() == Texts{"a.b", "c_1"});
  CHECK(formula.value({5, 1}) == 11);
  CHECK(formula.value({6, 1}) == 13);
}

TEST_CASE("what is no formula is refused with its place") {
  const auto refused = [](const std::string& text) {
    return message_of<InputError>([&] { value_of_formula(text); });
  };
  CHECK_THAT(refused("2 +"),
             Contains("s.yaml:1:1: c: expected a formula of keys and numbers, found "
                      "'2 +': Unexpected end of expression"));
  CHECK_THAT(refused("2 = 3"), Contains("equality is written as =="));
  CHECK_THAT(refused("1, 2"), Contains("one value was expected"));
  CHECK_THAT(refused("1 / 0"), Contains("it is no finite number"));
  CHECK_THAT(refused(""), Contains("found ''"));
  CHECK_THAT(refused("\"a\""), Contains("found '\"a\"'"));
  CHECK_THAT(refused("system(1)"), Contains("found 'system(1)'"));
}

TEST_CASE("what is wrong with a sweep's file is told with its place") {
  CHECK(refusal("") == "s.yaml:1:1: expected a mapping, found nothing");
  CHECK(refusal("axes: {accelerator.array.rows: [8]}") ==
        "s.yaml:1:1: the key 'objectives' is missing");
  CHECK(refusal("objectives: [time]") == "s.yaml:1:1: the key 'axes' is missing");
  CHECK(refusal("axes: {}" + kRest) == "s.yaml:1:7: axes: expected at least one axis, found none");
  CHECK(
      refusal("axes: {accelerator.array.rows: [8]}\nobjectives: []") ==
      "s.yaml:2:13: objectives: expected a list of time, energy, area, device_memory, j_per_token, "
      "cost_of_a_step, lut, ff, bram, dsp, fpga_share, found a list");
  CHECK(
      refusal("axes: {accelerator.array.rows: [8]}\nobjectives: [time, tim]") ==
      "s.yaml:2:20: objectives[1]: expected one of time, energy, area, device_memory, j_per_token, "
      "cost_of_a_step, lut, ff, bram, dsp, fpga_share; found 'tim'; did you mean 'time'?");
  CHECK(refusal("axes: {accelerator.array.rows: [8]}\nobjectives: [time, time]") ==
        "s.yaml:2:20: objectives[1]: 'time' is given twice");
  CHECK(refusal("axis: {}\naxes: {accelerator.array.rows: [8]}" + kRest) ==
        "s.yaml:1:1: unknown key 'axis'; did you mean 'axes'?");
}

TEST_CASE("axes that no configuration can have are refused with their place") {
  CHECK(refusal("axes:\n  accelerator.array.row: [8]" + kRest) ==
        "s.yaml:2:3: unknown key 'row' in accelerator.array; did you mean 'rows'?");
  CHECK(
      refusal("axes:\n  accelerator.clock_mhz.x: [8]" + kRest) ==
      "s.yaml:2:3: unknown key 'accelerator.clock_mhz.x'; accelerator.clock_mhz has none below it");
  CHECK(refusal("axes:\n  accelerator.array.rows: [8, 33]" + kRest) ==
        "s.yaml:2:31: accelerator.array.rows: expected an integer, 1..32, found '33'");
  CHECK(refusal("axes:\n  accelerator.array.rows: []" + kRest) ==
        "s.yaml:2:27: accelerator.array.rows: expected at least one value, found none");
  CHECK(
      refusal("axes:\n  accelerator.array.rows: 8" + kRest) ==
      "s.yaml:2:27: accelerator.array.rows: expected a list of values or a range with from, to and "
      "times or step, found '8'");
  CHECK(refusal("axes:\n  accelerator.array.rows: [8, 9, 8]" + kRest) ==
        "s.yaml:2:27: accelerator.array.rows: the value 8 is given twice");
  CHECK(
      refusal("axes:\n  memory: [there/is/none.yaml]" + kRest).find("none.yaml' cannot be read") !=
      std::string::npos);
}

TEST_CASE("ranges without an end or without a value are refused with their place") {
  const auto range = [](const std::string& text) {
    return refusal("axes:\n  accelerator.clock_mhz: " + text + kRest);
  };
  CHECK(
      range("{from: 9, to: 8, step: 1}") ==
      "s.yaml:2:33: accelerator.clock_mhz: expected a range from at most 8 ('to'), found 9: it is "
      "empty");
  CHECK(
      range("{from: 8, to: 9}") ==
      "s.yaml:2:26: accelerator.clock_mhz: expected a range with either 'times' or 'step', found a "
      "mapping");
  CHECK(
      range("{from: 8, to: 9, step: 1, times: 2}") ==
      "s.yaml:2:26: accelerator.clock_mhz: expected a range with either 'times' or 'step', found a "
      "mapping");
  CHECK(range("{from: 8, to: 9, times: 1}") ==
        "s.yaml:2:50: accelerator.clock_mhz.times: expected a finite number above 1, found '1'");
  CHECK(range("{from: 8, to: 9, step: 0}") ==
        "s.yaml:2:49: accelerator.clock_mhz.step: expected a finite number above 0, found '0'");
  CHECK(range("{from: 0, to: 9, times: 2}") ==
        "s.yaml:2:33: accelerator.clock_mhz: expected a range with 'times' that begins above 0, "
        "found "
        "0");
  CHECK(range("{to: 9, step: 1}") ==
        "s.yaml:2:26: accelerator.clock_mhz: the key 'from' is missing");
  CHECK(range("{from: 1, to: 1000, step: 1e-9}") ==
        "s.yaml:2:26: accelerator.clock_mhz: expected at most 100000 values, found more");
}

TEST_CASE("contradictions are refused with their place") {
  const std::string axis = "axes:\n  accelerator.array.rows: [8, 16]\n";
  CHECK(refusal(axis + "derived:\n  accelerator.array.rows: 2 + 3" + kRest) ==
        "s.yaml:4:3: accelerator.array.rows: is an axis, and cannot be derived, too");
  CHECK(refusal(axis + "derived:\n  accelerator.array: 2" + kRest) ==
        "s.yaml:4:3: accelerator.array: expected a key with a number, found a mapping");
  CHECK(refusal(axis + "workloads:\n  - {name: a, set: {accelerator.array.rows: 4}}" + kRest) ==
        "s.yaml:4:21: accelerator.array.rows: expected no key that the designs set, but "
        "accelerator.array.rows is an axis");
  CHECK(refusal(axis + "objectives: [time]", {"accelerator.array.rows=3"}) ==
        "--set accelerator.array.rows=3: accelerator.array.rows: expected no key that the designs "
        "set, but accelerator.array.rows is an axis");
  CHECK(refusal(axis + "workloads: [{name: a}, {name: a}]" + kRest) ==
        "s.yaml:3:31: workloads[1].name: 'a' is given twice");
  CHECK(refusal(axis + "search: {method: random}" + kRest) ==
        "s.yaml:3:18: search.method: random proves nothing, so that it needs 'stop' with runs or "
        "seconds");
}

TEST_CASE("names that nothing has are refused with their place") {
  const std::string axis = "axes:\n  accelerator.array.rows: [8, 16]\n  memory.name: [a, b]\n";
  CHECK(refusal(axis + "constraints:\n  - accelerator.array.rose < 3" + kRest) ==
        "s.yaml:5:5: constraints[0]: expected names of axes and area_mm2, fmax_mhz, clock_mhz, "
        "device_bytes, found 'accelerator.array.rose', which nothing has");
  CHECK_THAT(
      refusal(axis + "constraints:\n  - accelerator.array.columns < 3" + kRest),
      Contains("found 'accelerator.array.columns', a key that is neither an axis nor derived"));
  CHECK_THAT(refusal(axis + "constraints:\n  - memory.name < 3" + kRest),
             Contains("found 'memory.name', an axis whose values are no numbers"));
  CHECK_THAT(refusal(axis + "derived:\n  accelerator.array.columns: area_mm2" + kRest),
             Contains("expected names of axes, found 'area_mm2', which nothing has"));
  CHECK_THAT(refusal(axis +
                     "derived:\n  accelerator.array.columns: accelerator.vector.lanes\n"
                     "  accelerator.vector.lanes: 4" +
                     kRest),
             Contains("found 'accelerator.vector.lanes', which is derived after it"));
}

TEST_CASE("objectives that lack what they are priced with are refused") {
  const std::string axis = "axes:\n  accelerator.array.rows: [8, 16]\n";
  CHECK(refusal(axis + "objectives: [energy]") ==
        "s.yaml:3:13: objectives: energy needs a table of energies, and neither the configuration "
        "nor "
        "an axis gives 'energy'");
  CHECK(refusal(axis + "prices: {usd_per_kwh: 1, usd_per_mm2: 2}\nobjectives: [cost_of_a_step]") ==
        "s.yaml:3:9: prices: the key 'lifetime_hours' is missing, which cost_of_a_step needs");
}

TEST_CASE("an FPGA is one of a family that has a closed form, and its figures need it") {
  const std::string axis = "axes:\n  accelerator.array.rows: [8, 16]\n";
  const std::string full = "constraints: [fpga_share <= 0.9 && lut < 1e5]\n";
  const SweepFile sweep = load("fpga: {target: xilinx7, part: XC7A200T}\n" + axis + full +
                               "objectives: [time, fpga_share, bram]");
  CHECK(sweep.fpga.part->has[0] == 134600);
  CHECK(sweep.fpga.fit->target == "xilinx7");
  CHECK(sweep.objectives ==
        std::vector<Objective>{Objective::kTime, Objective::kFpgaShare, Objective::kBlockRams});
  CHECK(
      refusal("fpga: {target: ecp5, part: LFE5U-85F}\n" + axis + kRest) ==
      "s.yaml:1:16: fpga.target: 'ecp5' is not available; expected 'xilinx7', the only one so far");
  CHECK(refusal("fpga: {target: xilinx7, part: XC7K70T}\n" + axis + kRest) ==
        "s.yaml:1:31: fpga.part: expected one of XC7A35T, XC7A100T, XC7A200T, XC7K325T; found "
        "'XC7K70T'");
  CHECK(refusal("fpga: {target: xilinx7}\n" + axis + kRest) ==
        "s.yaml:1:7: fpga: the key 'part' is missing");
  CHECK(refusal(axis + "objectives: [time, lut]") ==
        "s.yaml:3:13: objectives: lut needs an FPGA, and the key 'fpga' is missing");
  CHECK(refusal(axis + full + "objectives: [time]") ==
        "s.yaml:3:15: constraints[0]: expected names of axes and area_mm2, fmax_mhz, clock_mhz, "
        "device_bytes, found 'fpga_share', which needs the key 'fpga'");
}

TEST_CASE("a configuration that is changed is the one that is read") {
  const TemporaryFolder folder;
  const std::string configs = CORANK_CONFIGS;
  const SweepFile sweep = load_sweep(folder.write("s.yaml", R"(
configuration: )" + configs + R"(/cycle.yaml
axes:
  accelerator.array.rows: [1, 8, 32]
  accelerator.array.columns: [3, 16]
  accelerator.scratchpad.kib: [1, 16, 512]
  accelerator.vector.lanes: {from: 1, to: 32, times: 2}
  accelerator.axi.data_bits: [64, 512]
  accelerator.clock_mhz: [500, 1500.5]
  memory: [)" + configs + "/memory/hbm2.yaml, " + configs + R"(/memory/fixed-100ns-16gb.yaml]
derived:
  accelerator.queue_depth: accelerator.array.columns - 2
  accelerator.accumulator.kib: 2 * accelerator.scratchpad.kib
objectives: [time, energy, area]
)"));
  DesignConfigs configs_of_designs(sweep);
  ContentDigests digests;
  std::mt19937_64 random(1);
  std::size_t legal = 0, refused = 0;
  for (int i = 0; i < 150; ++i) {
    const std::size_t design = random() % sweep.designs();
    const std::vector<std::size_t> places = sweep.places_of(design);
    Config read, changed;
    const std::string why = message_of<InputError>([&] { read = config_of(sweep, design, 0); });
    std::string why_not;
    try {
      changed = configs_of_designs.of(places, sweep.rules->derived(places), 0).config;
    } catch (const InputError& error) {
      why_not = error.reason();
    }
    INFO("design " << design);
    REQUIRE(why.empty() == why_not.empty());
    ++(why.empty() ? legal : refused);
    if (!why.empty()) {
      CHECK_THAT(why, Catch::EndsWith(": " + why_not));
      continue;
    }
    for (const MachineParameter& p : kMachineParameters)
      CHECK(changed.machine.*p.value == read.machine.*p.value);
    CHECK(changed.limits.clock_mhz == read.limits.clock_mhz);
    CHECK(changed.memory.name == read.memory.name);
    CHECK(changed.memory.bandwidth_gb_per_s == read.memory.bandwidth_gb_per_s);
    CHECK(changed.shapes.tokens == read.shapes.tokens);
    // All of it that a run depends on.
    CHECK(run_key(changed, digests) == run_key(read, digests));
  }
  CHECK(legal > 20);
  CHECK(refused > 20);
}

TEST_CASE("reasons are the same for designs that are wrong alike") {
  CHECK(kind_of_reason("a.kib: expected at least 16.5 KiB, LPDDR5 x2, found -3") ==
        "a.kib: expected at least N KiB, LPDDR5 x2, found -N");
}
