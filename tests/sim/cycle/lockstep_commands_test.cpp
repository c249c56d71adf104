// Random commands on both accelerators: every event, transaction, register and counter is equal,
// also in the middle of the work and after a fault.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <set>
#include <vector>

#include "tests/end_to_end/test_machines.h"
#include "tests/sim/cycle/random_commands.h"

namespace corank::test {

namespace {

void run_cases(const char* count_name, int otherwise, bool mistakes) {
  const auto number_or = [](const char* name, int value) {
    const char* given = std::getenv(name);
    return given == nullptr ? value : std::atoi(given);
  };
  const int first = number_or("CORANK_FIRST", 0);
  const int count = number_or(count_name, otherwise);
  for (int number = first; number < first + count; ++number) {
    RandomCommands random = random_commands(static_cast<std::uint64_t>(number), mistakes);
    INFO(random.description);
    random.platform.machine_library = library_of(random.platform.shape);
    const auto program = [&](HostPort& host, Outcome& outcome) {
      run_random_commands(random, host, outcome);
    };
    CHECK(first_difference(run_on(Fidelity::kRtl, random.platform, program),
                           run_on(Fidelity::kCycle, random.platform, program), false) == "");
  }
}

}  // namespace

TEST_CASE("random commands are equal on both at every look") {
  run_cases("CORANK_COMMAND_CASES", 200, false);
}

TEST_CASE("the 256th token of a kind is a fault, in the same cycle on both") {
  for (const int loads : {255, 256}) {
    INFO(loads << " loads");
    RandomCommands commands = random_commands(4, false);  // 16 x 8
    interface::LoadCommand load;
    load.rows = load.columns = 1;
    load.signal_tokens = 1u << 3;  // to the store unit, which takes none
    commands.commands.assign(static_cast<std::size_t>(loads), encode(load));
    commands.commands.push_back(encode(interface::HaltCommand{}));
    commands.ring_entries = 512;
    commands.platform.machine_library = library_of(commands.platform.shape);
    const auto program = [&](HostPort& host, Outcome& outcome) {
      run_random_commands(commands, host, outcome);
    };
    const Outcome rtl = run_on(Fidelity::kRtl, commands.platform, program);
    const Outcome cycle = run_on(Fidelity::kCycle, commands.platform, program);
    CHECK(first_difference(rtl, cycle, false) == "");
    const bool faulted = std::any_of(cycle.words.begin(), cycle.words.end(), [](const Word& word) {
      return word.name == "register 0x030" &&
             (word.value & 0xffu) == static_cast<std::uint64_t>(interface::Fault::kTokenOverflow);
    });
    CHECK(faulted == (loads == 256));
  }
}

TEST_CASE("what nobody has written has a wrong parity, a fault of the unit that reads it") {
  using namespace interface;
  constexpr std::uint64_t kRing = 0x10000, kData = 0x20000;
  const std::vector<MachineShape> machines = test_machines();
  PlatformConfig platform;
  platform.shape = *std::find_if(machines.begin(), machines.end(),
                                 [](const MachineShape& shape) { return shape.parity != 0; });
  platform.machine_library = library_of(platform.shape);
  LoadCommand load;
  load.address_lo = kData;
  load.rows = 2;
  load.columns = 5;
  load.line_stride = 2;
  load.signal_tokens = 1u << 3;  // from load to store
  StoreCommand store;
  store.wait_tokens = 1u << 3;
  store.address_lo = kData + 4096;
  store.line_stride = 2;
  for (const std::uint32_t target : {kTargetScratchpad, kTargetAccumulator}) {
    for (const std::uint32_t columns : {5, 6}) {  // all that was loaded, and a column more
      INFO("target " << target << ", " << columns << " columns");
      load.target = store.target = target;
      store.rows = 2;
      store.columns = columns;
      const std::vector<CommandWords> commands = {encode(load), encode(store),
                                                  encode(HaltCommand{})};
      std::vector<std::uint8_t> bytes(commands.size() * sizeof(CommandWords));
      std::memcpy(bytes.data(), commands.data(), bytes.size());
      const auto program = [&](HostPort& host, Outcome& outcome) {
        host.write_memory(kRing, bytes);
        host.write_register(kRegRingBaseLo, kRing);
        host.write_register(kRegRingEntries, 64);
        host.write_register(kRegMemoryLimitLo, 1u << 24);
        host.write_register(kRegInterruptEnable, 3);
        host.write_register(kRegControl, 1);
        host.write_register(kRegRingTail, static_cast<std::uint32_t>(commands.size()));
        host.wait_interrupt(10000);
        read_register(host, kRegFault, outcome.words);
        read_register(host, kRegFaultCommand, outcome.words);
      };
      const Outcome rtl = run_on(Fidelity::kRtl, platform, program);
      REQUIRE(rtl.words.size() == 2);
      const auto fault = static_cast<std::uint64_t>(Fault::kLocalParity) << kFaultCauseLsb |
                         4u << kFaultUnitLsb;  // the store unit
      CHECK(rtl.words[0].value == (columns == 5 ? 0 : fault));
      CHECK(rtl.words[1].value == (columns == 5 ? 0 : 1));
    }
  }
}

TEST_CASE("a reset that stops the vector unit is equal on both, whenever it comes") {
  // Nothing else is under way, so that the device is without work in the cycle after an arithmetic
  // instruction was issued, and counts nothing any more.
  using namespace interface;
  constexpr std::uint64_t kRing = 0x10000, kProgram = 0x20000;
  LoadCommand load;
  load.target = 2;
  load.address_lo = kProgram;
  load.rows = load.columns = 1;
  load.signal_tokens = 1u << 2;  // from load to vector
  VectorCommand vector;
  vector.wait_tokens = 1u << 2;
  vector.rows = vector.stride0 = vector.stride1 = vector.stride2 = vector.stride3 = 8;
  vector.columns = 4;
  vector.length = 2;
  PlatformConfig platform;
  platform.shape = test_machines().at(2);
  platform.machine_library = library_of(platform.shape);
  platform.link.latency_ns = 10;
  platform.memory.latency_ns = 10;
  const auto bytes = [](const auto& items) {
    std::vector<std::uint8_t> to(items.size() * sizeof(items[0]));
    std::memcpy(to.data(), items.data(), to.size());
    return to;
  };
  const std::vector<CommandWords> commands = {encode(load), encode(vector)};
  const std::vector<std::uint64_t> instructions = {
      static_cast<std::uint64_t>(VectorOpcode::kAdd) << 32,
      static_cast<std::uint64_t>(VectorOpcode::kDivide) << 32};
  std::set<std::uint64_t> adds, divides;
  for (int delay = 0; delay < 240; ++delay) {
    INFO("reset after " << delay << " cycles");
    const auto program = [&](HostPort& host, Outcome& outcome) {
      host.write_memory(kRing, bytes(commands));
      host.write_memory(kProgram, bytes(instructions));
      host.write_register(kRegRingBaseLo, kRing);
      host.write_register(kRegRingEntries, 64);
      host.write_register(kRegMemoryLimitLo, 1u << 24);
      host.write_register(kRegControl, 1u << kControlEnableLsb);
      host.write_register(kRegRingTail, static_cast<std::uint32_t>(commands.size()));
      host.wait_interrupt(delay);
      host.write_register(kRegControl, 1u << kControlResetLsb);
      host.wait_interrupt(50);
      read_registers(host, outcome.words);
      read_counters(host, outcome.words);
    };
    const Outcome rtl = run_on(Fidelity::kRtl, platform, program);
    const Outcome cycle = run_on(Fidelity::kCycle, platform, program);
    CHECK(first_difference(rtl, cycle, false) == "");
    for (const Word& word : rtl.words) {
      if (word.name == "vector_adds") adds.insert(word.value);
      if (word.name == "vector_divides") divides.insert(word.value);
    }
  }
  // The resets came before, between and after the issues of both.
  CHECK(adds.size() > 2);
  CHECK(divides.size() > 2);
}

namespace {

// A matrix of FP32 words that say where they are, a list of its rows, and where they are scattered.
constexpr std::uint64_t kRows = 0x40000, kScattered = 0x80000, kList = 0x30000;
constexpr std::uint32_t kMatrixRows = 12, kColumns = 70;  // three panels of 32

struct Scatter {
  bool contiguous;
  std::uint32_t row_pitch() const { return contiguous ? 3 * 128 : 128; }
  std::uint32_t panel_stride() const { return contiguous ? 128 : kMatrixRows * 128; }
  std::uint64_t place(std::uint32_t row, std::uint32_t column) const {  // of an element, in bytes
    return std::uint64_t{row} * row_pitch() + column / 32 * panel_stride() + column % 32 * 4;
  }
};

// The rows of a list from kRows into the accumulator memory, and from there to kScattered.
std::vector<interface::CommandWords> gather_and_scatter(const Scatter& layout, std::uint32_t rows) {
  interface::LoadCommand indices;
  indices.target = interface::kTargetIndices;
  indices.address_lo = kList;
  indices.line = 3;
  indices.rows = indices.columns = 1;
  indices.signal_tokens = 1u << 0;  // to the load unit itself
  interface::GatherCommand gather;
  gather.wait_tokens = 1u << 0;
  gather.signal_tokens = 1u << 3;  // to the store unit
  interface::ScatterCommand scatter;
  scatter.wait_tokens = 1u << 3;
  const auto fill = [&](auto& command, std::uint64_t address) {
    command.target = interface::kTargetAccumulator;
    command.address_lo = static_cast<std::uint32_t>(address);
    command.rows = rows;
    command.columns = kColumns;
    command.panel_stride = layout.panel_stride();
    command.row_pitch = layout.row_pitch();
    command.line = 5;
    command.line_stride = rows;
    command.first_index = 3;
    command.limit = kMatrixRows;
  };
  fill(gather, kRows);
  fill(scatter, kScattered);
  return {encode(indices), encode(gather), encode(scatter), encode(interface::HaltCommand{})};
}

struct Gathered {
  std::vector<std::uint32_t> scattered;  // from kScattered on
  std::uint32_t fault = 0, fault_command = 0, fault_address = 0;
};

Gathered run_gather(const Scatter& layout, const std::vector<std::uint32_t>& list,
                    const MachineShape& shape, Fidelity fidelity) {
  using namespace interface;
  constexpr std::uint64_t kRing = 0x10000;
  PlatformConfig platform;
  platform.shape = shape;
  platform.machine_library = library_of(shape);
  const auto bytes = [](const auto& items) {
    std::vector<std::uint8_t> to(items.size() * sizeof(items[0]));
    std::memcpy(to.data(), items.data(), to.size());
    return to;
  };
  std::vector<std::uint32_t> matrix(kMatrixRows * 3 * 32);
  for (std::uint32_t row = 0; row < kMatrixRows; ++row) {
    for (std::uint32_t column = 0; column < 96; ++column)
      matrix[layout.place(row, column) / 4] = 0x3f800000u + row * 1000 + column;
  }
  const auto commands = gather_and_scatter(layout, static_cast<std::uint32_t>(list.size()));
  Gathered gathered;
  run_on(fidelity, platform, [&](HostPort& host, Outcome&) {
    host.write_memory(kRing, bytes(commands));
    host.write_memory(kList, bytes(list));
    host.write_memory(kRows, bytes(matrix));
    host.write_memory(kScattered, std::vector<std::uint8_t>(matrix.size() * 4));
    host.write_register(kRegRingBaseLo, kRing);
    host.write_register(kRegRingEntries, 64);
    host.write_register(kRegMemoryLimitLo, 1u << 24);
    host.write_register(kRegInterruptEnable, 3);
    host.write_register(kRegControl, 1u << kControlEnableLsb);
    host.write_register(kRegRingTail, static_cast<std::uint32_t>(commands.size()));
    host.wait_interrupt(20000);
    const auto back = host.read_memory(kScattered, matrix.size() * 4);
    gathered.scattered.resize(matrix.size());
    std::memcpy(gathered.scattered.data(), back.data(), back.size());
    gathered.fault = host.read_register(kRegFault);
    gathered.fault_command = host.read_register(kRegFaultCommand);
    gathered.fault_address = host.read_register(kRegFaultAddressLo);
  });
  return gathered;
}

}  // namespace

TEST_CASE("gathered rows come back scattered, value by value, on both") {
  const std::vector<std::uint32_t> list{7, 0, 11, 7, 3};
  for (const MachineShape& shape : test_machines()) {
    for (const bool contiguous : {false, true}) {
      for (const Fidelity fidelity : {Fidelity::kRtl, Fidelity::kCycle}) {
        INFO(shape.array_rows << " x " << shape.array_columns << ", contiguous " << contiguous
                              << ", cycle model " << (fidelity == Fidelity::kCycle));
        const Scatter layout{contiguous};
        const Gathered gathered = run_gather(layout, list, shape, fidelity);
        CHECK(gathered.fault == 0);
        std::vector<std::uint32_t> expected(gathered.scattered.size());
        for (const std::uint32_t row : list) {
          for (std::uint32_t column = 0; column < kColumns; ++column)
            expected[layout.place(row, column) / 4] = 0x3f800000u + row * 1000 + column;
        }
        CHECK((gathered.scattered == expected));
      }
    }
  }
}

TEST_CASE("an index at its limit is a fault that names command and index, and writes nothing") {
  const MachineShape shape = test_machines().at(2);
  for (const Fidelity fidelity : {Fidelity::kRtl, Fidelity::kCycle}) {
    INFO("cycle model " << (fidelity == Fidelity::kCycle));
    const Gathered gathered = run_gather({true}, {4, 12}, shape, fidelity);
    CHECK((gathered.fault & 0xffu) == static_cast<std::uint32_t>(interface::Fault::kIndexRange));
    CHECK(gathered.fault_command == 1);  // the gather
    CHECK(gathered.fault_address == 12);
    CHECK(gathered.scattered == std::vector<std::uint32_t>(gathered.scattered.size()));
  }
}

TEST_CASE("gathers of rows of 1 KiB keep a port of 64 bytes busy behind 100 ns, on both") {
  using namespace interface;
  constexpr std::uint64_t kRing = 0x10000, kIndexed = 0x100000;
  constexpr std::uint32_t kGathers = 8, kRowsEach = 32, kRowBeats = 16;
  PlatformConfig platform;
  platform.shape = test_machines().at(4);
  REQUIRE(platform.shape.axi_data_bits == 512);
  platform.machine_library = library_of(platform.shape);
  platform.memory.latency_ns = 100;
  platform.memory.bandwidth_gb_per_s = 64;
  LoadCommand indices;
  indices.target = kTargetIndices;
  indices.address_lo = kList;
  indices.rows = kGathers * kRowsEach / 32;
  indices.columns = 1;
  indices.signal_tokens = 1u << 0;
  std::vector<CommandWords> commands{encode(indices)};
  std::vector<std::uint32_t> list;
  for (std::uint32_t n = 0; n < kGathers; ++n) {
    GatherCommand gather;
    gather.wait_tokens = n == 0 ? 1u << 0 : 0;
    gather.address_lo = kIndexed;
    gather.rows = gather.line_stride = kRowsEach;
    gather.columns = 512;
    gather.panel_stride = 128;
    gather.row_pitch = 1024;
    gather.first_index = n * kRowsEach;
    gather.limit = 1000;
    commands.push_back(encode(gather));
    for (std::uint32_t k = 0; k < kRowsEach; ++k) list.push_back((n * kRowsEach + k) * 377 % 1000);
  }
  commands.push_back(encode(HaltCommand{}));
  const auto bytes = [](const auto& items) {
    std::vector<std::uint8_t> to(items.size() * sizeof(items[0]));
    std::memcpy(to.data(), items.data(), to.size());
    return to;
  };
  const auto program = [&](HostPort& host, Outcome& outcome) {
    host.write_memory(kRing, bytes(commands));
    host.write_memory(kList, bytes(list));
    host.write_register(kRegRingBaseLo, kRing);
    host.write_register(kRegRingEntries, 64);
    host.write_register(kRegMemoryLimitLo, 1u << 24);
    host.write_register(kRegBurstLimits, 16 | 256u << 16);
    host.write_register(kRegInterruptEnable, 3);
    host.write_register(kRegControl, 1u << kControlEnableLsb);
    host.write_register(kRegRingTail, static_cast<std::uint32_t>(commands.size()));
    host.wait_interrupt(20000);
    read_counters(host, outcome.words);
  };
  const Outcome rtl = run_on(Fidelity::kRtl, platform, program);
  const Outcome cycle = run_on(Fidelity::kCycle, platform, program);
  CHECK(first_difference(rtl, cycle) == "");
  std::int64_t start = 0, end = 0;
  for (const TraceEvent& event : cycle.platform.trace) {
    if (event.command == 1) start = event.start;
    if (event.command == kGathers) end = event.end;
  }
  const std::int64_t beats = kGathers * kRowsEach * kRowBeats;
  INFO(beats << " beats in " << end - start << " cycles");
  CHECK(beats * 10 >= (end - start) * 9);
}

TEST_CASE("faults are equal on both") { run_cases("CORANK_FAULT_CASES", 200, true); }

}  // namespace corank::test
