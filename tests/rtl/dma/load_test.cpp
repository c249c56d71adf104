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
const auto kIndexRange = static_cast<std::uint32_t>(corank::interface::Fault::kIndexRange);

/// What was written: (target, line, column), (program, instruction, half) or (indices, place, 0) to
/// a value.
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
                unit->program_write_valid_o + unit->index_write_valid_o <=
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
    if (unit->index_write_valid_o) {
      std::vector<std::uint32_t> words(beat_bytes / 4);
      get_bytes(unit->index_write_data_o, words.data(), beat_bytes);
      for (std::uint32_t n = 0; n < words.size(); ++n) {
        actual[local_key(kIndices, unit->index_write_word_o + n, 0)] = words[n];
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
    if (!block.to_local()) {
      for (std::uint32_t n = 0; n < block.rows * 32; ++n) {
        const auto key = block.target == kProgram ? local_key(kProgram, block.line + n / 2, n % 2)
                                                  : local_key(kIndices, block.line + n, 0);
        local[key] = memory.element(block.address + n * 4, 4);
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

  /// The indices of a gather come from the load right before it.
  void give(const std::vector<Block>& list) {
    blocks = list;
    this->commands.assign(list.begin(), list.end());
    for (std::size_t n = 1; n < list.size(); ++n) {
      const Block& gather = list[n];
      const Block& load = list[n - 1];
      if (!gather.indexed() || load.target != kIndices || load.line > gather.first_index) continue;
      const std::uint64_t at = load.address + std::uint64_t{gather.first_index - load.line} * 4;
      const std::size_t bytes = gather.rows_at.size() * 4;
      std::memcpy(memory.at(at, bytes), gather.rows_at.data(), bytes);
    }
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
    for (const Block& block : bench.blocks) {
      for (const auto& [key, value] : bench.expected(block)) expected[key] = value;
    }
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
  while (bench.cycle < stop_cycle && bench.completions.size() < bench.blocks.size()) bench.step();
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

TEST_CASE("the fault of a beat that no load asked for has no address, whatever had one before") {
  LoadBench<Vload_64_4> bench(64, 4, 1);
  bench.give({long_block()});
  bench.error_beat = 0;
  bench.error_response = 2;
  while (bench.faults.empty()) {
    REQUIRE(bench.cycle < 4'000);
    bench.step();
  }
  REQUIRE(bench.faults[0].address == kBase);
  bench.unit->command_valid_i = 0;
  bench.unit->r_valid_i = 0;
  bench.clocked.reset();
  bench.unit->r_valid_i = bench.unit->r_last_i = 1;
  bench.clocked.settle();
  bench.clocked.tick();
  bench.unit->r_valid_i = 0;
  bench.clocked.settle();
  REQUIRE(fault_valid(bench.unit->fault_o));
  CHECK(fault_cause(bench.unit->fault_o) == kBadResponse);
  CHECK(fault_address(bench.unit->fault_o) == 0);
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

namespace {

constexpr std::uint64_t kList = kBase + 0x80000;  // indices in memory

/// Rows of a matrix of ten rows of 65 BF16 columns, so of two panels; all in pieces of their own,
/// which lie 4 KiB apart, or in one.
Block gather_of(const std::vector<std::uint32_t>& rows_at, bool contiguous) {
  Block gather;
  gather.rows_at = rows_at;
  gather.rows = static_cast<std::uint32_t>(rows_at.size());
  gather.limit = 10;
  gather.first_index = 5;
  gather.columns = 65;
  gather.address = kBase;
  gather.row_pitch = contiguous ? 384 : 128;
  gather.panel_stride = contiguous ? 128 : 4096;
  gather.line = 100;
  gather.line_stride = 20;
  gather.index = 77;
  return gather;
}

template <class Module>
void give_with_indices(LoadBench<Module>& bench, const Block& gather) {
  bench.give({load_of_indices(gather, kList), gather});
}

template <class Module>
void run_to_fault(LoadBench<Module>& bench) {
  while (bench.faults.empty() || !bench.unit->idle_o) {
    REQUIRE(bench.cycle < 100'000);
    bench.step();
  }
  for (int n = 0; n < 50; ++n) bench.step();
  REQUIRE(bench.faults.size() == 1);
  CHECK(bench.completions.size() == 1);  // of the indices
}

}  // namespace

TEST_CASE("the cycles of a short gather are those of its header") {
  LoadBench<Vload_128_8> bench(128, 8, 1);
  bench.stalls.latency = 3;
  SECTION("rows of one piece, a product of one cycle") {
    give_with_indices(bench, gather_of({2, 0, 1}, true));
    bench.run_to_end();
    const std::uint64_t t = bench.takes.at(1);
    CHECK(std::vector<Burst>(bench.bursts.begin() + 1, bench.bursts.end()) ==
          std::vector<Burst>{{kBase + 768, 16}, {kBase, 16}, {kBase + 384, 16}});
    // Cut in t + 5, and every two cycles.
    CHECK(std::vector<std::uint64_t>(bench.burst_cycles.begin() + 1, bench.burst_cycles.end()) ==
          std::vector<std::uint64_t>{t + 6, t + 8, t + 10});
    CHECK(bench.beat_cycles.at(8) == t + 9);
    CHECK(bench.beat_cycles.back() == t + 9 + 47);
    CHECK(bench.completions.at(1).cycle == t + 58);
  }
  SECTION("rows of two pieces") {
    give_with_indices(bench, gather_of({2, 0}, false));
    bench.run_to_end();
    const std::uint64_t t = bench.takes.at(1);
    CHECK(std::vector<Burst>(bench.bursts.begin() + 1, bench.bursts.end()) ==
          std::vector<Burst>{
              {kBase + 256, 8}, {kBase + 4096 + 256, 8}, {kBase, 8}, {kBase + 4096, 8}});
    CHECK(std::vector<std::uint64_t>(bench.burst_cycles.begin() + 1, bench.burst_cycles.end()) ==
          std::vector<std::uint64_t>{t + 6, t + 7, t + 9, t + 10});
  }
  SECTION("a product of five cycles: a pitch of 512 panel rows, which has 10 bits") {
    Block gather = gather_of({1, 0, 2}, true);
    gather.row_pitch = 0x10000;
    give_with_indices(bench, gather);
    bench.run_to_end();
    const std::uint64_t t = bench.takes.at(1);
    CHECK(bench.bursts.at(1) == Burst{kBase + 0x10000, 16});
    CHECK(std::vector<std::uint64_t>(bench.burst_cycles.begin() + 1, bench.burst_cycles.end()) ==
          std::vector<std::uint64_t>{t + 10, t + 16, t + 22});
  }
}

TEST_CASE("the elements of a gather lie one row below the other") {
  LoadBench<Vload_128_8> bench(128, 8, 1);
  give_with_indices(bench, gather_of({2, 7}, false));
  bench.run_to_end();
  // Column 64, the first of the second panel, is at the beginning of local panel 8.
  CHECK(bench.actual.at(local_key(kScratchpad, 100, 0)) == bench.memory.element(kBase + 256, 2));
  CHECK(bench.actual.at(local_key(kScratchpad, 101, 3)) ==
        bench.memory.element(kBase + 7 * 128 + 6, 2));
  CHECK(bench.actual.at(local_key(kScratchpad, 101 + 8 * 20, 0)) ==
        bench.memory.element(kBase + 4096 + 7 * 128, 2));
  CHECK(bench.actual.count(local_key(kScratchpad, 101 + 8 * 20, 1)) == 0);
}

TEST_CASE("a row of one piece is cut at 4 KiB and at the limit of beats") {
  LoadBench<Vload_128_8> bench(128, 8, 1);
  Block gather = gather_of({3}, true);
  gather.columns = 512;  // 1 KiB
  gather.row_pitch = 1152;
  give_with_indices(bench, gather);
  std::vector<Burst> expected;
  SECTION("long bursts") {
    bench.unit->burst_beats_i = 256;
    expected = {{kBase + 3456, 40}, {kBase + 4096, 24}};
  }
  SECTION("bursts of 16 beats") {
    expected = {{kBase + 3456, 16},
                {kBase + 3712, 16},
                {kBase + 3968, 8},
                {kBase + 4096, 16},
                {kBase + 4352, 8}};
  }
  bench.run_to_end();
  CHECK(std::vector<Burst>(bench.bursts.begin() + 1, bench.bursts.end()) == expected);
}

TEST_CASE("the address of a row is exact for every index and pitch, modulo 2^48") {
  for (int run = 0; run < 60; ++run) {
    const unsigned seed = new_seed();
    INFO("seed " << seed);
    LoadBench<Vload_128_8> bench(128, 8, seed);
    Block gather = gather_of({0}, true);
    gather.limit = 0xffff'ffff;
    gather.row_pitch = static_cast<std::uint32_t>(bench.random()) >> bench.random() % 25 & ~127u;
    gather.rows_at[0] = static_cast<std::uint32_t>(bench.random()) >> bench.random() % 32;
    if (run == 0) {
      gather.row_pitch = 0xffff'ff80;
      gather.rows_at[0] = 0xffff'fffe;
    }
    const std::uint64_t product = std::uint64_t{gather.row_pitch} * gather.rows_at[0];
    gather.address = (kBase + 0x1080 - product) & 0xffff'ffff'ffff;
    give_with_indices(bench, gather);
    bench.run_to_end();
    CHECK(bench.bursts.at(1).address == kBase + 0x1080);
    CHECK(bench.faults.empty());
  }
}

TEST_CASE("an index that is not below the limit is a fault, and its row and all after it stay") {
  for (const std::uint32_t bad : {10u, 11u, 0x8000'0000u, 0xffff'ffffu}) {
    for (const std::size_t place : {0u, 1u, 2u}) {
      INFO("index " << bad << " at " << place);
      LoadBench<Vload_128_8> bench(128, 8, 1);
      std::vector<std::uint32_t> rows_at{9, 0, 3};
      rows_at[place] = bad;
      const Block gather = gather_of(rows_at, true);
      give_with_indices(bench, gather);
      run_to_fault(bench);
      CHECK(bench.faults[0].cause == kIndexRange);
      CHECK(bench.faults[0].address == bad);
      // The first product could be done in t + 4; those of the next rows, and the bursts of the
      // rows before, take two cycles each.
      CHECK(bench.faults[0].cycle == bench.takes.at(1) + 5 + 2 * place);
      REQUIRE(bench.bursts.size() == 1 + place);
      for (const auto& [key, value] : bench.actual) {
        if (key >> 60 != kScratchpad) continue;
        const auto line = static_cast<std::uint32_t>(key >> 8);
        CHECK((line - gather.line) % gather.line_stride < place);
      }
    }
  }
}

TEST_CASE("a bad index is no fault before all bursts of the rows in front of it are cut") {
  LoadBench<Vload_128_8> bench(128, 8, 1);
  bench.stalls.latency = 20;
  bench.unit->burst_beats_i = 4;
  bench.unit->outstanding_limit_i = 1;
  give_with_indices(bench, gather_of({9, 10}, true));
  run_to_fault(bench);
  CHECK(bench.faults[0].cause == kIndexRange);
  CHECK(bench.bursts.size() == 2 + 4);  // of the indices, of row 9
}

TEST_CASE("a place beyond the index memory is a fault") {
  struct Case {
    std::uint32_t first_index;
    std::uint64_t address;
    std::size_t rows_before;
  };
  for (const Case& c :
       {Case{1022, 1024, 2}, Case{1024, 1024, 0}, Case{2000, 2000, 0}, Case{65535, 65535, 0}}) {
    INFO("first index " << c.first_index);
    LoadBench<Vload_128_8> bench(128, 8, 1);
    Block gather = gather_of({1, 2, 3, 4}, true);
    gather.first_index = c.first_index;
    Block load = load_of_indices(gather, kList);
    if (c.rows_before == 0) load.line = 0;
    bench.give({load, gather});
    run_to_fault(bench);
    CHECK(bench.faults[0].cause == kIndexRange);
    CHECK(bench.faults[0].address == c.address);
    CHECK(bench.bursts.size() == 1 + c.rows_before);
  }
}

TEST_CASE("indices beyond the end of their memory are dropped") {
  LoadBench<Vload_512_32> bench(512, 32, 1);
  const Block gather = gather_of({4, 3, 2, 1, 0}, true);
  Block first = load_of_indices(gather, kList, 5), beyond = first;  // from index 0 on
  beyond.address += 4096;
  beyond.line = 1021;  // three of its 64 indices have a place
  beyond.rows = 2;
  bench.give({first, gather, beyond, gather});
  bench.run_to_end();
  CHECK(bench.bursts.at(1).address == kBase + 4 * 384);
  CHECK(std::vector<Burst>(bench.bursts.begin() + 1, bench.bursts.begin() + 6) ==
        std::vector<Burst>(bench.bursts.end() - 5, bench.bursts.end()));
}

TEST_CASE("a row beyond the memory limit is a fault at its first burst that crosses it") {
  LoadBench<Vload_128_8> bench(128, 8, 1);
  bench.unit->memory_limit_i = kList + 128;
  Block gather = gather_of({1, 2, 0}, true);
  gather.row_pitch = 0x40080;  // row 2 ends beyond the limit
  give_with_indices(bench, gather);
  run_to_fault(bench);
  CHECK(bench.faults[0].cause == kMemoryRange);
  CHECK(bench.faults[0].address == kBase + 2 * 0x40080);
  CHECK(bench.bursts.size() == 2);
}

TEST_CASE("a gather of rows of 1 KiB keeps the bus busy behind a latency of 100 cycles") {
  for (const std::uint32_t pitch : {1024u, 0xffff'ff80u}) {  // products of 2 and of 13 cycles
    LoadBench<Vload_512_32> bench(512, 32, 1);
    bench.stalls.latency = 100;
    bench.unit->burst_beats_i = 256;
    Block gather;
    gather.rows = 400;
    gather.limit = 256;
    gather.columns = 512;
    gather.address = kBase;
    gather.row_pitch = pitch;
    gather.panel_stride = 128;
    gather.line_stride = 400;
    for (std::uint32_t row = 0; row < gather.rows; ++row) {
      gather.rows_at.push_back(pitch == 1024 ? row * 37 % 256 : 0);
    }
    give_with_indices(bench, gather);
    bench.run_to_end();
    const std::uint64_t beats = 400 * 16,
                        cycles = bench.completions.at(1).cycle - bench.takes.at(1);
    INFO(beats << " beats in " << cycles << " cycles");
    CHECK(beats * 100 >= cycles * 98);
    CHECK(bench.beat_cycles.back() - bench.beat_cycles.at(13 * 2) + 1 == beats);
  }
}
