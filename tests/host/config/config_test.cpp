#include "host/config/config.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <filesystem>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "host/energy/actions.h"
#include "models/base/error.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using Catch::Contains;

namespace {

Config load(const std::string& yaml, const std::vector<std::string>& settings = {}) {
  const TemporaryFolder folder;
  return load_config(folder.write("a.yaml", yaml), settings);
}

/// Why the text is refused, with the file's name without its folder; "" if it is not.
std::string refusal(const std::string& yaml, const std::vector<std::string>& settings = {}) {
  const TemporaryFolder folder;
  const std::string path = folder.write("a.yaml", yaml);
  std::string message = message_of<InputError>([&] { load_config(path, settings); });
  if (message.compare(0, path.size(), path) == 0) message.replace(0, path.size(), "a.yaml");
  return message;
}

const char* const kEverything = R"(
name: all of it
accelerator:
  clock_mhz: 1250.5
  array: {rows: 5, columns: 7, mac: host-float}
  vector: {lanes: 4}
  scratchpad: {kib: 128, banks: 16}
  accumulator: {kib: 32, banks: 8}
  axi: {data_bits: 256, outstanding: 3, burst_beats: 17}
  queue_depth: 6
memory: {kind: fixed-latency, name: m, size_mib: 12, latency_ns: 34.5, bandwidth_gb_per_s: 6.75}
link: {name: l, latency_ns: 1, bandwidth_gb_per_s: 2, payload_bytes: 3, overhead_bytes: 4, source: s}
energy:
  name: e
  node: 3 nm
  actions:
    - {action: dram_byte, pj: 1.5, unit: byte, source: here, quality: measured}
    - {action: fp32_add, pj: 0, unit: operation, source: there, quality: assumed}
workload:
  capture: /somewhere/x.safetensors
  optimizer: {name: adamw, lr: 0.5, betas: [0.25, 0.75], eps: 1e-3, weight_decay: 0}
compiler: {scratchpad_kib: 8, accumulator_kib: 16, rehearse: false, block: {rows: 9, columns: 10, depth: 11}}
verification:
  stalls: {percent: 90, seed: 9223372036854775807}
  faults: {read_error: 1, write_error: 2, silent_read: 3}
watchdog_cycles: 77
)";

}  // namespace

TEST_CASE("The place of a value is where it was written, or of what is nearest above it") {
  const TemporaryFolder folder;
  const std::string memory = folder.write("m.yaml", "# of a DRAM\nname: m\nsize_mib: 7\n");
  const std::string path =
      folder.write("a.yaml", "name: x\nmemory: m.yaml\nworkload:\n  seed: 3\nvalues: 'on'\n");
  const Config config = load_config(path, {"workload.seed=4"});
  const auto place = [&](const std::string& key) { return to_string(place_of(config, key)); };
  CHECK(place("values") == path + ":5:9");
  CHECK(place("memory.size_mib") == memory + ":3:11");
  CHECK(place("memory.kind") == memory + ":2:1");
  CHECK(place("workload.seed") == "--set workload.seed=4");
  CHECK(place("workload.optimizer.lr") == path + ":4:3");
  CHECK(place("energy.actions") == path + ":1:1");
  CHECK(config.files == std::vector<std::string>{path, memory});
  CHECK(to_string(place_of(load_config("", {}), "values")) == "the configuration");
}

TEST_CASE("Every key of a configuration lands in its field") {
  const Config c = load(kEverything);
  CHECK(c.name == "all of it");
  CHECK(c.limits.clock_mhz == 1250.5);
  CHECK(c.machine.array_rows == 5);
  CHECK(c.machine.array_columns == 7);
  CHECK(c.machine.mac == "host-float");
  CHECK(c.machine.vector_lanes == 4);
  CHECK(c.machine.scratchpad_kib == 128);
  CHECK(c.machine.scratchpad_banks == 16);
  CHECK(c.machine.accumulator_kib == 32);
  CHECK(c.machine.accumulator_banks == 8);
  CHECK(c.machine.axi_data_bits == 256);
  CHECK(c.limits.outstanding_bursts == 3);
  CHECK(c.limits.burst_beats == 17);
  CHECK(c.machine.queue_depth == 6);
  CHECK(c.memory.kind == MemoryKind::kFixedLatency);
  CHECK(c.memory.name == "m");
  CHECK(c.memory.size_mib == 12);
  CHECK(c.memory.latency_ns == 34.5);
  CHECK(c.memory.bandwidth_gb_per_s == 6.75);
  CHECK(c.link.name == "l");
  CHECK(c.link.latency_ns == 1);
  CHECK(c.link.bandwidth_gb_per_s == 2);
  CHECK(c.link.payload_bytes == 3);
  CHECK(c.link.overhead_bytes == 4);
  CHECK(c.link.source == "s");
  CHECK(c.energy.name == "e");
  CHECK(c.energy.node == "3 nm");
  REQUIRE(c.energy.actions.size() == 2);
  CHECK(c.energy.actions[0].action == "dram_byte");
  CHECK(c.energy.actions[0].pj == 1.5);
  CHECK(c.energy.actions[0].unit == "byte");
  CHECK(c.energy.actions[0].source == "here");
  CHECK(c.energy.actions[0].quality == "measured");
  CHECK(c.energy.actions[1].action == "fp32_add");
  CHECK(c.capture == "/somewhere/x.safetensors");
  CHECK(c.optimizer.adamw.lr == 0.5);
  CHECK(c.optimizer.adamw.beta1 == 0.25);
  CHECK(c.optimizer.adamw.beta2 == 0.75);
  CHECK(c.optimizer.adamw.eps == 1e-3);
  CHECK(c.optimizer.adamw.weight_decay == 0);
  CHECK(c.compiler.scratchpad_kib == 8);
  CHECK(c.compiler.accumulator_kib == 16);
  CHECK_FALSE(c.compiler.rehearse);
  CHECK(c.compiler.block_rows == 9);
  CHECK(c.compiler.block_columns == 10);
  CHECK(c.compiler.block_depth == 11);
  CHECK(c.stalls.percent == 90);
  CHECK(c.stalls.seed == 9223372036854775807u);
  CHECK(c.faults.read_error == 1);
  CHECK(c.faults.write_error == 2);
  CHECK(c.faults.silent_read == 3);
  CHECK(c.watchdog_cycles == 77);
}

TEST_CASE("What a configuration leaves out keeps its default") {
  const Config c = load("accelerator: {array: {rows: 4}}");
  CHECK(c.machine.array_rows == 4);
  CHECK(c.machine.array_columns == 8);
  CHECK(c.machine.axi_data_bits == 128);
  CHECK(c.limits.clock_mhz == 1000);
  CHECK(c.memory.kind == MemoryKind::kFixedLatency);
  CHECK(c.energy.actions.empty());
  CHECK(c.capture.empty());
  CHECK(c.optimizer.adamw.beta2 == 0.999);
  CHECK(load("{}").watchdog_cycles == 200000);
}

TEST_CASE("A number may be written in any way that YAML and C share") {
  CHECK(load("watchdog_cycles: +12").watchdog_cycles == 12);
  CHECK(load("accelerator: {clock_mhz: 1e3}").limits.clock_mhz == 1000);
  CHECK(load("accelerator: {clock_mhz: +2.5E+2}").limits.clock_mhz == 250);
  CHECK(load("memory: {latency_ns: .5}").memory.latency_ns == 0.5);
  CHECK(load("memory: {latency_ns: 0}").memory.latency_ns == 0);
}

TEST_CASE("An unknown key is refused where it stands, with the nearest known one") {
  CHECK(refusal("nmae: x\n") == "a.yaml:1:1: unknown key 'nmae'; did you mean 'name'?");
  CHECK(refusal("accelerator:\n  array:\n    row: 8\n") ==
        "a.yaml:3:5: unknown key 'row' in accelerator.array; did you mean 'rows'?");
  CHECK(refusal("accelerator: {array: {depth: 8}}\n") ==
        "a.yaml:1:23: unknown key 'depth' in accelerator.array; expected rows, columns, mac");
}

TEST_CASE("A value of the wrong type is refused with what was found") {
  CHECK(refusal("name: [a]\n") == "a.yaml:1:7: name: expected a text, found a list");
  CHECK(refusal("name:\n").find("name: expected a text, found nothing") != std::string::npos);
  CHECK(refusal("accelerator: [8]\n") ==
        "a.yaml:1:14: accelerator: expected a mapping, found a list");
  for (const std::string wrong : {"8.0", "eight", "\"8\"", "0x8", "1e1", "true", "[8]", "{a: 8}",
                                  "8 9", "+-8", "+", "9223372036854775808", "~", "''"}) {
    INFO(wrong);
    CHECK_THAT(refusal("accelerator:\n  array:\n    rows: " + wrong + "\n"),
               Catch::StartsWith("a.yaml:3:1") &&
                   Contains("accelerator.array.rows: expected an integer, 1..32, found "));
  }
  for (const std::string wrong :
       {"fast", ".inf", "inf", "nan", ".nan", "-1", "1e999", "'5'", "[]", "0x10", "1.5.2", "1_0"}) {
    INFO(wrong);
    CHECK_THAT(refusal("memory: {latency_ns: " + wrong + "}\n"),
               Contains("a.yaml:1:22: memory.latency_ns: expected a finite number at least 0, at "
                        "most 1000000, found "));
  }
  CHECK(refusal("- 1\n") == "a.yaml:1:1: expected a mapping, found a list");
  CHECK(refusal("") == "a.yaml:1:1: expected a mapping, found nothing");
}

TEST_CASE("A value out of its range is refused, the limits are not") {
  struct Range {
    std::string key;
    std::vector<std::string> right, wrong;
  };
  // The lines that the settings stand on are wide enough for every right value alone.
  const std::vector<Range> ranges = {
      {"accelerator.array.rows", {"1", "32"}, {"0", "33", "-1"}},
      {"accelerator.array.columns", {"1", "32"}, {"0", "33"}},
      {"accelerator.vector.lanes", {"1", "2", "4", "8"}, {"0", "3", "64"}},
      {"accelerator.scratchpad.kib", {"1", "16384"}, {"0", "3", "32768"}},
      {"accelerator.scratchpad.banks", {"8", "32"}, {"4", "12", "64"}},
      {"accelerator.accumulator.kib", {"1", "16384"}, {"0", "3", "32768"}},
      {"accelerator.accumulator.banks", {"4", "16"}, {"2", "12", "32"}},
      {"accelerator.axi.data_bits", {"64", "128", "256", "512"}, {"32", "96", "1024"}},
      {"accelerator.axi.outstanding", {"1", "16"}, {"0", "17"}},
      {"accelerator.axi.burst_beats", {"1", "256"}, {"0", "257"}},
      {"accelerator.queue_depth", {"1", "16"}, {"0", "17"}},
      {"accelerator.clock_mhz", {"1", "10000"}, {"0", "0.5", "10001"}},
      {"memory.size_mib", {"1", "1048576"}, {"0", "1048577"}},
      {"memory.bandwidth_gb_per_s", {"0.001", "1e6"}, {"0", "-1", "1e7"}},
      {"link.latency_ns", {"0", "1e6"}, {"-1", "1.1e6"}},
      {"link.bandwidth_gb_per_s", {"0.001", "1e6"}, {"0", "1e7"}},
      {"link.payload_bytes", {"1"}, {"0"}},
      {"link.overhead_bytes", {"0", "65536"}, {"-1", "65537"}},
      {"workload.optimizer.lr", {"1e-30", "10"}, {"0", "-1", ".inf"}},
      {"workload.optimizer.eps", {"1e-30"}, {"0", "-1"}},
      {"workload.optimizer.weight_decay", {"0", "1"}, {"-0.1", ".nan"}},
      {"workload.optimizer.betas",
       {"[0, 0]", "[0.9, 0.999999]"},
       {"[1, 0]", "[0, 1]", "[-0.1, 0]", "[0.9]", "[0.1, 0.2, 0.3]", "0.9", "[0.9, x]"}},
      {"compiler.scratchpad_kib", {"0", "64"}, {"-1", "65"}},
      {"compiler.accumulator_kib", {"0", "64"}, {"-1", "65"}},
      {"compiler.block.rows", {"0", "2147483647"}, {"-1", "2147483648"}},
      {"verification.stalls.percent", {"0", "90"}, {"-1", "91"}},
      {"verification.stalls.seed", {"0"}, {"-1"}},
      {"verification.faults.read_error", {"0", "1000000000000"}, {"-1"}},
      {"watchdog_cycles", {"1", "1000000000"}, {"0", "1000000001"}},
  };
  for (const Range& range : ranges) {
    for (const std::string& value : range.right) {
      INFO(range.key << "=" << value);
      CHECK(refusal("{}", {range.key + "=" + value}) == "");
    }
    for (const std::string& value : range.wrong) {
      const std::string setting = "--set " + range.key + "=" + value;
      INFO(setting);
      CHECK_THAT(refusal("{}", {range.key + "=" + value}),
                 Catch::StartsWith(setting + ": " + range.key) && Contains("expected"));
    }
  }
}

TEST_CASE("Invalid YAML and duplicate keys of a configuration are refused") {
  CHECK_THAT(refusal("name: [\n"), Catch::StartsWith("a.yaml:2:1: invalid YAML: "));
  CHECK(refusal("name: a\nname: b\n") == "a.yaml:2:1: duplicate key 'name', first in line 1");
}

TEST_CASE("Lanes beyond the elements of a memory line are refused") {
  // The next power of two of max(rows, columns, AXI bits / 16).
  const auto machine = [](int rows, int columns, int axi, int lanes) {
    return refusal("accelerator:\n  array: {rows: " + std::to_string(rows) + ", columns: " +
                   std::to_string(columns) + "}\n  axi: {data_bits: " + std::to_string(axi) +
                   "}\n  vector: {lanes: " + std::to_string(lanes) + "}\n");
  };
  CHECK(machine(8, 8, 128, 8) == "");
  CHECK(machine(9, 1, 64, 16) == "");
  CHECK(machine(1, 17, 64, 32) == "");
  CHECK(machine(1, 1, 512, 32) == "");
  CHECK(machine(3, 1, 64, 4) == "");
  CHECK(machine(8, 8, 128, 16) ==
        "a.yaml:4:19: accelerator.vector.lanes: expected at most 8, the elements of a memory line "
        "with 8 rows, 8 columns and 128 AXI data bits, found 16");
  CHECK_FALSE(machine(3, 1, 64, 8).empty());
  // Where the lanes are not given, what narrows the line is at fault; the command line first.
  CHECK_THAT(refusal("accelerator: {array: {rows: 2, columns: 2}, axi: {data_bits: 64}}"),
             Catch::StartsWith("a.yaml:1:29: accelerator.vector.lanes: expected at most 4"));
  CHECK_THAT(refusal("accelerator: {array: {rows: 2, columns: 2}, vector: {lanes: 8}}",
                     {"accelerator.axi.data_bits=64"}),
             Catch::StartsWith("--set accelerator.axi.data_bits=64: accelerator.vector.lanes"));
}

TEST_CASE("A bank with fewer lines than a line has elements is refused") {
  // 32 elements a line: 64 bytes in the scratchpad, 128 in the accumulator memory. A column of 32
  // elements lies in as many lines, and may meet two banks but not three.
  const std::string wide = "accelerator.array.rows=32";
  CHECK(refusal("{}", {wide, "accelerator.scratchpad.kib=16"}) == "");
  CHECK(refusal("{}", {wide, "accelerator.accumulator.kib=16"}) == "");
  CHECK_THAT(
      refusal("{}", {wide, "accelerator.scratchpad.kib=8"}),
      Contains("accelerator.scratchpad.kib: expected at least 16 KiB, which are 32 lines of 64 "
               "bytes for each of 8 banks, found 8 KiB"));
  CHECK_THAT(
      refusal("{}", {wide, "accelerator.scratchpad.kib=32", "accelerator.scratchpad.banks=32"}),
      Contains("expected at least 64 KiB"));
  CHECK_THAT(refusal("{}", {wide, "accelerator.accumulator.kib=8"}),
             Contains("accelerator.accumulator.kib: expected at least 16 KiB"));
}

TEST_CASE("The compiler's limits must lie within the machine") {
  const char* machine = "accelerator: {scratchpad: {kib: 32}}\ncompiler:\n  scratchpad_kib: ";
  CHECK(refusal(machine + std::string("32\n")) == "");
  CHECK(refusal(machine + std::string("33\n")) ==
        "a.yaml:3:19: compiler.scratchpad_kib: expected at most the machine's 32 KiB, found 33");
}

TEST_CASE("What corank does not have is refused by name") {
  CHECK(refusal("memory: {kind: ddr4}\n") ==
        "a.yaml:1:16: memory.kind: expected one of fixed-latency, dram; found 'ddr4'");
  CHECK(refusal("workload: {optimizer: {name: lion}}\n") ==
        "a.yaml:1:30: workload.optimizer.name: expected one of adamw, sgd; found 'lion'");
  CHECK(refusal("numerics: fp16\n") ==
        "a.yaml:1:11: numerics: expected one of bf16, fp32, fp64; found 'fp16'; did you mean "
        "'bf16'?");
}

TEST_CASE("A fine-tuning run is described by folders, an optimizer and a schedule") {
  const Config c = load(
      "workload:\n"
      "  model: /m\n"
      "  adapter: /a\n"
      "  batches: /b.safetensors\n"
      "  seed: 7\n"
      "  optimizer:\n"
      "    {name: sgd, lr: 0.5, momentum: 0.9, nesterov: true, clip_norm: 2.5, accumulate: 3,\n"
      "     schedule: {name: cosine, warmup: 4, total: 50}}\n"
      "numerics: fp64\n"
      "output: {gradients: true}\n");
  CHECK(c.model == "/m");
  CHECK(c.adapter == "/a");
  CHECK(c.batches == "/b.safetensors");
  CHECK(c.seed == 7);
  CHECK(c.optimizer.kind == OptimizerKind::kSgd);
  CHECK(c.optimizer.sgd.lr == 0.5);
  CHECK(c.optimizer.sgd.momentum == 0.9);
  CHECK(c.optimizer.sgd.dampening == 0);
  CHECK(c.optimizer.sgd.weight_decay == 0);  // torch.optim.SGD's default, not AdamW's 0.01
  CHECK(c.optimizer.sgd.nesterov);
  CHECK(c.optimizer.clip_norm == 2.5);
  CHECK(c.optimizer.accumulate == 3);
  CHECK(c.optimizer.schedule.kind == Schedule::Kind::kCosine);
  CHECK(c.optimizer.schedule.warmup == 4);
  CHECK(c.optimizer.schedule.total == 50);
  CHECK(c.numerics == Numerics::kFp64);
  CHECK(c.write_gradients);
}

TEST_CASE("LoRA+ is a ratio of learning rates and one of embeddings, LoRA-FA a key") {
  const Config c =
      load("workload: {lora_fa: true, optimizer: {lora_plus: {ratio: 16, embedding_lr: 1e-5}}}\n");
  CHECK(c.lora_fa);
  CHECK(c.optimizer.lora_plus.ratio == 16);
  CHECK(c.optimizer.lora_plus.embedding_lr == 1e-5);
  const Config plain = load("workload: {optimizer: {lora_plus: {ratio: 4}}}\n");
  CHECK_FALSE(plain.lora_fa);
  CHECK(plain.optimizer.lora_plus.embedding_lr == 1e-6);  // PEFT's
  CHECK(load("numerics: bf16\n").optimizer.lora_plus.ratio == 0);
  CHECK_THAT(refusal("workload: {optimizer: {lora_plus: {ratio: -1}}}\n"),
             Contains("a.yaml:1:43: workload.optimizer.lora_plus.ratio: "));
}

TEST_CASE("A key of the other optimizer is refused") {
  CHECK(refusal("workload: {optimizer: {momentum: 0.9}}\n") ==
        "a.yaml:1:34: workload.optimizer.momentum: belongs to sgd, but workload.optimizer.name is "
        "adamw");
  CHECK(refusal("workload: {optimizer: {name: sgd, betas: [0, 0]}}\n") ==
        "a.yaml:1:42: workload.optimizer.betas: belongs to adamw, but workload.optimizer.name is "
        "sgd");
  CHECK(refusal("workload: {optimizer: {name: sgd, nesterov: true}}\n") ==
        "a.yaml:1:45: workload.optimizer.nesterov: expected a momentum above 0 and no dampening");
  CHECK(refusal("output: {gradients: yes}\n") ==
        "a.yaml:1:21: output.gradients: expected true or false, found 'yes'");
}

TEST_CASE("Every parameter of the machine has a key, with its range") {
  const std::string schema = describe_schema();
  for (const MachineParameter& parameter : kMachineParameters) {
    const std::string key = std::string("accelerator.") + parameter.key;
    INFO(key);
    const std::string range = (parameter.power_of_two ? "a power of two, " : "") +
                              std::to_string(parameter.least) + ".." +
                              std::to_string(parameter.most);
    CHECK_THAT(schema, Contains(key + ": integer, " + range));
    CHECK_THAT(schema, Contains(parameter.doc));
    // Lines of 32 elements leave room for twice the preset of every other parameter that has more.
    const int twice = 2 * MachineShape{}.*parameter.value;
    const int other = twice > parameter.most ? parameter.least : twice;
    const std::string wide = "accelerator.axi.data_bits=512";
    const Config config = load("name: m\n", {wide, key + "=" + std::to_string(other)});
    MachineShape expected;
    expected.axi_data_bits = 512;
    expected.*parameter.value = other;
    for (const MachineParameter& each : kMachineParameters)
      CHECK(config.machine.*each.value == expected.*each.value);
    for (const int beyond : {parameter.least - 1, parameter.most + 1}) {
      const std::string setting = key + "=" + std::to_string(beyond);
      CHECK(refusal("name: m\n", {setting}) == "--set " + setting + ": " + key +
                                                   ": expected an integer, " + range + ", found '" +
                                                   std::to_string(beyond) + "'");
    }
  }
  for (const MachineChoice& choice : kMachineChoices) {
    const std::string key = std::string("accelerator.") + choice.key;
    for (const char* option : choice.options)
      CHECK(load("name: m\n", {key + "=" + option}).machine.*choice.value == option);
  }
}

TEST_CASE("An energy table is checked figure by figure") {
  const auto table = [](const std::string& lines) {
    return refusal("energy:\n  actions:\n" + lines);
  };
  const std::string good =
      "  - {action: dram_byte, pj: 1, unit: byte, source: s, quality: measured}\n";
  CHECK(table(good) == "");
  CHECK(table(good + good) ==
        "a.yaml:4:14: energy.actions[1].action: 'dram_byte' has a figure already");
  CHECK(table("  - {action: dram_byte, pj: 1, unit: byte, quality: measured}\n") ==
        "a.yaml:3:5: energy.actions[0]: the key 'source' is missing");
  CHECK_THAT(table("  - {action: dram_bite, pj: 1, unit: byte, source: s, quality: measured}\n"),
             Contains("energy.actions[0].action: expected one of") &&
                 Contains("did you mean 'dram_byte'?"));
  CHECK_THAT(
      table("  - {action: dram_byte, pj: 1, unit: operation, source: s, quality: measured}\n"),
      Contains("energy.actions[0].unit: expected 'byte' for dram_byte, found 'operation'"));
  CHECK_THAT(table("  - {action: dram_byte, pj: 1, unit: byte, source: s, quality: guessed}\n"),
             Contains("expected one of measured, modelled, derived, scaled, assumed; found "
                      "'guessed'"));
  CHECK_THAT(table("  - {action: dram_byte, pj: -1, unit: byte, source: s, quality: measured}\n"),
             Contains("energy.actions[0].pj: expected a finite number"));
  CHECK_THAT(refusal("energy: {actions: {a: 1}}\n"), Contains("expected a list of mappings"));
}

TEST_CASE("The span of an energy contains it; without one it is that of a single source") {
  const auto entry = [](const std::string& more) {
    return "energy:\n  actions:\n  - {action: dram_byte, unit: byte, source: s, quality: assumed, "
           "pj: 2" +
           more + "}\n";
  };
  const EnergyEntry alone = load(entry("")).energy.actions[0];
  CHECK(alone.low_pj == 2);
  CHECK(alone.high_pj == 2);
  const EnergyEntry spanned = load(entry(", span: [1.5, 2]")).energy.actions[0];
  CHECK(spanned.low_pj == 1.5);
  CHECK(spanned.high_pj == 2);
  const std::string place = "a.yaml:3:79: energy.actions[0].span";
  CHECK(refusal(entry(", span: [2.5, 3]")) ==
        place + ": expected one that contains pj = 2, found [2.5, 3]");
  CHECK(refusal(entry(", span: [0, 1]")) ==
        place + ": expected one that contains pj = 2, found [0, 1]");
  CHECK(refusal(entry(", span: [3, 1]")) ==
        place + ": expected one that contains pj = 2, found [3, 1]");
  CHECK(refusal(entry(", span: [1]")) == place + ": expected a list of two numbers, found 1");
  CHECK_THAT(refusal(entry(", span: [-1, 3]")), Contains("energy.actions[0].span[0]: expected"));
  CHECK_THAT(refusal(entry(", span: wide")), Contains(place + ": expected a list of two numbers"));
  CHECK_THAT(refusal("energy: {actions: [{action: dram_byte, unit: byte, source: s, quality: "
                     "assumed, span: [0, 1]}]}"),
             Contains("energy.actions[0]: the key 'pj' is missing"));
}

TEST_CASE("The macro of an energy is of a memory on the chip, and has a size and a width") {
  const auto entry = [](const std::string& action, const std::string& more) {
    return "energy:\n  actions:\n  - {unit: byte, source: s, quality: assumed, pj: 2, action: " +
           action + more + "}\n";
  };
  const EnergyEntry whole =
      load(entry("scratchpad_read_byte", ", macro_kib: 8, macro_bits: 64")).energy.actions[0];
  CHECK(whole.macro_kib == 8);
  CHECK(whole.macro_bits == 64);
  CHECK(load(entry("scratchpad_read_byte", "")).energy.actions[0].macro_kib == 0);
  CHECK_THAT(refusal(entry("scratchpad_read_byte", ", macro_kib: 0, macro_bits: 64")),
             Contains("macro_kib: expected a finite number at least 0.125, at most 16384"));
  CHECK(refusal(entry("dram_byte", ", macro_kib: 8, macro_bits: 64")) ==
        "a.yaml:3:84: energy.actions[0].macro_kib: 'dram_byte' is not of a memory's macros");
  CHECK(refusal(entry("accumulator_write_byte", ", macro_kib: 8")) ==
        "a.yaml:3:97: energy.actions[0].macro_kib: expected 'macro_bits' beside it");
  CHECK(refusal(entry("accumulator_write_byte", ", macro_bits: 8")) ==
        "a.yaml:3:98: energy.actions[0].macro_bits: expected 'macro_kib' beside it");
}

TEST_CASE("An unknown action of an energy table is refused with the list of those that there are") {
  std::string list;
  for (const EnergyAction& action : energy_actions())
    list += (list.empty() ? "" : ", ") + std::string(action.name);
  const std::string table =
      "name: t\nactions:\n  - {pj: 1, unit: byte, action: nonsense, source: s, quality: "
      "measured}\n";
  const std::string refused =
      "energy.actions[0].action: expected one of " + list + "; found 'nonsense'";
  const TemporaryFolder folder;
  folder.write("table.yaml", table);
  folder.write("a.yaml", "energy: table.yaml\n");
  CHECK(message_of<InputError>([&] { load_config(folder.file("a.yaml"), {}); }) ==
        folder.file("table.yaml") + ":3:33: " + refused);
  CHECK(refusal("energy:\n  actions:\n  - action: nonsense\n") == "a.yaml:3:13: " + refused);
}

TEST_CASE("Memory, link and energy may be files, relative to the file that names them") {
  const TemporaryFolder folder;
  folder.write("parts/memory.yaml", "latency_ns: 12\nname: part\n");
  folder.write("parts/link.yaml", "{payload_bytes: 64}\n");
  folder.write("parts/energy.yaml", "node: 1 nm\n");
  const std::string path = folder.write(
      "machines/a.yaml",
      "memory: ../parts/memory.yaml\nlink: '../parts/link.yaml'\nenergy: ../parts/energy.yaml\n");
  Config c = load_config(path, {});
  CHECK(c.memory.latency_ns == 12);
  CHECK(c.memory.name == "part");
  CHECK(c.memory.bandwidth_gb_per_s == 16);
  CHECK(c.link.payload_bytes == 64);
  CHECK(c.energy.node == "1 nm");

  // Settings go on top of what the file holds, and can name another file.
  c = load_config(path, {"memory.latency_ns=50"});
  CHECK(c.memory.latency_ns == 50);
  CHECK(c.memory.name == "part");
  const std::string other = folder.write("other.yaml", "size_mib: 3\n");
  c = load_config(path, {"memory=" + other, "memory.latency_ns=7"});
  CHECK(c.memory.size_mib == 3);
  CHECK(c.memory.latency_ns == 7);
  CHECK(c.memory.name.empty());
}

TEST_CASE("A memory's own file gives what a configuration that names it has") {
  const TemporaryFolder folder;
  const std::string path = folder.write("a.yaml", "name: nothing else\n");
  for (const std::string name : {"hbm2", "fixed-100ns-64gb"}) {
    const std::string file = std::string(CORANK_CONFIGS) + "/memory/" + name + ".yaml";
    const Config config = load_config(path, {"memory=" + file});
    const MemoryConfig memory = load_memory(file);
    CHECK(config.names_memory);
    CHECK(memory.kind == config.memory.kind);
    CHECK(memory.name == config.memory.name);
    CHECK(memory.size_mib == config.memory.size_mib);
    CHECK(memory.latency_ns == config.memory.latency_ns);
    CHECK(memory.bandwidth_gb_per_s == config.memory.bandwidth_gb_per_s);
    CHECK(memory.dram.device.name == config.memory.dram.device.name);
    CHECK(memory.dram.address_map == config.memory.dram.address_map);
  }
  CHECK_FALSE(load_config(path, {}).names_memory);
  CHECK_THROWS_WITH(load_memory(folder.file("missing.yaml")), Contains("cannot be read"));
}

TEST_CASE("Without a file everything is the default, but for the settings") {
  const Config config = load_config("", {"accelerator.array.rows=3"});
  CHECK(config.machine.array_rows == 3);
  CHECK(config.machine.array_columns == MachineShape{}.array_columns);
  CHECK_FALSE(config.names_memory);
  CHECK_THROWS_WITH(load_config("", {"accelerator.array.row=3"}), Contains("unknown key 'row'"));
}

TEST_CASE("A file that cannot be taken in is refused at the line that names it") {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.yaml");
  const auto refused = [&](const std::string& yaml, const std::vector<std::string>& settings = {}) {
    folder.write("a.yaml", yaml);
    return message_of<InputError>([&] { load_config(path, settings); });
  };
  CHECK(refused("name: x\nmemory: no.yaml\n") ==
        path + ":2:9: '" + folder.file("no.yaml") + "' cannot be read: No such file or directory");
  CHECK(refused("{}", {"link=no.yaml"}) ==
        "--set link=no.yaml: 'no.yaml' cannot be read: No such file or directory");
  CHECK_THAT(refused("memory: .\n"), Contains(":1:9: ") && Contains("it is a directory"));
  CHECK(refused("name: x\nmemory: a.yaml\n") ==
        path + ":2:9: memory: a file cannot include itself");
  // Errors within the file are placed in it.
  const std::string part = folder.write("part.yaml", "name: x\nlatency: 5\n");
  CHECK(refused("memory: part.yaml\n") ==
        part + ":2:1: unknown key 'latency' in memory; did you mean 'latency_ns'?");
  folder.write("part.yaml", "a.yaml\n");
  CHECK(refused("memory: part.yaml\n") ==
        part + ":1:1: memory: expected a mapping, found 'a.yaml'");
  folder.write("part.yaml", "a: {");
  CHECK_THAT(refused("memory: part.yaml\n"),
             Catch::StartsWith(part + ":1:") && Contains("invalid YAML"));
}

TEST_CASE("A configuration that cannot be read is refused by name") {
  const TemporaryFolder folder;
  const std::string missing = folder.file("no.yaml");
  CHECK(message_of<InputError>([&] { load_config(missing, {}); }) ==
        missing + ": cannot be read: No such file or directory");
  CHECK_THAT(message_of<InputError>([&] { load_config(folder.file(""), {}); }),
             Contains("cannot be read: it is a directory"));
  CHECK(message_of<InputError>([&] { load_config("/dev/zero", {}); }) ==
        "/dev/zero: cannot be read: it is larger than 1 MiB, so no configuration");
}

TEST_CASE(
    "The captured layer's path is relative to the file or, from --set, to the working directory") {
  const TemporaryFolder folder;
  const std::string path = folder.write("a.yaml", "workload: {capture: sub/x.safetensors}\n");
  CHECK(load_config(path, {}).capture == folder.file("sub/x.safetensors"));
  CHECK(load_config(path, {"workload.capture=y.safetensors"}).capture == "y.safetensors");
  CHECK(load_config(path, {"workload.capture=/z.safetensors"}).capture == "/z.safetensors");
}

TEST_CASE(
    "Layers come as a list of captures, or by their sizes, in the file or in one of its own") {
  const TemporaryFolder folder;
  const std::string captures =
      folder.write("a.yaml", "workload: {captures: [x.safetensors, /y.safetensors]}\n");
  CHECK(load_config(captures, {}).captures ==
        std::vector<std::string>{folder.file("x.safetensors"), "/y.safetensors"});
  folder.write("layers.yaml", "tokens: 7\nlayers: [{in: 4, out: 5, rank: 2, repeat: 3}]\n");
  const std::string shapes = folder.write(
      "b.yaml", "workload: {weights: streamed, stream_tiles: 2, shapes: layers.yaml}\n");
  const Config c = load_config(shapes, {"workload.shapes.tokens=9"});
  CHECK(c.weights == Weights::kStreamed);
  CHECK(c.stream_tiles == 2);
  CHECK(c.shapes.tokens == 9);
  REQUIRE(c.shapes.layers.size() == 1);
  CHECK(c.shapes.layers[0].out == 5);
  CHECK(c.shapes.layers[0].repeat == 3);
}

TEST_CASE("Wrong layers are refused where they stand") {
  CHECK(refusal("workload: {captures: x.safetensors}") ==
        "a.yaml:1:22: workload.captures: expected a list of paths, found 'x.safetensors'");
  CHECK(refusal("workload: {shapes: {layers: [{in: 4, out: 5, rank: 2}]}}") ==
        "a.yaml:1:20: workload.shapes: the key 'tokens' is missing");
  CHECK(refusal("workload: {shapes: {tokens: 1, layers: [{in: 4, out: 5}]}}") ==
        "a.yaml:1:41: workload.shapes.layers[0]: the key 'rank' is missing");
  CHECK_THAT(refusal("workload: {shapes: {tokens: 0, layers: [{in: 4, out: 5, rank: 1}]}}"),
             Contains("workload.shapes.tokens: expected an integer, 1..16777215, found '0'"));
  CHECK_THAT(refusal("workload: {shapes: {tokens: 1, layers: [{in: 4, out: 5, rank: 1, alpha: "
                     "1e39}]}}"),
             Contains("a.yaml:1:") &&
                 Contains("workload.shapes.layers[0].alpha: expected a finite number at least 0"));
  CHECK_THAT(refusal("workload: {weights: remote}"),
             Contains("workload.weights: expected one of resident, streamed"));
}

TEST_CASE("Settings are applied in order, over the file, with any YAML value") {
  const char* yaml = "name: file\nmemory: {latency_ns: 1, size_mib: 5}\n";
  CHECK(load(yaml, {"name=first", "name=second"}).name == "second");
  CHECK(load(yaml, {"name=a=b"}).name == "a=b");
  CHECK(load(yaml, {"accelerator.array.rows=16"}).machine.array_rows == 16);
  CHECK(load(yaml, {"workload.optimizer.betas=[0.5, 0.25]"}).optimizer.adamw.beta2 == 0.25);
  // A mapping takes the place of the one before.
  const Config c = load(yaml, {"memory={latency_ns: 2}"});
  CHECK(c.memory.latency_ns == 2);
  CHECK(c.memory.size_mib == 256);
}

TEST_CASE("A wrong setting is refused by its text") {
  const auto refused = [](const std::string& setting) { return refusal("name: x", {setting}); };
  CHECK(refused("nam=y") == "--set nam=y: unknown key 'nam'; did you mean 'name'?");
  CHECK(refused("accelerator.array.rwos=8") ==
        "--set accelerator.array.rwos=8: unknown key 'rwos' in accelerator.array; did you mean "
        "'rows'?");
  CHECK(refused("watchdog_cycles=many") ==
        "--set watchdog_cycles=many: watchdog_cycles: expected an integer, 1..1000000000, found "
        "'many'");
  CHECK(
      refused("watchdog_cycles=") ==
      "--set watchdog_cycles=: watchdog_cycles: expected an integer, 1..1000000000, found nothing");
  CHECK(refused("name.x=1") == "--set name.x=1: name: expected a text, found a mapping");
  CHECK(refused("name=[1") ==
        "--set name=[1: expected a key, found a list, or a bracket that is never closed");
  CHECK_THAT(refused("name='1"), Catch::StartsWith("--set name='1: invalid YAML: "));
  for (const std::string wrong : {"name", "=x", "", ".=x", "a..b=x", ".name=x", "name.=x"}) {
    INFO(wrong);
    CHECK(refused(wrong) == "--set " + wrong + ": expected path.to.key=value");
  }
}

TEST_CASE("Garbage is refused with its place, never a crash") {
  const std::uint32_t seed = GENERATE(range(1u, 11u));
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::string good = kEverything;
  for (int round = 0; round < 100; ++round) {
    std::string text;
    if (round % 2 == 0) {
      for (std::uint32_t n = random() % 60; n > 0; --n) text += static_cast<char>(random());
    } else {  // a good text with a few characters that are not
      text = good;
      for (std::uint32_t n = 1 + random() % 3; n > 0; --n)
        text[random() % text.size()] = static_cast<char>(' ' + random() % 95);
    }
    INFO("text " << text);
    const std::string message = refusal(text);
    if (!message.empty()) REQUIRE_THAT(message, Catch::StartsWith("a.yaml:"));
    const std::string value = text.substr(0, 30);
    const std::string setting = refusal("{}", {"name=" + value});
    if (!setting.empty()) REQUIRE_THAT(setting, Catch::StartsWith("--set name="));
  }
}

TEST_CASE("The schema's description has every key, with its range and the default of its field") {
  const std::string text = describe_schema();
  std::set<std::string> keys;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) keys.insert(line.substr(0, line.find(':')));
  for (const char* key :
       {"name", "accelerator", "accelerator.clock_mhz", "accelerator.array.rows",
        "accelerator.axi.data_bits", "memory.kind", "link.overhead_bytes", "energy.actions",
        "energy.actions[].quality", "energy.actions[].span", "energy.actions[].macro_kib",
        "memory.device.access.span", "workload.capture", "workload.optimizer.betas",
        "compiler.block.depth", "verification.faults.silent_read", "watchdog_cycles"}) {
    INFO(key);
    CHECK(keys.count(key) == 1);
  }
  CHECK_THAT(
      text, Contains("accelerator.axi.data_bits: integer, a power of two, 64..512, in bit; default "
                     "128\n    data width\n"));
  CHECK_THAT(text, Contains("at least 0, below 1; default [0.9, 0.999]\n"));
  CHECK_THAT(text, Contains("workload.optimizer.eps: number, above 0; default 1e-08\n"));
  CHECK_THAT(text, Contains("energy.actions[].pj: number, at least 0, in pJ; required\n"));
  CHECK_THAT(text, Contains("link: mapping, or the path of a YAML file that holds it\n"));
}

TEST_CASE("The fine-tuning configuration that comes with corank has torch's defaults") {
  const Config c =
      load_config((std::filesystem::path(CORANK_CONFIGS) / "finetune.yaml").string(), {});
  CHECK(c.numerics == Numerics::kFp32);
  CHECK(c.optimizer.kind == OptimizerKind::kAdamW);
  CHECK(c.optimizer.adamw.lr == 1e-3);
  CHECK(c.optimizer.adamw.eps == 1e-8);
  CHECK(c.optimizer.adamw.weight_decay == 0.01);
  CHECK(c.optimizer.clip_norm == 0);
  CHECK(c.model.empty());
}

TEST_CASE("Every configuration that comes with corank is right") {
  const std::filesystem::path configs = CORANK_CONFIGS;
  for (const char* name : {"quickstart.yaml", "16x16.yaml", "32x32.yaml"}) {
    INFO(name);
    const Config c = load_config((configs / name).string(), {});
    CHECK_FALSE(c.name.empty());
    CHECK_FALSE(c.link.source.empty());
    CHECK(c.energy.actions.size() == energy_actions().size());
    CHECK(std::filesystem::exists(c.capture));
  }
  const std::string quickstart = (configs / "quickstart.yaml").string();
  for (const auto& entry : std::filesystem::directory_iterator(configs / "bench")) {
    INFO(entry.path());
    CHECK_FALSE(load_config(entry.path().string(), {}).shapes.layers.empty());
  }
  for (const char* part : {"accelerator", "memory", "link", "energy"})
    for (const auto& entry : std::filesystem::directory_iterator(configs / part)) {
      INFO(entry.path());
      const std::string setting = part + ("=" + entry.path().string());
      CHECK_NOTHROW(load_config(quickstart, {setting}));
    }
  const Config c = load_config(quickstart, {"energy=" + (configs / "energy/7nm.yaml").string()});
  CHECK(c.energy.node == "7 nm");
  CHECK(c.energy.actions.size() == energy_actions().size());
}
