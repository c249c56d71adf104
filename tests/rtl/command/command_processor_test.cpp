#include <Vcommand_processor_128.h>
#include <Vcommand_processor_512.h>
#include <Vcommand_processor_64.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "clocked.h"
#include "random_commands.h"
#include "read_memory.h"

namespace corank::test {

namespace {

using interface::Activity;
using interface::CommandWords;
using interface::Fault;

constexpr std::uint32_t kFetchDepth = 4;  // as verilated
constexpr std::uint32_t kCommandBytes = 64;
constexpr std::uint32_t kTooBig = 1u << 24;  // sizes and lines have 24 bits

struct Dispatch {
  long cycle;
  int queue;
  std::uint32_t index;
  CommandWords words;
};

struct Reported {
  long cycle;
  Fault cause;
  std::uint64_t address;
  std::uint32_t index;
};

template <class Module, unsigned BitsOfBus>
struct Processor : Clocked<Module> {
  static constexpr unsigned kBusBytes = BitsOfBus / 8;
  using Clocked<Module>::module;

  ReadMemory memory;
  std::mt19937 random;
  int queue_stall_percent = 0;
  int max_outstanding = 0;

  std::vector<Dispatch> dispatched;
  std::vector<long> halts, completions, addresses;  // cycles
  std::vector<Reported> faults;
  std::vector<Activity> activities;
  long bursts = 0, beats = 0;
  long cycle = 0;

  explicit Processor(unsigned seed = 1) : memory(kBusBytes, seed), random(seed + 1) {
    module->enable_i = 0;
    module->stop_i = 0;
    module->ring_base_i = 0;
    module->ring_mask_i = 0;
    module->ring_tail_i = 0;
    module->ring_long_i = module->ring_odd_i = module->r_stray_i = 0;
    module->memory_limit_i = 0;
    module->ar_ready_i = 0;
    module->r_valid_i = 0;
    module->queue_ready_i = 0;
    module->units_idle_i = 1;
    this->reset();
  }

  /// A ring that is all of the memory.
  void ring(std::uint64_t base, std::uint32_t entries) {
    memory.base = base;
    memory.bytes.assign(std::size_t{entries} * kCommandBytes, 0);
    module->ring_base_i = base;
    module->ring_mask_i = entries - 1;
    module->memory_limit_i = base + memory.bytes.size();
    module->enable_i = 1;
  }

  void write(std::uint32_t index, const CommandWords& words) {
    const std::size_t slot = index & module->ring_mask_i;
    std::memcpy(memory.bytes.data() + slot * kCommandBytes, words.data(), kCommandBytes);
  }

  void drive_beat(const ReadMemory::Drive& drive) {
    module->r_valid_i = drive.r_valid;
    module->r_last_i = drive.r_last;
    module->r_resp_i = static_cast<std::uint8_t>(drive.resp);
    if (!drive.r_valid) return;
    if constexpr (BitsOfBus == 64) {
      std::memcpy(&module->r_data_i, memory.at(drive.address), kBusBytes);
    } else {
      std::memcpy(module->r_data_i.data(), memory.at(drive.address), kBusBytes);
    }
  }

  void step() {
    const ReadMemory::Drive drive = memory.drive();
    module->ar_ready_i = drive.ar_ready;
    drive_beat(drive);
    module->queue_ready_i = 0;
    for (unsigned queue = 0; queue < kQueues; ++queue) {
      const bool stalls = static_cast<int>(random() % 100) < queue_stall_percent;
      if (!stalls) module->queue_ready_i |= 1u << queue;
    }
    this->settle();

    REQUIRE(module->r_ready_o);
    if (module->ar_valid_o && drive.ar_ready) {
      REQUIRE(axi_id(module->ar_o) == 0);
      REQUIRE((axi_len(module->ar_o) + 1) * kBusBytes == kCommandBytes);
      REQUIRE(axi_address(module->ar_o) % kCommandBytes == 0);
      memory.accept(0, axi_address(module->ar_o), axi_len(module->ar_o));
      max_outstanding = std::max(max_outstanding, static_cast<int>(memory.outstanding()));
      addresses.push_back(cycle);
    }
    for (int queue = 0; queue < kQueues; ++queue) {
      if ((module->queue_valid_o & module->queue_ready_i) >> queue & 1u) {
        Dispatch d{cycle, queue, module->queue_command_o[16], {}};
        for (unsigned word = 0; word < 16; ++word) d.words[word] = module->queue_command_o[word];
        REQUIRE(module->queue_valid_o == 1u << queue);
        REQUIRE(module->ring_head_o == d.index);
        dispatched.push_back(d);
      }
    }
    if (module->halt_done_o) halts.push_back(cycle);
    if (module->completed_o) completions.push_back(cycle);
    if (fault_valid(module->fault_o)) {
      faults.push_back({cycle, static_cast<Fault>(fault_cause(module->fault_o)),
                        fault_address(module->fault_o), module->current_index_o});
    }
    activities.push_back(static_cast<Activity>(module->activity_o));
    bursts += module->burst_o;
    beats += module->beat_o;
    this->tick();
    this->settle();
    memory.end_cycle();
    ++cycle;
  }

  void run(long cycles) {
    for (long i = 0; i < cycles; ++i) step();
  }
};

using Processor64 = Processor<Vcommand_processor_64, 64>;
using Processor128 = Processor<Vcommand_processor_128, 128>;
using Processor512 = Processor<Vcommand_processor_512, 512>;

CommandWords nop() { return encode(interface::NopCommand{}); }
CommandWords halt() { return encode(interface::HaltCommand{}); }

interface::LoadCommand good_load() {
  interface::LoadCommand c;
  c.rows = c.columns = 1;
  return c;
}
interface::StoreCommand good_store() {
  interface::StoreCommand c;
  c.rows = c.columns = 1;
  return c;
}
template <class Indexed>
Indexed good_indexed() {
  Indexed c;
  c.rows = interface::kIndexWords;
  c.columns = c.limit = 1;
  return c;
}
interface::GemmCommand good_gemm() {
  interface::GemmCommand c;
  c.rows = c.columns = c.depth = 1;
  return c;
}
interface::VectorCommand good_vector() {
  interface::VectorCommand c;
  c.length = 1;
  c.rows = c.columns = 1;
  return c;
}

template <class Command, class Change>
CommandWords changed(Command command, Change change) {
  change(command);
  return encode(command);
}

}  // namespace

TEMPLATE_TEST_CASE("Every command of a ring that wraps round arrives once, in order and whole", "",
                   Processor64, Processor128, Processor512) {
  const unsigned seed = GENERATE(1u, 2u, 3u);
  INFO("seed " << seed);
  TestType processor(seed);
  std::mt19937 random(seed + 100);
  processor.ring(0xfedc'ba98'0000 & ~std::uint64_t{4095}, 16);
  processor.memory.stall_percent = static_cast<int>(seed) * 20;
  processor.memory.latency = 1 + static_cast<int>(random() % 12);
  processor.queue_stall_percent = 100 - static_cast<int>(seed) * 30;
  std::vector<CommandWords> expected;
  std::vector<int> queues;
  std::uint32_t tail = 0;
  constexpr std::uint32_t kCommands = 500;
  for (long guard = 0; guard < 200000 && processor.dispatched.size() < kCommands; ++guard) {
    // The host: a few more commands now and then, never more than the ring holds.
    if (random() % 8 == 0) {
      while (tail < kCommands && tail - processor->ring_head_o < 16 && random() % 4 != 0) {
        const int queue = static_cast<int>(random() % 4);
        expected.push_back(random_command(random, queue, random() & tokens_to(queue),
                                          random() & tokens_from(queue)));
        queues.push_back(queue);
        processor.write(tail++, expected.back());
      }
      processor->ring_tail_i = tail;
    }
    processor.step();
  }
  REQUIRE(processor.dispatched.size() == kCommands);
  for (std::uint32_t i = 0; i < kCommands; ++i) {
    const Dispatch& d = processor.dispatched[i];
    REQUIRE(d.index == i);
    REQUIRE(d.queue == queues[i]);
    REQUIRE(d.words == expected[i]);
  }
  CHECK(processor.faults.empty());
  CHECK(processor.max_outstanding <= static_cast<int>(kFetchDepth));
  CHECK(processor.bursts == kCommands);
  CHECK(processor.beats * TestType::kBusBytes == kCommands * kCommandBytes);
  CHECK(processor->ring_head_o == kCommands);
  CHECK(processor->idle_o);
  CHECK(processor->activity_o == static_cast<unsigned>(Activity::kWaitHost));  // no halt has come
}

TEST_CASE("Without stalls the cycles are those of the description") {
  Processor128 processor;  // four beats a command
  processor.ring(0x1000, 64);
  for (std::uint32_t i = 0; i < 6; ++i) processor.write(i, encode(good_gemm()));
  processor->ring_tail_i = 6;

  SECTION(
      "memory that answers in the next cycle: the buffer is the limit, a command in six cycles") {
    // Address of command 0: asked for in 0, on the port in 1, beats 2..5, read from the buffer in
    // 6..9, dealt out in 11.
    processor.run(50);
    REQUIRE(processor.dispatched.size() == 6);
    for (long i = 0; i < 6; ++i)
      CHECK(processor.dispatched[static_cast<std::size_t>(i)].cycle == 11 + 6 * i);
    // Four have a place at once; command 4 is asked for the cycle after command 0 left, in 12.
    CHECK(processor.addresses == std::vector<long>{1, 2, 3, 4, 13, 19});
    for (std::size_t i = 0; i < 50; ++i) {
      const bool dealt_out = i >= 11 && i <= 41 && i % 6 == 5;
      const Activity expected = dealt_out ? Activity::kBusy
                                : i < 6   ? Activity::kWaitMemory
                                : i < 41  ? Activity::kLatency
                                          : Activity::kWaitHost;
      INFO("cycle " << i);
      CHECK(processor.activities[i] == expected);
    }
  }
  SECTION("a far memory: FetchDepth is the limit") {
    processor.memory.latency = 20;
    processor.run(80);
    REQUIRE(processor.dispatched.size() == 6);
    CHECK(processor.addresses == std::vector<long>{1, 2, 3, 4, 32, 38});
    // Beats of command 0 in 21..24; the others follow each other on the bus; command 4 in 52..55,
    // command 5 in 58..61.
    const std::vector<long> cycles{30, 36, 42, 48, 61, 67};
    for (std::size_t i = 0; i < 6; ++i) CHECK(processor.dispatched[i].cycle == cycles[i]);
  }
}

TEST_CASE("A command that is here is dealt out two cycles and its beats after the one before") {
  Processor512 processor;
  processor.ring(0x1000, 64);
  for (std::uint32_t i = 0; i < 4; ++i) processor.write(i, encode(good_load()));
  processor->ring_tail_i = 4;
  processor.run(20);
  // One beat a command: on the port in 1..4, data in 2..5; the first one is read from the buffer in
  // 3, its data are there in 4.
  REQUIRE(processor.dispatched.size() == 4);
  for (std::size_t i = 0; i < 4; ++i)
    CHECK(processor.dispatched[i].cycle == 5 + 3 * static_cast<long>(i));
}

TEST_CASE("A full queue blocks the commands behind it, whatever their unit") {
  Processor128 processor;
  processor.ring(0x1000, 64);
  processor.write(0, encode(good_gemm()));
  processor.write(1, encode(good_load()));
  processor->ring_tail_i = 2;
  processor.queue_stall_percent = 100;
  processor.run(40);
  CHECK(processor.dispatched.empty());
  CHECK(processor->queue_valid_o == 1u << kArrayQueue);
  CHECK(processor->activity_o == static_cast<unsigned>(Activity::kLatency));
  CHECK(processor->buffered_o == 2);
  CHECK_FALSE(processor->idle_o);
  processor.queue_stall_percent = 0;
  processor.run(7);  // four beats later
  REQUIRE(processor.dispatched.size() == 2);
  CHECK(processor.dispatched[0].queue == kArrayQueue);
  CHECK(processor.dispatched[1].queue == kLoadQueue);
}

TEST_CASE("nop completes at once, halt when the units are idle, then the next command follows") {
  Processor512 processor;
  processor.ring(0x1000, 64);
  processor.write(0, nop());
  processor.write(1, halt());
  processor.write(2, encode(good_store()));
  processor->ring_tail_i = 3;
  processor->units_idle_i = 0;
  processor.run(30);
  CHECK(processor.completions == std::vector<long>{5});
  CHECK(processor.halts.empty());
  CHECK(processor->activity_o == static_cast<unsigned>(Activity::kLatency));
  CHECK(processor->ring_head_o == 1);
  processor->units_idle_i = 1;
  processor.run(4);
  CHECK(processor.halts == std::vector<long>{30});
  CHECK(processor.completions == std::vector<long>{5, 30});
  REQUIRE(processor.dispatched.size() == 1);
  CHECK(processor.dispatched[0].cycle == 33);
}

TEST_CASE("From its first command to its halt a program waits for the host, after it for nobody") {
  Processor512 processor;  // a command is dealt out five cycles after its address is asked for
  processor.ring(0x1000, 64);
  processor.write(0, encode(good_load()));
  processor.write(1, nop());
  processor.write(2, halt());
  processor.run(5);
  CHECK_FALSE(processor->in_program_o);
  processor->ring_tail_i = 1;
  processor.run(8);  // asked for in 5, dealt out in 10
  processor->ring_tail_i = 2;
  processor.run(8);  // 13, 18
  processor->ring_tail_i = 3;
  processor.run(8);  // 21, 26
  const auto I = Activity::kIdle, M = Activity::kWaitMemory, B = Activity::kBusy,
             L = Activity::kLatency, H = Activity::kWaitHost;
  CHECK(processor.activities == std::vector<Activity>{I, I, I, I, I, M, M, M, L, L, B, H, H, M, M,
                                                      M, L, L, B, H, H, M, M, M, L, L, B, I, I});
  CHECK(processor.halts == std::vector<long>{26});
  CHECK_FALSE(processor->in_program_o);

  // Disabled or stopped it waits for nobody.
  processor->ring_tail_i = 4;
  processor.write(3, nop());
  processor.run(7);
  CHECK(processor->in_program_o);
  CHECK(processor.activities.back() == H);
  processor->enable_i = 0;
  processor.run(1);
  CHECK(processor.activities.back() == I);
  processor->enable_i = 1;
  processor->stop_i = 1;
  processor.run(1);
  CHECK(processor.activities.back() == I);
}

TEST_CASE("Bad commands are found, at their place in the order") {
  struct Case {
    std::string name;
    CommandWords words;
    Fault cause;
  };
  std::vector<Case> cases;
  const auto bad_field = [&](const std::string& name, const CommandWords& words) {
    cases.push_back({name, words, Fault::kBadField});
  };
  CommandWords words = encode(good_gemm());
  words[0] = (words[0] & ~0xffu) | 0x02u;
  cases.push_back({"opcode 2", words, Fault::kIllegalOpcode});
  words[0] = words[0] | 0xffu;
  cases.push_back({"opcode 0xff", words, Fault::kIllegalOpcode});
  words = encode(good_gemm());
  words[0] += 0x100;
  cases.push_back({"next version", words, Fault::kBadVersion});
  words[0] |= 0xffu;  // the opcodes of another version are not known
  cases.push_back({"next version and opcode", words, Fault::kBadVersion});
  cases.push_back({"all zero", CommandWords{}, Fault::kBadVersion});

  bad_field("load rows 0", changed(good_load(), [](auto& c) { c.rows = 0; }));
  bad_field("load columns 0", changed(good_load(), [](auto& c) { c.columns = 0; }));
  bad_field("load rows", changed(good_load(), [](auto& c) { c.rows = kTooBig; }));
  bad_field("load columns", changed(good_load(), [](auto& c) { c.columns = kTooBig; }));
  bad_field("load line", changed(good_load(), [](auto& c) { c.line = kTooBig; }));
  bad_field("load stride", changed(good_load(), [](auto& c) { c.line_stride = 0x8000'0000; }));
  bad_field("load address", changed(good_load(), [](auto& c) { c.address_lo = 64; }));
  bad_field("load panels", changed(good_load(), [](auto& c) { c.panel_stride = 1; }));
  bad_field("load waits for another's token",
            changed(good_load(), [](auto& c) { c.wait_tokens = 2; }));
  bad_field("load signals another's token",
            changed(good_load(), [](auto& c) { c.signal_tokens = 0x10; }));
  bad_field("store target 2", changed(good_store(), [](auto& c) { c.target = 2; }));
  bad_field("store rows 0", changed(good_store(), [](auto& c) { c.rows = 0; }));
  bad_field("store signals another's token",
            changed(good_store(), [](auto& c) { c.signal_tokens = 0x0800; }));
  const auto bad_indexed = [&](const std::string& name, const auto& good) {
    bad_field(name + " target 2", changed(good, [](auto& c) { c.target = 2; }));
    bad_field(name + " rows 0", changed(good, [](auto& c) { c.rows = 0; }));
    bad_field(name + " rows 1025", changed(good, [](auto& c) { c.rows = 1025; }));
    bad_field(name + " columns", changed(good, [](auto& c) { c.columns = kTooBig; }));
    bad_field(name + " address", changed(good, [](auto& c) { c.address_lo = 64; }));
    bad_field(name + " panels", changed(good, [](auto& c) { c.panel_stride = 64; }));
    bad_field(name + " pitch", changed(good, [](auto& c) { c.row_pitch = 127; }));
    bad_field(name + " limit 0", changed(good, [](auto& c) { c.limit = 0; }));
    bad_field(name + " line", changed(good, [](auto& c) { c.line = kTooBig; }));
    bad_field(name + " waits for another's token",
              changed(good, [](auto& c) { c.wait_tokens = 2; }));
  };
  bad_indexed("gather", good_indexed<interface::GatherCommand>());
  bad_indexed("scatter", good_indexed<interface::ScatterCommand>());
  bad_field("gemm rows 0", changed(good_gemm(), [](auto& c) { c.rows = 0; }));
  bad_field("gemm columns 0", changed(good_gemm(), [](auto& c) { c.columns = 0; }));
  bad_field("gemm depth 0", changed(good_gemm(), [](auto& c) { c.depth = 0; }));
  bad_field("gemm depth", changed(good_gemm(), [](auto& c) { c.depth = kTooBig; }));
  bad_field("gemm stream line", changed(good_gemm(), [](auto& c) { c.stream_line = kTooBig; }));
  bad_field("gemm stream stride", changed(good_gemm(), [](auto& c) { c.stream_stride = kTooBig; }));
  bad_field("gemm stationary line",
            changed(good_gemm(), [](auto& c) { c.stationary_line = kTooBig; }));
  bad_field("gemm stationary stride",
            changed(good_gemm(), [](auto& c) { c.stationary_stride = kTooBig; }));
  bad_field("gemm accumulator line",
            changed(good_gemm(), [](auto& c) { c.accumulator_line = kTooBig; }));
  bad_field("gemm accumulator stride",
            changed(good_gemm(), [](auto& c) { c.accumulator_stride = kTooBig; }));
  bad_field("gemm waits for another's token",
            changed(good_gemm(), [](auto& c) { c.wait_tokens = 1; }));
  bad_field("vector length 0", changed(good_vector(), [](auto& c) { c.length = 0; }));
  bad_field("vector rows 0", changed(good_vector(), [](auto& c) { c.rows = 0; }));
  bad_field("vector columns", changed(good_vector(), [](auto& c) { c.columns = kTooBig; }));
  bad_field("vector walk", changed(good_vector(), [](auto& c) { c.walk = 3; }));
  bad_field("vector column beyond the line", changed(good_vector(), [](auto& c) {
              c.stream2 = 1u << 25;
              c.column2 = 32;
            }));
  bad_field("vector column within a beat", changed(good_vector(), [](auto& c) { c.column3 = 4; }));
  bad_field("vector waits for another's token",
            changed(good_vector(), [](auto& c) { c.wait_tokens = 8; }));
  bad_field("nop waits", changed(interface::NopCommand{}, [](auto& c) { c.wait_tokens = 1; }));
  bad_field("halt signals",
            changed(interface::HaltCommand{}, [](auto& c) { c.signal_tokens = 1; }));

  for (const Case& bad : cases) {
    INFO(bad.name);
    Processor128 processor;
    processor.ring(0x1000, 64);
    processor.write(0, encode(good_load()));
    processor.write(1, nop());
    processor.write(2, bad.words);
    processor.write(3, encode(good_store()));
    processor->ring_tail_i = 4;
    processor.run(60);
    REQUIRE(processor.faults.size() == 1);
    CHECK(processor.faults[0].cause == bad.cause);
    CHECK(processor.faults[0].index == 2);
    CHECK(processor.dispatched.size() == 1);
    CHECK(processor.completions.size() == 1);
    CHECK(processor->ring_head_o == 2);
    CHECK(processor->idle_o);
  }
}

TEST_CASE("A ring that cannot be right is a fault before anything is read") {
  Processor128 processor;
  processor.ring(0x1000, 64);
  processor->ring_tail_i = 1;
  Fault expected = Fault::kNone;
  SECTION("more commands than the ring holds") {
    processor->ring_long_i = 1;
    expected = Fault::kRingOverrun;
  }
  SECTION("an unaligned base or a capacity that is no power of two") {
    processor->ring_odd_i = 1;
    expected = Fault::kBadField;
  }
  processor.run(20);
  REQUIRE(processor.faults.size() == 1);
  CHECK(processor.faults[0].cycle == 0);
  CHECK(processor.faults[0].cause == expected);
  CHECK(processor.addresses.empty());
}

TEST_CASE("Read data that nobody asked for is a fault in the next cycle") {
  for (const bool of_another_id : {false, true}) {
    Processor128 processor;
    processor.ring(0x1000, 64);
    processor.run(3);
    processor->r_stray_i = of_another_id;
    processor->r_valid_i = !of_another_id;
    processor->r_last_i = 1;
    processor.settle();
    CHECK_FALSE(processor->beat_o);
    CHECK_FALSE(fault_valid(processor->fault_o));
    processor.tick();
    processor->r_stray_i = processor->r_valid_i = 0;
    processor.settle();
    CHECK(fault_cause(processor->fault_o) == static_cast<std::uint32_t>(Fault::kBadResponse));
    CHECK(fault_valid(processor->fault_o));
    processor.tick();
    CHECK(processor->buffered_o == 0);
  }
}

TEST_CASE("A command that comes in more or fewer beats than it has is a fault") {
  for (const bool early : {false, true}) {
    Processor128 processor;
    processor.ring(0x1000, 64);
    processor->ring_tail_i = 1;
    processor->ar_ready_i = 1;
    for (int cycle = 0; cycle < 2; ++cycle) processor.tick();  // asked for, and taken
    processor->r_valid_i = 1;
    for (int beat = 0; beat < 4; ++beat) {
      processor->r_last_i = early && beat == 0;
      processor.settle();
      CHECK_FALSE(fault_valid(processor->fault_o));
      processor.tick();
      if (early) break;
    }
    processor->r_valid_i = 0;
    processor.settle();
    CHECK(fault_valid(processor->fault_o));
    CHECK(fault_cause(processor->fault_o) == static_cast<std::uint32_t>(Fault::kBadResponse));
    CHECK(processor->queue_valid_o == 0);
  }
}

TEST_CASE("An odd ring without commands is no fault") {
  Processor128 processor;
  processor.ring(0x1000, 64);
  processor->ring_odd_i = 1;
  processor.run(20);
  CHECK(processor.faults.empty());
}

TEST_CASE("A full ring is no overrun") {
  Processor128 processor;
  processor.ring(0x1000, 64);
  for (std::uint32_t i = 0; i < 64; ++i) processor.write(i, nop());
  processor->ring_tail_i = 64;
  processor.run(400);
  CHECK(processor.faults.empty());
  CHECK(processor.completions.size() == 64);
}

TEST_CASE("An error response to any beat of a command stops there, with its address") {
  const std::uint64_t beat = GENERATE(0u, 1u, 2u, 3u);
  Processor128 processor;
  processor.ring(0x1000, 64);
  for (std::uint32_t i = 0; i < 6; ++i) processor.write(i, encode(good_load()));
  processor.memory.errors = {0x1000 + 3 * 64 + beat * 16};
  processor->ring_tail_i = 6;
  processor.run(60);
  REQUIRE(processor.faults.size() == 1);
  CHECK(processor.faults[0].cause == Fault::kFetchError);
  CHECK(processor.faults[0].address == 0x1000 + 3 * 64);
  CHECK(processor.faults[0].index == 3);
  CHECK(processor.dispatched.size() == 3);
}

TEST_CASE("A command at the memory limit is not asked for") {
  Processor128 processor;
  processor.ring(0x1000, 64);
  for (std::uint32_t i = 0; i < 6; ++i) processor.write(i, encode(good_load()));
  processor->memory_limit_i = 0x1000 + 2 * 64 + GENERATE(0u, 63u);
  processor->ring_tail_i = 6;
  processor.run(60);
  REQUIRE(processor.faults.size() == 1);
  CHECK(processor.faults[0].cause == Fault::kMemoryRange);
  CHECK(processor.faults[0].address == 0x1000 + 2 * 64);
  CHECK(processor.faults[0].index == 2);
  CHECK(processor.dispatched.size() == 2);
  CHECK(processor.addresses.size() == 2);
}

TEST_CASE("A ring at the end of the address space does not wrap to address 0") {
  Processor128 processor;
  processor.ring(0xffff'ffff'f000, 64);
  processor->ring_mask_i = 127;  // 8 KiB from the last page on
  processor->memory_limit_i = 0xffff'ffff'ffff;
  for (std::uint32_t i = 0; i < 63; ++i) processor.write(i, nop());
  processor->ring_tail_i = 64;
  processor.run(400);
  REQUIRE(processor.faults.size() == 1);
  CHECK(processor.faults[0].cause == Fault::kMemoryRange);
  CHECK(processor.faults[0].index == 63);  // ends one byte beyond the largest limit
  CHECK(processor.completions.size() == 63);
}

TEST_CASE("Stopped, the processor receives what it asked for and does nothing else") {
  const unsigned seed = GENERATE(1u, 2u, 3u, 4u);
  INFO("seed " << seed);
  Processor128 processor(seed);
  processor.ring(0x1000, 64);
  for (std::uint32_t i = 0; i < 64; ++i) processor.write(i, encode(good_load()));
  processor.memory.latency = 7;
  processor.memory.stall_percent = 50;
  processor->ring_tail_i = 64;
  processor.run(20 + static_cast<long>(seed));
  const std::size_t dispatched = processor.dispatched.size();
  const bool on_port = processor->ar_valid_o;
  const std::size_t addresses = processor.addresses.size();
  processor->stop_i = 1;
  long waited = 0;
  processor.settle();
  while (!processor->idle_o && waited < 1000) {
    processor.step();
    ++waited;
  }
  CHECK(waited < 1000);
  CHECK(processor.memory.outstanding() == 0);
  CHECK(processor.dispatched.size() == dispatched);
  CHECK(processor.addresses.size() == addresses + (on_port ? 1 : 0));
  const long bursts = processor.bursts;
  processor.run(50);
  CHECK(processor.bursts == bursts);
  CHECK(processor->activity_o == static_cast<unsigned>(Activity::kIdle));
}

TEST_CASE("Disabled and enabled again, the processor goes on where it was") {
  Processor128 processor;
  std::mt19937 random(5);
  processor.ring(0x1000, 64);
  for (std::uint32_t i = 0; i < 64; ++i) processor.write(i, encode(good_load()));
  processor->ring_tail_i = 64;
  for (int i = 0; i < 3000; ++i) {
    processor->enable_i = random() % 4 == 0;
    processor.step();
  }
  REQUIRE(processor.dispatched.size() == 64);
  for (std::uint32_t i = 0; i < 64; ++i) CHECK(processor.dispatched[i].index == i);
}

}  // namespace corank::test
