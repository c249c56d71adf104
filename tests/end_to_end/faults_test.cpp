// Every fault of the device, from a spoiled command or an error of the memory to what the host
// says, and a right step after it in the same simulation.
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "models/base/error.h"
#include "sim/platform/forwarding_host.h"
#include "tests/end_to_end/layer_bench.h"

using namespace corank;
using namespace corank::interface;
using namespace corank::test;
using Catch::Contains;

namespace {

struct Expected {
  Fault fault;
  Unit unit;
  std::size_t command;
  std::uint64_t address = 0;
};

std::string text_of(const Expected& expected) {
  return fmt::format("the device stopped: {} ({}) in the {} unit at command {} (",
                     kFaultNames[static_cast<std::size_t>(expected.fault)],
                     kFaultTexts[static_cast<std::size_t>(expected.fault)],
                     kUnitNames[static_cast<std::size_t>(expected.unit)], expected.command);
}

struct Spoiled {
  std::string name;
  CompiledStep step;
  Expected expected;
};

struct Outcome {
  std::string message;  // of the MachineError; "" if there was none
  std::string after;    // what was wrong with the right step after it
};

/// Runs all spoiled steps in one simulation, each followed by the right one.
std::vector<Outcome> run_all(const LayerBench& bench, const std::vector<Spoiled>& steps) {
  std::vector<Outcome> outcomes;
  run_platform(bench.platform, [&](HostPort& host) {
    for (const Spoiled& spoiled : steps) {
      Outcome outcome;
      try {
        bench.run(host, spoiled.step);
      } catch (const MachineError& error) {
        outcome.message = error.what();
      }
      outcome.after = bench.run_and_compare(host);
      outcomes.push_back(outcome);
    }
  });
  return outcomes;
}

void check_all(const LayerBench& bench, const std::vector<Spoiled>& steps) {
  const TimeLimit limit(120);
  const std::vector<Outcome> outcomes = run_all(bench, steps);
  REQUIRE(outcomes.size() == steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    INFO(steps[i].name);
    CHECK_THAT(outcomes[i].message, Catch::StartsWith(text_of(steps[i].expected)));
    const Expected& expected = steps[i].expected;
    CHECK_THAT(outcomes[i].message,
               Catch::EndsWith(expected.fault == Fault::kIndexRange
                                   ? fmt::format("index or place {}", expected.address)
                                   : fmt::format("address {:#x}", expected.address)));
    CHECK(outcomes[i].after == "");
  }
}

/// Index of the first command with this opcode, from `from` on.
std::size_t index_of(const CompiledStep& step, std::uint32_t opcode, std::size_t from = 0) {
  for (std::size_t i = from; i < step.commands.size(); ++i) {
    if ((step.commands[i].words[0] & 0xff) == opcode) return i;
  }
  throw std::runtime_error("no such command in the step");
}

Unit unit_of(std::uint32_t opcode) {
  switch (opcode) {
    case LoadCommand::kOpcode:
      return Unit::kLoad;
    case GemmCommand::kOpcode:
      return Unit::kArray;
    case VectorCommand::kOpcode:
      return Unit::kVector;
    default:
      return Unit::kStore;
  }
}

template <class Change>
CompiledStep with(const LayerBench& bench, std::size_t command, const Change& change) {
  CompiledStep step = bench.step;
  step.commands.change(command, [&](CompiledCommand& changed) { change(changed.words); });
  return step;
}

/// The bench's step with other commands, and a halt after them.
CompiledStep with_commands(const LayerBench& bench, const std::vector<CommandWords>& commands) {
  CompiledStep step = bench.step;
  step.commands.clear();
  for (const CommandWords& words : commands) step.commands.push_back({words, -1});
  step.commands.push_back({encode(HaltCommand{}), -1});
  while (step.ring_entries < step.commands.size()) step.ring_entries *= 2;
  return step;
}

/// Passes everything on, but tells the device of more commands than there are.
class TooManyCommands : public ForwardingHost {
 public:
  TooManyCommands(HostPort& host, std::uint32_t from, std::uint32_t more)
      : ForwardingHost(host), from_(from), more_(more) {}

  void write_register(std::uint32_t offset, std::uint32_t value) override {
    host_.write_register(offset, offset == kRegRingTail && value >= from_ ? value + more_ : value);
  }

 private:
  std::uint32_t from_, more_;
};

/// Many small blocks: more commands than the smallest ring holds.
LayerBench long_bench(std::int64_t tokens = 96) {
  CompilerConfig compiler;
  compiler.block_rows = 4;
  compiler.block_columns = 64;
  compiler.block_depth = 64;
  LayerBench bench({tokens, 130, 130, 5, 2}, compiler);
  bench.step.ring_entries = 64;
  return bench;
}

}  // namespace

TEST_CASE("an opcode that does not exist is named", "[faults]") {
  const LayerBench bench;
  std::vector<Spoiled> steps;
  for (const std::uint32_t opcode : {0x02u, 0x03u, 0x14u, 0x15u, 0x22u, 0x31u, 0x41u, 0xffu}) {
    const std::size_t command = index_of(bench.step, GemmCommand::kOpcode);
    steps.push_back({fmt::format("opcode {:#x}", opcode),
                     with(bench, command,
                          [&](CommandWords& words) { words[0] = (words[0] & ~0xffu) | opcode; }),
                     {Fault::kIllegalOpcode, Unit::kCommand, command}});
  }
  check_all(bench, steps);
  CHECK_THAT(
      describe_command(steps.back().step, bench.program.graph, steps.back().expected.command),
      Contains("(opcode 0xff for "));
}

TEST_CASE("a command of another version is named, the first and the last one too", "[faults]") {
  const LayerBench bench;
  std::vector<Spoiled> steps;
  const std::size_t last = bench.step.commands.size() - 1;
  for (const std::size_t command : {std::size_t{0}, last / 2, last}) {
    for (const std::uint32_t version : {0u, kInterfaceVersion + 1, 0xffu}) {
      steps.push_back(
          {fmt::format("version {} of command {}", version, command),
           with(bench, command,
                [&](CommandWords& words) { words[0] = (words[0] & ~0xff00u) | version << 8; }),
           {Fault::kBadVersion, Unit::kCommand, command}});
    }
  }
  check_all(bench, steps);
}

TEST_CASE("a bad field is named", "[faults]") {
  const LayerBench bench;
  std::vector<Spoiled> steps;
  const auto add = [&](const std::string& name, std::uint32_t opcode, auto change) {
    const std::size_t command = index_of(bench.step, opcode);
    steps.push_back(
        {name, with(bench, command, change), {Fault::kBadField, Unit::kCommand, command}});
  };
  constexpr auto kLoad = LoadCommand::kOpcode, kStore = StoreCommand::kOpcode,
                 kGemm = GemmCommand::kOpcode, kVector = VectorCommand::kOpcode,
                 kHalt = HaltCommand::kOpcode;
  add("load of 0 rows", kLoad, [](CommandWords& w) { w[4] = 0; });
  add("load of 0 columns", kLoad, [](CommandWords& w) { w[5] = 0; });
  add("load from a misaligned address", kLoad, [](CommandWords& w) { w[2] += 64; });
  add("load with a misaligned stride", kLoad, [](CommandWords& w) { w[6] += 1; });
  add("gather from no rows", kLoad,
      [](CommandWords& w) { w[0] = (w[0] & ~0xffu) | GatherCommand::kOpcode; });
  add("load beyond 24 bits of lines", kLoad, [](CommandWords& w) { w[7] = 1u << 24; });
  add("store from the program memory", kStore,
      [](CommandWords& w) { w[0] = (w[0] & ~(3u << 16)) | 2u << 16; });
  add("gemm of depth 0", kGemm, [](CommandWords& w) { w[4] = 0; });
  add("gemm of 2^24 rows", kGemm, [](CommandWords& w) { w[2] = 1u << 24; });
  add("vector program of length 0", kVector, [](CommandWords& w) { w[2] &= 0xffffu; });
  add("vector command of 0 columns", kVector, [](CommandWords& w) { w[4] = 0; });
  add("halt that waits for a token", kHalt, [](CommandWords& w) { w[1] |= 1; });
  add("load that takes the array's token", kLoad, [](CommandWords& w) { w[1] |= 1u << 1; });
  add("load that gives the array's token", kLoad, [](CommandWords& w) { w[1] |= 1u << (16 + 4); });
  check_all(bench, steps);
}

TEST_CASE("a ring that is no power of two is named, with its address", "[faults]") {
  const LayerBench bench;
  Spoiled spoiled{"ring of 100", bench.step, {Fault::kBadField, Unit::kCommand, 0}};
  spoiled.step.ring_entries = 100;
  spoiled.expected.address = spoiled.step.ring_address;
  check_all(bench, {spoiled});
}

TEST_CASE("an address beyond the memory limit is named", "[faults]") {
  const LayerBench bench;
  std::vector<Spoiled> steps;
  for (const std::uint32_t opcode : {LoadCommand::kOpcode, StoreCommand::kOpcode}) {
    std::size_t command = index_of(bench.step, opcode);
    // Later ones too: their bursts are cut while the unit waits for those of the ones before.
    for (int turn = 0; turn < 5; ++turn) {
      const CommandWords& words = bench.step.commands[command].words;
      for (const std::uint64_t high : {std::uint64_t{1}, std::uint64_t{0xffff}}) {
        steps.push_back({fmt::format("command {} at {:#x} << 32", command, high),
                         with(bench, command,
                              [&](CommandWords& w) {
                                w[3] = (w[3] & ~0xffffu) | static_cast<std::uint32_t>(high);
                              }),
                         {Fault::kMemoryRange, unit_of(opcode), command, high << 32 | words[2]}});
      }
      command = index_of(bench.step, opcode, command + 1);
    }
  }
  check_all(bench, steps);
}

TEST_CASE("a store beyond the memory limit is named while the one before waits for its response",
          "[faults]") {
  const LayerBench bench;
  StoreCommand good;
  good.address_lo = static_cast<std::uint32_t>(bench.step.memory_bytes);
  good.rows = good.line_stride = 64;
  good.columns = 4;
  StoreCommand beyond = good;
  beyond.address_hi = 1;
  const std::uint64_t address = std::uint64_t{1} << 32 | beyond.address_lo;
  check_all(bench, {{"two stores",
                     with_commands(bench, {encode(good), encode(beyond)}),
                     {Fault::kMemoryRange, Unit::kStore, 1, address}}});
}

TEST_CASE("a command that lies beyond the memory limit is named", "[faults]") {
  const TimeLimit limit(60);
  const LayerBench bench;
  LayerBench small = bench;
  small.options.memory_size_bytes = bench.step.ring_address + 2 * sizeof(CommandWords);
  std::string message, after;
  run_platform(bench.platform, [&](HostPort& host) {
    message = small.run_and_compare(host);
    after = bench.run_and_compare(host);
  });
  CHECK_THAT(message, Catch::StartsWith(text_of({Fault::kMemoryRange, Unit::kCommand, 2})));
  CHECK_THAT(message,
             Catch::EndsWith(fmt::format("address {:#x}", small.options.memory_size_bytes)));
  CHECK(after == "");
}

TEST_CASE("a line beyond the end of a local memory is named, for every unit", "[faults]") {
  const LayerBench bench;
  // 64 KiB each, lines of 4 elements: 8192 of the scratchpad, 4096 of the accumulator memory.
  constexpr std::uint32_t kScratchpadLines = 8192, kAccumulatorLines = 4096;
  std::vector<Spoiled> steps;
  const auto add = [&](const std::string& name, std::size_t command, std::uint64_t line,
                       auto change) {
    steps.push_back({name,
                     with(bench, command, change),
                     {Fault::kLocalRange, unit_of(bench.step.commands[command].words[0] & 0xff),
                      command, line}});
  };
  const auto target = [&](std::size_t command) {
    return bench.step.commands[command].words[0] >> 16 & 3;
  };
  std::size_t load = index_of(bench.step, LoadCommand::kOpcode);
  while (target(load) != 0) load = index_of(bench.step, LoadCommand::kOpcode, load + 1);
  add("load to the scratchpad", load, kScratchpadLines,
      [&](CommandWords& w) { w[7] = kScratchpadLines; });
  while (target(load) != 1) load = index_of(bench.step, LoadCommand::kOpcode, load + 1);
  add("load to the accumulator memory", load, kAccumulatorLines,
      [&](CommandWords& w) { w[7] = kAccumulatorLines; });
  std::size_t store = index_of(bench.step, StoreCommand::kOpcode);
  const std::uint32_t lines = target(store) == 0 ? kScratchpadLines : kAccumulatorLines;
  add("store", store, lines, [&](CommandWords& w) { w[7] = lines; });
  const std::size_t gemm = index_of(bench.step, GemmCommand::kOpcode);
  add("gemm that streams", gemm, kScratchpadLines + 7,
      [&](CommandWords& w) { w[5] = kScratchpadLines + 7; });
  add("gemm that takes weights", gemm, kScratchpadLines + 9,
      [&](CommandWords& w) { w[7] = kScratchpadLines + 9; });
  add("gemm that sums up", gemm, kAccumulatorLines,
      [&](CommandWords& w) { w[9] = kAccumulatorLines; });
  const std::size_t vector = index_of(bench.step, VectorCommand::kOpcode);
  const bool accumulator = (bench.step.commands[vector].words[5] >> 24 & 1) != 0;
  const std::uint32_t beyond = accumulator ? kAccumulatorLines : kScratchpadLines;
  add("vector stream", vector, beyond,
      [&](CommandWords& w) { w[5] = (w[5] & 0xff000000u) | beyond; });
  check_all(bench, steps);
}

TEST_CASE("two units at one bank without a token between them are named", "[faults]") {
  const LayerBench bench;
  GemmCommand gemm;  // streams lines 0 to 999 of the scratchpad's bank 0 (1024 lines a bank)
  gemm.rows = 1000;
  gemm.columns = gemm.depth = 4;
  gemm.stationary_line = 4096;
  StoreCommand store;  // reads line 0 of it meanwhile
  store.address_lo = static_cast<std::uint32_t>(bench.step.memory_bytes);
  store.rows = 8;
  store.columns = 4;
  check_all(bench, {{"gemm and store",
                     with_commands(bench, {encode(gemm), encode(store)}),
                     {Fault::kBankConflict, Unit::kStore, 1}}});
}

TEST_CASE("a place beyond the index memory is named", "[faults]") {
  const LayerBench bench;
  LoadCommand indices;
  indices.target = kTargetIndices;
  indices.rows = indices.columns = 1;
  indices.signal_tokens = 1u << 0 | 1u << 3;  // to the load unit and to the store unit
  const auto fill = [&](auto command, std::uint32_t token, std::uint32_t first_index) {
    command.wait_tokens = token;
    command.rows = command.columns = command.limit = 1;
    command.first_index = first_index;
    return encode(command);
  };
  check_all(bench, {{"gather",
                     with_commands(bench, {encode(indices), fill(GatherCommand{}, 1, 1024)}),
                     {Fault::kIndexRange, Unit::kLoad, 1, 1024}},
                    {"scatter",
                     with_commands(bench, {encode(indices), fill(ScatterCommand{}, 8, 2000)}),
                     {Fault::kIndexRange, Unit::kStore, 1, 2000}}});
}

TEST_CASE("256 tokens of one kind are one too many", "[faults]") {
  const LayerBench bench;
  GemmCommand gemm;
  gemm.rows = gemm.columns = gemm.depth = 1;
  gemm.signal_tokens =
      1u << (4 * 1 + 2);  // from the array to the vector unit, which never takes it
  check_all(bench, {{"gemms",
                     with_commands(bench, std::vector<CommandWords>(300, encode(gemm))),
                     {Fault::kTokenOverflow, Unit::kArray, 255}}});
}

TEST_CASE("an instruction that does not exist is named, with its index", "[faults]") {
  const LayerBench bench;
  const std::size_t command = index_of(bench.step, VectorCommand::kOpcode);
  const VectorCommand vector = decode_vector(bench.step.commands[command].words);
  const std::uint64_t second = vector.first_instruction + 1;
  Spoiled illegal{"opcode 0x3f", bench.step, {Fault::kIllegalInstruction, Unit::kVector, command}};
  illegal.step.instructions.at(second) =
      (illegal.step.instructions.at(second) & ~(0xffull << 32)) | 0x3full << 32;
  illegal.expected.address = second;
  Spoiled beyond{"a program beyond the program memory",
                 with(bench, command, [](CommandWords& w) { w[2] = 250u | 20u << 16; }),
                 {Fault::kIllegalInstruction, Unit::kVector, command}};
  check_all(bench, {illegal});
  // Where the memory ends within the program is the device's business.
  const auto outcomes = run_all(bench, {beyond});
  CHECK_THAT(outcomes[0].message, Catch::StartsWith(text_of(beyond.expected)));
  CHECK(outcomes[0].after == "");
}

TEST_CASE("more commands than the ring holds are a ring overrun", "[faults]") {
  const TimeLimit limit(60);
  const LayerBench bench;
  const LayerBench wrapped = long_bench();
  const auto ring = static_cast<std::uint32_t>(bench.step.ring_entries);
  std::string at_once, later, after;
  run_platform(bench.platform, [&](HostPort& host) {
    TooManyCommands first(host, 0, ring);
    at_once = bench.run_and_compare(first);
    TooManyCommands second(host, 65, 64);  // when the ring has come round
    later = wrapped.run_and_compare(second);
    after = bench.run_and_compare(host) + wrapped.run_and_compare(host);
  });
  CHECK_THAT(at_once, Catch::StartsWith(text_of({Fault::kRingOverrun, Unit::kCommand, 0})));
  CHECK_THAT(later, Catch::StartsWith("the device stopped: ring_overrun (") &&
                        Contains("in the command unit at command "));
  CHECK(after == "");
}

TEST_CASE("an error response to any read is named, and the next step is right", "[faults]") {
  const TimeLimit limit(300);
  LayerBench bench({5, 9, 7, 2, 1});  // one simulation a burst
  std::int64_t reads = 0;
  run_platform(bench.platform, [&](HostPort& host) {
    const StepResult result = bench.run(host, bench.step);
    reads =
        static_cast<std::int64_t>(result.counters[static_cast<std::size_t>(Counter::kFetchBursts)] +
                                  result.counters[static_cast<std::size_t>(Counter::kLoadBursts)]);
  });
  std::size_t of_fetch = 0, of_load = 0;
  for (std::int64_t n = 1; n <= reads; ++n) {
    INFO("read burst " << n << " of " << reads);
    bench.platform.faults.read_error = n;
    const Outcome outcome = run_all(bench, {{"", bench.step, {}}}).front();
    const std::string fetch = text_of({Fault::kFetchError, Unit::kCommand, of_fetch});
    if (outcome.message.compare(0, fetch.size(), fetch) == 0) {
      ++of_fetch;  // in the order of the commands
    } else {
      CHECK_THAT(outcome.message, Catch::StartsWith("the device stopped: read_error (") &&
                                      Contains("in the load unit at command ") &&
                                      Contains(" (load"));
      ++of_load;
    }
    CHECK(outcome.after == "");
  }
  CHECK(of_fetch == bench.step.commands.size());
  CHECK(of_load > 0);
}

TEST_CASE("an error response to any write is named, and the next step is right", "[faults]") {
  const TimeLimit limit(300);
  LayerBench bench({5, 9, 7, 2, 1});  // one simulation a burst
  std::int64_t writes = 0;
  run_platform(bench.platform, [&](HostPort& host) {
    writes = static_cast<std::int64_t>(
        bench.run(host, bench.step).counters[static_cast<std::size_t>(Counter::kStoreBursts)]);
  });
  REQUIRE(writes > 0);
  for (std::int64_t n = 1; n <= writes; ++n) {
    INFO("write burst " << n << " of " << writes);
    bench.platform.faults.write_error = n;
    const Outcome outcome = run_all(bench, {{"", bench.step, {}}}).front();
    CHECK_THAT(outcome.message, Catch::StartsWith("the device stopped: write_error (") &&
                                    Contains("in the store unit at command ") &&
                                    Contains(" (store for "));
    CHECK(outcome.after == "");
  }
}

TEST_CASE("a memory that never answers ends in the watchdog, with the state of every unit",
          "[faults]") {
  const TimeLimit limit(120);
  LayerBench bench;
  bench.options.watchdog_cycles = 5000;
  for (const std::int64_t n : {1, 2, 3, 7, 12, 20}) {
    INFO("read burst " << n);
    bench.platform.faults.silent_read = n;
    std::string message;
    std::int64_t cycles = 0;
    run_platform(bench.platform, [&](HostPort& host) {
      message = bench.run_and_compare(host);
      cycles = host.cycles();
    });
    CHECK_THAT(message, Catch::StartsWith("the device made no progress for 5000 cycles"));
    for (const char* unit : kUnitNames) {
      CHECK_THAT(message, Catch::Matches(
                              fmt::format("[^]*\n  {} +(idle|wait_token|wait_memory|busy|latency) "
                                          "+[0-9]+ commands waiting, at command [0-9]+ [^]*",
                                          unit)));
    }
    CHECK_THAT(message, Contains("wait_memory"));
    CHECK(cycles < 100000);
  }
}

TEST_CASE("a token that never comes ends in the watchdog, and the next step is right", "[faults]") {
  const TimeLimit limit(60);
  LayerBench bench;
  bench.options.watchdog_cycles = 5000;
  GemmCommand gemm;
  gemm.rows = gemm.columns = gemm.depth = 1;
  gemm.wait_tokens = 1u << (4 * 0 + 1);  // from the load unit, which has no command
  const Outcome outcome =
      run_all(bench, {{"", with_commands(bench, {encode(NopCommand{}), encode(gemm)}), {}}})
          .front();
  CHECK_THAT(outcome.message, Catch::StartsWith("the device made no progress for 5000 cycles"));
  CHECK_THAT(
      outcome.message,
      Contains("\n  array    wait_token   1 commands waiting, at command 1 (gemm frozen_forward)"));
  CHECK(outcome.after == "");
}

TEST_CASE("a fault behind a memory that never answers still ends in the watchdog", "[faults]") {
  const TimeLimit limit(60);
  LayerBench bench;
  bench.options.watchdog_cycles = 5000;
  bench.platform.faults.silent_read = 1;
  bench.platform.faults.read_error = 2;
  std::string message;
  run_platform(bench.platform, [&](HostPort& host) { message = bench.run_and_compare(host); });
  CHECK_THAT(message, Catch::StartsWith("the device made no progress for "));
}

TEST_CASE("a fault while the ring is being refilled is named as such", "[faults]") {
  LayerBench bench = long_bench();
  REQUIRE(bench.step.commands.size() > 3 * bench.step.ring_entries);
  std::vector<Spoiled> steps;
  for (const std::size_t command : {std::size_t{3}, std::size_t{70}}) {
    steps.push_back({fmt::format("command {}", command),
                     with(bench, command, [](CommandWords& w) { w[0] |= 0xff; }),
                     {Fault::kIllegalOpcode, Unit::kCommand, command}});
  }
  check_all(bench, steps);
}

TEST_CASE("a ring smaller than the step is refilled, and the results are right", "[ring]") {
  const TimeLimit limit(120);
  LayerBench bench = long_bench(40);  // through one entry a step takes a poll for each command
  REQUIRE(bench.step.commands.size() > 3 * 64);
  for (const std::uint64_t entries : {64, 32, 2, 1}) {
    INFO(entries << " entries");
    bench.step.ring_entries = entries;
    std::string differences, again;
    run_platform(bench.platform, [&](HostPort& host) {
      differences = bench.run_and_compare(host);
      again = bench.run_and_compare(host);
    });
    CHECK(differences == "");
    CHECK(again == "");
  }
}
