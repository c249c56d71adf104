#include <Vcommand_path.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstring>
#include <optional>
#include <random>
#include <vector>

#include "clocked.h"
#include "random_commands.h"
#include "read_memory.h"
#include "register_reads.h"

namespace corank::test {

namespace {

using namespace interface;  // NOLINT: the names of the registers

constexpr unsigned kBusBytes = 16;        // as verilated
constexpr unsigned kQueuedBits = 544;     // queued_command_t: index, 512 bits of command
constexpr unsigned kCompletionBits = 49;  // completion_t: valid, index [32], signal_tokens [16]
constexpr std::uint64_t kRingBase = 0x1'0000'0000;
constexpr std::uint32_t kRingEntries = 32;
constexpr std::uint64_t kLoadBase = kRingBase + kRingEntries * 64;
constexpr std::uint64_t kMemoryBytes = kRingEntries * 64 + 4096;
constexpr std::uint32_t kFaulted = 3;

struct Started {
  std::uint32_t index;
  CommandWords words;
};

/// A unit that works on a command for some cycles, does as it is told by stop, and can fail.
struct Unit {
  std::optional<Started> command;
  int left = 0;
};

struct Path : Clocked<Vcommand_path> {
  ReadMemory memory;
  std::mt19937 random;
  std::array<Unit, kQueues> units;
  std::array<std::vector<Started>, kQueues> started;
  std::array<int, 16> tokens{};  // what a taker may count on, by the rules
  std::uint32_t completed = 0;
  std::optional<std::uint32_t> fails_at;  // index of the command at which its unit reports a fault
  std::uint32_t fetched_beats = 0;
  std::uint64_t load_asked = 0, load_beats = 0;
  bool load_asks = false, loads = true;

  explicit Path(unsigned seed) : memory(kBusBytes, seed), random(seed + 1) {
    memory.base = kRingBase;
    memory.bytes.resize(kMemoryBytes);
    memory.stall_percent = 30;
    memory.latency = 5;
    module->awvalid_i = module->wvalid_i = module->arvalid_i = 0;
    module->bready_i = module->rready_i = 1;
    module->load_ar_valid_i = 0;
    reset();
  }

  bool busy(unsigned unit) const { return units[unit].command.has_value(); }

  void step() {
    const ReadMemory::Drive drive = memory.drive();
    module->m_ar_ready_i = drive.ar_ready;
    module->m_r_valid_i = drive.r_valid;
    module->m_r_last_i = drive.r_last;
    module->m_r_resp_i = static_cast<std::uint8_t>(drive.resp);
    module->m_r_id_i = static_cast<std::uint8_t>(drive.id);
    if (drive.r_valid) std::memcpy(module->m_r_data_i.data(), memory.at(drive.address), kBusBytes);

    load_asks =
        load_asks || (loads && !module->stop_o && memory.outstanding() < 4 && random() % 6 == 0);
    module->load_ar_valid_i = load_asks;
    module->load_ar_i = pack_axi_address(1, kLoadBase + load_asked % 16 * 256, 15);

    module->unit_activity_i = 0;
    module->unit_idle_i = 0;
    module->unit_command_ready_i = 0;
    std::array<bool, kQueues> completes{};
    for (unsigned u = 0; u < kQueues; ++u) {
      Unit& unit = units[u];
      const bool fails = busy(u) && fails_at == unit.command->index && unit.left == 1;
      completes[u] = busy(u) && unit.left == 0 && !module->stop_o;
      set_bits(module->unit_fault_i, kFaultBits * u, kFaultBits,
               fails ? pack_fault(static_cast<std::uint32_t>(Fault::kLocalRange), 0xabc) : 0);
      set_bits(module->unit_index_i, 32 * u, 32, busy(u) ? unit.command->index : 0);
      set_bits(module->unit_completion_i, kCompletionBits * u, kCompletionBits,
               completes[u] ? std::uint64_t{1} << 48 |
                                  static_cast<std::uint64_t>(unit.command->index) << 16 |
                                  unit.command->words[1] >> 16
                            : 0);
      if (busy(u)) {
        module->unit_activity_i |=
            static_cast<std::uint16_t>(static_cast<unsigned>(Activity::kBusy) << (3 * u));
      } else {
        module->unit_idle_i |= 1u << u;
        if (!module->stop_o) module->unit_command_ready_i |= random() % 2 << u;
      }
    }
    settle();

    REQUIRE(module->m_r_ready_o);
    if (module->m_ar_valid_o && drive.ar_ready) {
      memory.accept(axi_id(module->m_ar_o), axi_address(module->m_ar_o), axi_len(module->m_ar_o));
    }
    if (load_asks && module->load_ar_ready_o) {
      load_asks = false;
      ++load_asked;
    }
    REQUIRE(module->load_r_valid_o == (drive.r_valid && drive.id == 1));
    load_beats += module->load_r_valid_o;
    fetched_beats += drive.r_valid && drive.id == 0;

    const bool stopped = module->stop_o;
    const bool soft_reset = module->soft_reset_o;
    const std::uint32_t accepted = module->unit_command_valid_o & module->unit_command_ready_i;
    if (stopped) REQUIRE(accepted == 0);
    for (unsigned u = 0; u < kQueues; ++u) {
      if (accepted >> u & 1u) start(u);
    }
    for (unsigned u = 0; u < kQueues; ++u) {
      if (completes[u]) {
        give(units[u].command->words[1] >> 16);
        units[u].command.reset();
        ++completed;
      } else if (busy(u) && !(accepted >> u & 1u)) {
        if (units[u].left > 0) --units[u].left;
        if (stopped && units[u].left == 0) units[u].command.reset();  // abandoned
      }
    }
    if (soft_reset) {
      REQUIRE(memory.outstanding() == 0);
      for (unsigned u = 0; u < kQueues; ++u) REQUIRE_FALSE(busy(u));
      tokens = {};
      completed = 0;
      for (auto& list : started) list.clear();
    }
    tick();
    settle();
    memory.end_cycle();
  }

  void start(unsigned u) {
    Started s{};
    for (unsigned word = 0; word < 16; ++word)
      s.words[word] = module->unit_command_o[kQueuedBits / 32 * u + word];
    s.index = module->unit_command_o[kQueuedBits / 32 * u + 16];
    for (unsigned token = 0; token < 16; ++token) {
      if (s.words[1] >> token & 1u) {
        REQUIRE(tokens[token] > 0);
        --tokens[token];
      }
    }
    started[u].push_back(s);
    units[u] = {s, 1 + static_cast<int>(random() % 20)};
  }

  void give(std::uint32_t mask) {
    for (unsigned token = 0; token < 16; ++token)
      tokens[token] += static_cast<int>(mask >> token & 1u);
  }

  void write(std::uint32_t offset, std::uint32_t data) {
    module->awvalid_i = module->wvalid_i = 1;
    module->awaddr_i = static_cast<std::uint16_t>(offset);
    module->wdata_i = data;
    step();
    module->awvalid_i = module->wvalid_i = 0;
    REQUIRE(module->bvalid_o);
    REQUIRE(module->bresp_o == 0);
    step();
  }

  std::uint32_t read(std::uint32_t offset) {
    module->arvalid_i = 1;
    module->araddr_i = static_cast<std::uint16_t>(offset);
    step();
    module->arvalid_i = 0;
    for (int cycle = 0; cycle < corank::test::cycles_to_answer(offset); ++cycle) {
      REQUIRE_FALSE(module->rvalid_o);
      step();
    }
    REQUIRE(module->rvalid_o);
    REQUIRE(module->rresp_o == 0);
    const std::uint32_t data = module->rdata_o;
    step();
    return data;
  }

  std::uint64_t counter(Counter counter) {
    const auto offset = kRegCounters + 8 * static_cast<std::uint32_t>(counter);
    return read(offset) | static_cast<std::uint64_t>(read(offset + 4)) << 32;
  }

  void set_up() {
    write(kRegRingBaseLo, static_cast<std::uint32_t>(kRingBase));
    write(kRegRingBaseHi, static_cast<std::uint32_t>(kRingBase >> 32));
    write(kRegRingEntries, kRingEntries);
    const std::uint64_t limit = kRingBase + kMemoryBytes;
    write(kRegMemoryLimitLo, static_cast<std::uint32_t>(limit));
    write(kRegMemoryLimitHi, static_cast<std::uint32_t>(limit >> 32));
    write(kRegInterruptEnable, 3);
    write(kRegControl, 1);
  }

  /// Writes the program to the ring as room appears, until `until` holds or a million cycles have
  /// passed.
  template <class Until>
  void run(const std::vector<CommandWords>& program, Until until) {
    std::uint32_t tail = module_tail_;
    for (long cycle = 0; cycle < 1'000'000; ++cycle) {
      if (until()) return;
      if (tail < program.size() && random() % 16 == 0) {
        const std::uint32_t head = read(kRegRingHead);
        while (tail < program.size() && tail - head < kRingEntries) {
          std::memcpy(memory.bytes.data() + tail % kRingEntries * 64, program[tail].data(), 64);
          ++tail;
        }
        write(kRegRingTail, tail);
        module_tail_ = tail;
      } else {
        step();
      }
    }
    FAIL("the program did not come to its end");
  }

  void soft_reset() {
    write(kRegControl, 3);
    for (int i = 0; i < 10000 && (read(kRegControl) & 2u) != 0; ++i) {
    }
    REQUIRE(read(kRegControl) == 1);
    module_tail_ = 0;
  }

 private:
  std::uint32_t module_tail_ = 0;
};

/// A program that cannot hang: run one command after the other, every token that a command waits
/// for has been given before. Its last command is a halt.
std::vector<CommandWords> random_program(std::mt19937& random, std::size_t commands) {
  std::vector<CommandWords> program;
  std::array<int, 16> tokens{};
  while (program.size() + 1 < commands) {
    if (random() % 40 == 0) {
      program.push_back(random() % 2 ? encode(NopCommand{}) : encode(HaltCommand{}));
      continue;
    }
    const int unit = static_cast<int>(random() % 4);
    std::uint32_t wait = 0, signal = 0;
    for (unsigned token = 0; token < 16; ++token) {
      const std::uint32_t one = 1u << token;
      if ((tokens_to(unit) & one) && tokens[token] > 0 && random() % 2) wait |= one;
    }
    for (unsigned token = 0; token < 16; ++token) {
      const std::uint32_t one = 1u << token;
      if ((tokens_from(unit) & one) && tokens[token] < 200 && random() % 3 == 0) signal |= one;
    }
    for (unsigned token = 0; token < 16; ++token) {
      tokens[token] +=
          static_cast<int>(signal >> token & 1u) - static_cast<int>(wait >> token & 1u);
    }
    program.push_back(random_command(random, unit, wait, signal));
  }
  program.push_back(encode(HaltCommand{}));
  return program;
}

int queue_of(const CommandWords& words) {
  switch (words[0] & 0xffu) {
    case LoadCommand::kOpcode:
    case GatherCommand::kOpcode:
      return kLoadQueue;
    case GemmCommand::kOpcode:
      return kArrayQueue;
    case VectorCommand::kOpcode:
      return kVectorQueue;
    case StoreCommand::kOpcode:
    case ScatterCommand::kOpcode:
      return kStoreQueue;
    default:
      return -1;
  }
}

void check_all_started(const Path& path, const std::vector<CommandWords>& program) {
  std::array<std::size_t, kQueues> next{};
  for (std::uint32_t i = 0; i < program.size(); ++i) {
    const int queue = queue_of(program[i]);
    if (queue < 0) continue;
    const auto q = static_cast<std::size_t>(queue);
    REQUIRE(next[q] < path.started[q].size());
    REQUIRE(path.started[q][next[q]].index == i);
    REQUIRE(path.started[q][next[q]].words == program[i]);
    ++next[q];
  }
  for (std::size_t q = 0; q < kQueues; ++q) REQUIRE(next[q] == path.started[q].size());
}

/// Runs a whole program and checks what the host sees of it.
void run_to_the_end(Path& path, const std::vector<CommandWords>& program) {
  std::size_t for_units = 0;
  for (const CommandWords& words : program) for_units += queue_of(words) >= 0;
  path.run(program, [&] {
    if (!path->irq_o) return false;
    if (path.completed == for_units && path.read(kRegRingHead) == program.size()) return true;
    path.write(kRegInterruptStatus, 1);  // a halt on the way
    return false;
  });
  CHECK(path.read(kRegInterruptStatus) == 1);
  CHECK(path.read(kRegCompleted) == program.size());
  CHECK(path.read(kRegFault) == 0);
  check_all_started(path, program);
  path.write(kRegInterruptStatus, 1);
}

}  // namespace

TEST_CASE("Programs of random tokens run to their halt through a ring that wraps round") {
  const unsigned seed = GENERATE(1u, 2u, 3u, 4u);
  INFO("seed " << seed);
  std::mt19937 random(seed + 1000);
  Path path(seed);
  path.set_up();
  const std::vector<CommandWords> program = random_program(random, 600);
  run_to_the_end(path, program);

  path.loads = false;
  while (path.memory.outstanding() != 0) path.step();
  CHECK(path.read(kRegStatus) == 4);  // stopped, idle
  CHECK(path.load_beats >= 16 * (path.load_asked - 1));
  std::array<std::uint64_t, kQueues> commands{};
  for (const CommandWords& words : program) {
    if (queue_of(words) >= 0) ++commands[static_cast<std::size_t>(queue_of(words))];
  }
  CHECK(path.counter(Counter::kCommandsLoad) == commands[kLoadQueue]);
  CHECK(path.counter(Counter::kCommandsArray) == commands[kArrayQueue]);
  CHECK(path.counter(Counter::kCommandsVector) == commands[kVectorQueue]);
  CHECK(path.counter(Counter::kCommandsStore) == commands[kStoreQueue]);
  CHECK(path.counter(Counter::kFetchBursts) == program.size());
  CHECK(path.counter(Counter::kFetchBeats) == program.size() * 4);
  CHECK(path.counter(Counter::kFetchBeats) == path.fetched_beats);
  const std::uint64_t cycles = path.counter(Counter::kCycles);
  CHECK(path.counter(Counter::kCycles) == cycles);  // stable
  for (std::uint32_t unit = 0; unit < 5; ++unit) {
    std::uint64_t sum = 0;
    for (std::uint32_t activity = 0; activity < kActivityNames.size(); ++activity)
      sum += path.counter(static_cast<Counter>(kActivityNames.size() * unit + activity));
    CHECK(sum == cycles);
  }
}

TEST_CASE(
    "A fault of a unit stops everything, is reported once, and after a reset a program runs") {
  const unsigned seed = GENERATE(1u, 2u, 3u, 4u);
  INFO("seed " << seed);
  std::mt19937 random(seed + 2000);
  Path path(seed);
  path.set_up();
  const std::vector<CommandWords> program = random_program(random, 300);
  std::uint32_t bad = 150;
  while (queue_of(program[bad]) < 0) ++bad;
  path.fails_at = bad;
  path.run(program, [&] {
    if (path->irq_o && (path.read(kRegInterruptStatus) & 2u) == 0)
      path.write(kRegInterruptStatus, 1);
    return (path.read(kRegStatus) & 3u) == kFaulted;
  });
  CHECK(path->irq_o);
  CHECK((path.read(kRegInterruptStatus) & 2u) != 0);
  const auto unit = static_cast<std::uint32_t>(queue_of(program[bad])) + 1;
  CHECK(path.read(kRegFault) == (unit << 8 | static_cast<std::uint32_t>(Fault::kLocalRange)));
  CHECK(path.read(kRegFaultCommand) == bad);
  CHECK(path.read(kRegFaultAddressLo) == 0xabc);
  const std::uint64_t cycles = path.counter(Counter::kCycles);
  CHECK(path.counter(Counter::kCycles) == cycles);

  path.fails_at.reset();
  while (path.memory.outstanding() != 0) path.step();  // the bench's own loads
  path.soft_reset();
  CHECK(path.read(kRegStatus) == 4);
  CHECK_FALSE(path->irq_o);
  CHECK(path.read(kRegRingHead) == 0);
  run_to_the_end(path, random_program(random, 200));
}

TEST_CASE("A reset in the middle of a program waits for what is in flight, then a program runs") {
  const unsigned seed = GENERATE(1u, 2u, 3u, 4u);
  INFO("seed " << seed);
  std::mt19937 random(seed + 3000);
  Path path(seed);
  path.loads = false;  // the bench's loads belong to no unit whose idle would hold the reset back
  path.set_up();
  const std::vector<CommandWords> program = random_program(random, 300);
  path.run(program, [&] { return path.completed >= 40 + seed && path.memory.outstanding() > 0; });
  path.soft_reset();
  CHECK(path.read(kRegStatus) == 4);
  CHECK(path.read(kRegRingHead) == 0);
  CHECK(path.read(kRegCompleted) == 0);
  run_to_the_end(path, random_program(random, 200));
}

TEST_CASE("A token too many is a fault of the unit that gave it") {
  Path path(7);
  path.loads = false;
  path.set_up();
  std::vector<CommandWords> program;
  VectorCommand command;
  command.rows = command.columns = command.length = 1;
  command.signal_tokens = 1u << (4 * kVectorQueue + kStoreQueue);
  for (int i = 0; i < 260; ++i) program.push_back(encode(command));
  path.run(program, [&] { return (path.read(kRegStatus) & 3u) == kFaulted; });
  CHECK(path.read(kRegFault) == (3u << 8 | static_cast<std::uint32_t>(Fault::kTokenOverflow)));
  CHECK(path.read(kRegFaultCommand) == 255);  // 0..254 gave the 255 that fit
}

TEST_CASE("A command that waits for a token shows as waiting for it") {
  Path path(8);
  path.loads = false;
  path.set_up();
  GemmCommand command;
  command.rows = command.columns = command.depth = 1;
  command.wait_tokens = 1u << (4 * kLoadQueue + kArrayQueue);
  const std::vector<CommandWords> program{encode(command), encode(HaltCommand{})};
  path.run(program, [&] { return path.read(kRegRingHead) == 1; });
  for (int i = 0; i < 50; ++i) path.step();
  CHECK(path.read(kRegUnitStateArray) ==
        (1u << 8 | static_cast<std::uint32_t>(Activity::kWaitToken)));
  CHECK(path.read(kRegUnitStateCommand) ==
        (1u << 8 | static_cast<std::uint32_t>(Activity::kLatency)));  // the halt
  CHECK(path.read(kRegUnitCommandCommand) == 1);
  CHECK((path.read(kRegStatus) & 7u) == 1);
  CHECK_FALSE(path->irq_o);
}

}  // namespace corank::test
