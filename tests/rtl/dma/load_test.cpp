// The load unit: every element in its place and nothing else, the bursts, the bus kept busy, faults
// and stops.
#include <Vload_128_16.h>
#include <Vload_128_8.h>
#include <Vload_512_32.h>
#include <Vload_64_32.h>
#include <Vload_64_4.h>

#include <unordered_map>

#include "tests/rtl/dma/unit_bench.h"
#include "tests/rtl/memory/seed.h"

namespace {

using namespace corank::test;
using corank::interface::Activity;

constexpr std::uint64_t kBase = 0x7654'3210'0000;
constexpr std::uint32_t kReadId = 1;  // AxiIdLoad
const auto kBadResponse = static_cast<std::uint32_t>(corank::interface::Fault::kBadResponse);
const auto kReadError = static_cast<std::uint32_t>(corank::interface::Fault::kReadError);
const auto kMemoryRange = static_cast<std::uint32_t>(corank::interface::Fault::kMemoryRange);

/// What was written: (target, line, column) or (program, instruction, half) to a value.
using Local = std::unordered_map<std::uint64_t, std::uint32_t>;
std::uint64_t local_key(std::uint32_t target, std::uint32_t line, std::uint32_t column) {
  return std::uint64_t{target} << 60 | std::uint64_t{line} << 8 | column;
}

template <class Module>
struct LoadBench : UnitBench<Module> {
  using Base = UnitBench<Module>;
  using Base::beat_bytes, Base::chance, Base::clocked, Base::cycle, Base::lanes, Base::stalls,
      Base::unit;

  LoadBench(unsigned bus_bits, unsigned lanes_of_line, unsigned seed)
      : Base(bus_bits, lanes_of_line, seed), memory(kBase, 1 << 20, this->random) {
    unit->ar_ready_i = 0;
    unit->r_valid_i = 0;
    unit->r_last_i = 0;
    unit->r_resp_i = 0;
    clocked.reset();
  }

  bool flip_last = false;  // a memory that ends bursts where they do not end

  struct Pending {
    Burst burst;
    std::uint64_t from;  // cycle of the first beat at the earliest
  };

  void step() {
    this->drive_unit(encode_load);
    unit->ar_ready_i = !chance(stalls.address);
    const bool beat = !pending.empty() && pending.front().from <= cycle && !chance(stalls.data);
    unit->r_valid_i = beat;
    bool error = false;
    if (beat) {
      const Burst& burst = pending.front().burst;
      error = beats_given == error_beat;
      put_bytes(unit->r_data_i, memory.at(burst.address + beat_in_burst * beat_bytes, beat_bytes),
                beat_bytes);
      unit->r_last_i = (beat_in_burst + 1 == burst.beats) != flip_last;
      unit->r_resp_i = error ? error_response : 0;
      if (error) error_burst = burst;
    }
    clocked.settle();

    REQUIRE(unit->r_ready_o == 1);
    REQUIRE((unit->beat_o != 0) == beat);
    const auto completed_before = this->completions.size();
    this->observe_unit();
    if (this->completions.size() > completed_before) check_complete();
    observe_writes();
    this->observe_address(unit->ar_valid_o, unit->ar_ready_i, unit->ar_o, kReadId);
    if (unit->ar_valid_o && unit->ar_ready_i) {
      pending.push_back(
          {{axi_address(unit->ar_o), axi_len(unit->ar_o) + 1}, cycle + stalls.latency});
    }
    if (beat) {
      this->beat_cycles.push_back(cycle);
      ++beats_given;
      if (++beat_in_burst == pending.front().burst.beats) {
        beat_in_burst = 0;
        pending.pop_front();
        --this->in_flight;
      }
    }
    clocked.tick();
    ++cycle;
  }

  void observe_writes() {
    REQUIRE(unit->scratchpad_write_valid_o + unit->accumulator_write_valid_o +
                unit->program_write_valid_o <=
            1);
    if (unit->scratchpad_write_valid_o) {
      std::vector<std::uint16_t> line(lanes);
      get_bytes(unit->scratchpad_write_data_o, line.data(), lanes * 2);
      write(kScratchpad, unit->scratchpad_write_request_o, line);
    }
    if (unit->accumulator_write_valid_o) {
      std::vector<std::uint32_t> line(lanes);
      get_bytes(unit->accumulator_write_data_o, line.data(), lanes * 4);
      write(kAccumulator, unit->accumulator_write_request_o, line);
    }
    if (unit->program_write_valid_o) {
      std::vector<std::uint32_t> words(beat_bytes / 4);
      get_bytes(unit->program_write_data_o, words.data(), beat_bytes);
      for (std::uint32_t n = 0; n < words.size(); ++n) {
        actual[local_key(kProgram, unit->program_write_word_o + n / 2, n % 2)] = words[n];
      }
    }
  }

  template <class Value>
  void write(std::uint32_t target, std::uint64_t request, const std::vector<Value>& line) {
    const auto count = static_cast<std::uint32_t>(request >> 40 & 0xffu);
    const auto column = static_cast<std::uint32_t>(request >> 32 & 0xffu);
    REQUIRE((request >> 48 & 1u) == 0);  // not transposed
    REQUIRE(count >= 1);
    REQUIRE(column + count <= lanes);
    for (std::uint32_t n = 0; n < count; ++n) {
      actual[local_key(target, static_cast<std::uint32_t>(request), column + n)] = line[n];
    }
  }

  Local expected(const Block& block) {
    Local local;
    if (block.target == kProgram) {
      for (std::uint32_t n = 0; n < block.rows * 32; ++n) {
        local[local_key(kProgram, block.line + n / 2, n % 2)] =
            memory.element(block.address + n * 4, 4);
      }
      return local;
    }
    for (const Element& e : elements_of(block, lanes)) {
      local[local_key(block.target, e.line, e.column)] =
          memory.element(e.address, block.element_bytes());
    }
    return local;
  }

  /// A completion comes when everything has been written, not before.
  void check_complete() {
    const Block& block = blocks.at(this->completions.size() - 1);
    REQUIRE(this->completions.back().index == block.index);
    REQUIRE(this->completions.back().signal_tokens == block.signal_tokens);
    std::size_t missing = 0;
    for (const auto& [key, value] : expected(block)) {
      const auto found = actual.find(key);
      missing += found == actual.end() || found->second != value;
    }
    REQUIRE(missing == 0);
  }

  void give(const std::vector<Block>& list) {
    blocks = list;
    this->commands.assign(list.begin(), list.end());
  }

  void run_to_end() {
    while (this->completions.size() < blocks.size()) {
      REQUIRE(cycle < 4'000'000);
      step();
    }
    for (int n = 0; n < 10; ++n) step();
  }

  MemoryBytes memory;
  std::deque<Pending> pending;
  unsigned beat_in_burst = 0;
  std::uint64_t beats_given = 0, error_beat = ~std::uint64_t{0};
  std::uint8_t error_response = 2;
  Burst error_burst;
  std::vector<Block> blocks;
  Local actual;
};

template <class Module>
std::vector<Burst> all_bursts(LoadBench<Module>& bench) {
  std::vector<Burst> bursts;
  for (const Block& block : bench.blocks) {
    for (const Burst& b : bursts_of(block, bench.beat_bytes, bench.unit->burst_beats_i)) {
      bursts.push_back(b);
    }
  }
  return bursts;
}

template <class Module>
void load_random_blocks(unsigned bus_bits, unsigned lanes) {
  for (int run = 0; run < 12; ++run) {
    const unsigned seed = new_seed();
    INFO("bus " << bus_bits << ", lanes " << lanes << ", seed " << seed);
    LoadBench<Module> bench(bus_bits, lanes, seed);
    randomize(bench);
    bench.give(random_blocks(5, kBase, lanes, true, bench.random));
    bench.unit->memory_limit_i = bench.memory.end();
    bench.run_to_end();

    Local expected;
    for (const Block& block : bench.blocks) expected.merge(bench.expected(block));
    REQUIRE((bench.actual == expected));  // not printed: 80,000 elements
    const auto bursts = all_bursts(bench);
    REQUIRE(bench.bursts == bursts);
    REQUIRE(bench.events == bursts.size());
    REQUIRE(bench.faults.empty());
    REQUIRE(bench.unit->idle_o == 1);
    // A beat is a busy cycle, and the other way round.
    REQUIRE(bench.activities[static_cast<unsigned>(Activity::kBusy)] == bench.beat_cycles.size());
  }
}

/// 70 x 300 BF16: five memory panels of 70 rows.
Block long_block() {
  Block block;
  block.rows = 70;
  block.columns = 300;
  block.address = kBase;
  block.panel_stride = 70 * 128;
  block.line_stride = 70;
  block.index = 1;
  return block;
}

/// Stops in that cycle, without stalls, or some time with any.
void stop_in_the_middle(std::optional<std::uint64_t> cycle) {
  const unsigned seed = new_seed();
  LoadBench<Vload_128_8> bench(128, 8, seed);
  if (!cycle) randomize(bench);
  bench.stalls.command = 0;
  bench.give(random_blocks(4, kBase, 8, true, bench.random));
  const std::uint64_t stop_cycle = cycle ? *cycle : bench.random() % 1500;
  INFO("stop in cycle " << stop_cycle << ", seed " << seed);
  while (bench.cycle < stop_cycle && bench.completions.size() < 4) bench.step();
  const auto bursts = bench.bursts.size();
  const auto completions = bench.completions.size();
  const auto takes = bench.takes.size();
  bench.unit->stop_i = 1;
  bench.step();  // a burst cut and a beat taken before are seen in this cycle
  REQUIRE(bench.bursts.size() <= bursts + 1);
  const auto last_bursts = bench.bursts.size();
  const auto local = bench.actual;
  while (!bench.unit->idle_o) {
    REQUIRE(bench.cycle < 4'000'000);
    bench.step();
  }
  for (int n = 0; n < 100; ++n) bench.step();
  REQUIRE(bench.unit->idle_o == 1);
  REQUIRE(bench.unit->activity_o == static_cast<unsigned>(Activity::kIdle));
  REQUIRE(bench.pending.empty());
  REQUIRE(bench.in_flight == 0);
  REQUIRE(bench.bursts.size() == last_bursts);
  REQUIRE((bench.actual == local));
  REQUIRE(bench.completions.size() == completions);
  REQUIRE(bench.takes.size() == takes);
  REQUIRE(bench.faults.empty());
}

}  // namespace

TEST_CASE("a load puts every element in its place and touches nothing else") {
  SECTION("64 bits, 4 lanes") { load_random_blocks<Vload_64_4>(64, 4); }
  SECTION("64 bits, 32 lanes") { load_random_blocks<Vload_64_32>(64, 32); }
  SECTION("128 bits, 8 lanes") { load_random_blocks<Vload_128_8>(128, 8); }
  SECTION("128 bits, 16 lanes") { load_random_blocks<Vload_128_16>(128, 16); }
  SECTION("512 bits, 32 lanes") { load_random_blocks<Vload_512_32>(512, 32); }
}

TEST_CASE("a long load takes a beat every cycle, also from one command to the next") {
  LoadBench<Vload_128_8> bench(128, 8, 1);
  bench.stalls.latency = 20;  // 16 bursts of 16 beats are far more than that
  Block first = long_block(), second = long_block();
  second.index = 2;
  second.line = 4000;
  bench.give({first, second});
  bench.run_to_end();
  const std::uint64_t beats = 2 * 5 * 70 * 8;
  REQUIRE(bench.beat_cycles.size() == beats);
  CHECK(bench.beat_cycles.back() - bench.beat_cycles.front() + 1 == beats);
}

TEST_CASE("the cycles of a short load are those of its header") {
  LoadBench<Vload_128_8> bench(128, 8, 1);
  bench.stalls.latency = 3;
  Block block = long_block();
  block.rows = 2;
  block.columns = 8;
  bench.unit->burst_beats_i = 4;
  bench.give({block});
  bench.run_to_end();
  const std::uint64_t t = bench.takes.at(0);
  // 16 beats, 4 bursts: one a cycle on AR from t + 2, beats from 3 cycles after it, completion 2
  // after the last one.
  CHECK(bench.burst_cycles == std::vector<std::uint64_t>{t + 2, t + 3, t + 4, t + 5});
  CHECK(bench.beat_cycles.front() == t + 5);
  CHECK(bench.beat_cycles.back() == t + 20);
  CHECK(bench.completions.at(0).cycle == t + 22);
  // t + 1 and the two cycles after the beats are latency, t + 2 .. t + 4 waiting.
  CHECK(bench.activities[static_cast<unsigned>(Activity::kLatency)] == 3);
  CHECK(bench.activities[static_cast<unsigned>(Activity::kWaitMemory)] == 3);
  CHECK(bench.activities[static_cast<unsigned>(Activity::kBusy)] == 16);
}

TEST_CASE("a load has as many bursts in flight as it may") {
  for (const unsigned limit : {1u, 2u, 7u, 16u}) {
    LoadBench<Vload_64_4> bench(64, 4, 1);
    bench.stalls.latency = 100;
    bench.unit->burst_beats_i = 4;
    bench.unit->outstanding_limit_i = static_cast<std::uint8_t>(limit);
    bench.give({long_block()});
    bench.run_to_end();
    CHECK(bench.most_in_flight == limit);
  }
}

TEMPLATE_TEST_CASE("an error response to a load is a fault, and the rest is drained", "",
                   Vload_128_8, Vload_128_16) {
  const unsigned lanes = std::is_same_v<TestType, Vload_128_8> ? 8 : 16;
  for (int run = 0; run < 10; ++run) {
    const unsigned seed = new_seed();
    INFO("seed " << seed);
    LoadBench<TestType> bench(128, lanes, seed);
    randomize(bench);
    bench.give(random_blocks(4, kBase, lanes, true, bench.random));
    std::uint64_t beats = 0;
    for (const Burst& burst : all_bursts(bench)) beats += burst.beats;
    bench.error_beat = bench.random() % beats;
    bench.error_response = 2 + bench.random() % 2;
    while (bench.faults.empty()) {
      REQUIRE(bench.cycle < 4'000'000);
      bench.step();
    }
    REQUIRE(bench.faults[0].cause == kReadError);
    REQUIRE(bench.faults[0].address == bench.error_burst.address);
    REQUIRE(bench.faults[0].cycle == bench.beat_cycles.at(bench.error_beat) + 1);
    const auto bursts = bench.bursts.size();
    const auto local = bench.actual;
    while (!bench.unit->idle_o) {
      REQUIRE(bench.cycle < 4'000'000);
      bench.step();
    }
    for (int n = 0; n < 100; ++n) bench.step();
    REQUIRE(bench.unit->idle_o == 1);
    REQUIRE(bench.pending.empty());
    REQUIRE(bench.in_flight == 0);
    REQUIRE(bench.bursts.size() == bursts);
    REQUIRE((bench.actual == local));
    REQUIRE(bench.faults.size() == 1);
    // Commands whose data came before the error are complete, no other.
    std::uint64_t end = 0;
    std::size_t complete = 0;
    for (const Block& block : bench.blocks) {
      for (const Burst& b : bursts_of(block, 16, bench.unit->burst_beats_i)) end += b.beats;
      if (end <= bench.error_beat) ++complete;
    }
    REQUIRE(bench.completions.size() == complete);
  }
}

TEST_CASE(
    "a load up to the memory limit is well, a byte less is a fault at the burst that crosses it") {
  Block block = long_block();
  const std::uint64_t end = block.address + 5 * 70 * 128;
  {
    LoadBench<Vload_64_4> bench(64, 4, 1);
    bench.unit->memory_limit_i = end;
    bench.give({block});
    bench.run_to_end();
    CHECK(bench.faults.empty());
  }
  for (int run = 0; run < 10; ++run) {
    const unsigned seed = new_seed();
    INFO("seed " << seed);
    LoadBench<Vload_64_4> bench(64, 4, seed);
    randomize(bench);
    bench.unit->memory_limit_i = run == 0 ? end - 1 : kBase + bench.random() % (end - kBase);
    bench.give({block});
    const auto bursts = all_bursts(bench);
    std::size_t within = 0;
    while (bursts[within].address + bursts[within].beats * 8 <= bench.unit->memory_limit_i)
      ++within;
    while (bench.faults.empty() || !bench.unit->idle_o) {
      REQUIRE(bench.cycle < 4'000'000);
      bench.step();
    }
    for (int n = 0; n < 50; ++n) bench.step();
    REQUIRE(bench.faults.size() == 1);
    REQUIRE(bench.faults[0].cause == kMemoryRange);
    REQUIRE(bench.faults[0].address == bursts[within].address);
    REQUIRE(bench.bursts ==
            std::vector<Burst>(bursts.begin(), bursts.begin() + static_cast<long>(within)));
    REQUIRE(bench.completions.empty());
    REQUIRE(bench.in_flight == 0);
  }
}

TEST_CASE("a load that runs out of 48 bits of address is a fault, not a load from the beginning") {
  LoadBench<Vload_128_8> bench(128, 8, 1);
  bench.memory.base = 0xffff'ffff'0000;
  Block block;
  SECTION("within a panel") {
    block.address = 0xffff'ffff'f000;
    block.rows = 40;  // 5 KiB, of which 4 are there, in 16 bursts, the last one up to the limit and
                      // a byte more
    block.columns = 1;
  }
  SECTION("from a panel to the next") {
    block.address = 0xffff'ffff'e000;
    block.rows = 30;  // 15 bursts
    block.columns = 65;
    block.panel_stride = 0x2000;
  }
  bench.give({block});
  while (bench.faults.empty() || !bench.unit->idle_o) {
    REQUIRE(bench.cycle < 1000);
    bench.step();
  }
  CHECK(bench.faults[0].cause == kMemoryRange);
  CHECK(bench.bursts.size() == 15);
}

TEST_CASE("a beat that no load asked for is a fault and is dropped") {
  LoadBench<Vload_64_4> bench(64, 4, 1);
  // With nothing in flight, and with a burst that is still on AR.
  for (const bool announced : {false, true}) {
    bench.clocked.reset();
    bench.faults.clear();
    bench.stalls.address = announced ? 100 : 0;
    if (announced) bench.give({long_block()});
    for (int n = 0; n < 4; ++n) bench.step();
    REQUIRE(bench.unit->ar_valid_o == announced);
    bench.unit->r_valid_i = bench.unit->r_last_i = 1;
    bench.clocked.settle();
    CHECK(bench.unit->beat_o == 0);
    bench.clocked.tick();
    bench.unit->r_valid_i = 0;
    bench.clocked.settle();
    CHECK(fault_valid(bench.unit->fault_o));
    CHECK(fault_cause(bench.unit->fault_o) == kBadResponse);
    CHECK(bench.unit->scratchpad_write_valid_o == 0);
    CHECK(bench.unit->accumulator_write_valid_o == 0);
    CHECK(bench.unit->command_ready_o == 0);
  }
}

TEST_CASE("a burst that ends early or goes on is a fault in the next cycle") {
  for (const std::uint64_t beat : {0u, 5u, 31u}) {  // the last one goes on
    INFO("beat " << beat);
    LoadBench<Vload_64_4> bench(64, 4, 1);
    bench.unit->burst_beats_i = 32;
    bench.give({long_block()});
    while (bench.beats_given < beat) bench.step();
    bench.flip_last = true;
    while (bench.beats_given == beat) bench.step();
    const std::uint64_t cycle = bench.cycle;
    CHECK(bench.faults.empty());
    bench.flip_last = false;
    bench.step();
    REQUIRE(bench.faults.size() == 1);
    CHECK(bench.faults[0].cause == kBadResponse);
    CHECK(bench.faults[0].cycle == cycle);
    CHECK(bench.faults[0].address == bench.bursts[0].address);
  }
}

TEST_CASE("stop: a load drains what it asked for and does nothing more") {
  // Every cycle of the beginning, with queues empty and filling, and some later ones.
  for (std::uint64_t cycle = 0; cycle < 60; ++cycle) stop_in_the_middle(cycle);
  for (int run = 0; run < 30; ++run) stop_in_the_middle(std::nullopt);
}
