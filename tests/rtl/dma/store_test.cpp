// The store unit: every byte in its place and nothing else, the bursts, the bus kept busy, faults
// and stops.
#include <Vstore_128_16.h>
#include <Vstore_128_8.h>
#include <Vstore_512_32.h>
#include <Vstore_64_32.h>
#include <Vstore_64_4.h>

#include "tests/rtl/dma/unit_bench.h"
#include "tests/rtl/memory/seed.h"

namespace {

using namespace corank::test;
using corank::interface::Activity;

constexpr std::uint64_t kBase = 0x0123'4567'8000;
constexpr std::uint32_t kWriteId = 2;  // AxiIdStore
const auto kBadResponse = static_cast<std::uint32_t>(corank::interface::Fault::kBadResponse);
const auto kWriteError = static_cast<std::uint32_t>(corank::interface::Fault::kWriteError);
const auto kMemoryRange = static_cast<std::uint32_t>(corank::interface::Fault::kMemoryRange);
const auto kIndexRange = static_cast<std::uint32_t>(corank::interface::Fault::kIndexRange);

/// What the local memories hold: an element is a mix of its place.
std::uint32_t local_element(std::uint32_t target, std::uint32_t line, std::uint32_t column) {
  std::uint32_t x = target * 0x9e3779b9u + line * 0x85ebca6bu + column * 0xc2b2ae35u + 1;
  x = (x ^ x >> 15) * 0x2c1b3c6du;
  x = (x ^ x >> 13) * 0x297a2d39u;
  return x ^ x >> 16;
}

/// When the memory takes an address: whenever it likes, or not before the data (both are AXI).
enum class AddressReady { kAny, kAfterData };

template <class Module>
struct StoreBench : UnitBench<Module> {
  using Base = UnitBench<Module>;
  using Base::beat_bytes, Base::chance, Base::clocked, Base::cycle, Base::lanes, Base::stalls,
      Base::unit;

  StoreBench(unsigned bus_bits, unsigned lanes_of_line, unsigned seed)
      : Base(bus_bits, lanes_of_line, seed), memory(kBase, 1 << 20, this->random) {
    unit->aw_ready_i = 0;
    unit->w_ready_i = 0;
    unit->b_valid_i = 0;
    unit->b_resp_i = 0;
    unit->b_id_i = kWriteId;
    unit->index_write_valid_i = 0;
    clocked.reset();
  }

  /// A burst that AW has shown.
  struct Open {
    Burst burst;
    unsigned beats = 0;  // taken
    bool address_taken = false;
    std::uint64_t response_from = 0;
  };

  void step() {
    this->drive_unit(encode_store);
    show_local_data();
    unit->b_valid_i = !open.empty() && open.front().address_taken &&
                      open.front().beats == open.front().burst.beats &&
                      open.front().response_from <= cycle && !chance(stalls.response);
    const bool error = responses == error_response_number;
    unit->b_resp_i = error ? error_response : 0;
    unit->w_ready_i = !chance(stalls.data);
    unit->aw_ready_i = address_ready == AddressReady::kAny && !chance(stalls.address);
    clocked.settle();
    if (address_ready == AddressReady::kAfterData) {
      const Open* oldest = nullptr;
      for (const Open& o : open) {
        if (!o.address_taken && oldest == nullptr) oldest = &o;
      }
      unit->aw_ready_i = oldest != nullptr && oldest->beats > 0;
      clocked.settle();
    }

    REQUIRE(unit->b_ready_o == 1);
    const auto completed_before = this->completions.size();
    this->observe_unit();
    if (this->completions.size() > completed_before) check_complete();
    observe_reads();
    const auto bursts_before = this->bursts.size();
    this->observe_address(unit->aw_valid_o, unit->aw_ready_i, unit->aw_o, kWriteId);
    if (this->bursts.size() > bursts_before) open.push_back({this->bursts.back()});
    if (unit->aw_valid_o && unit->aw_ready_i) {
      for (Open& o : open) {
        if (o.address_taken) continue;
        o.address_taken = true;
        break;
      }
    }
    observe_data();
    if (unit->b_valid_i) {
      if (error) error_burst = open.front().burst;
      ++responses;
      open.pop_front();
      --this->in_flight;
      response_cycles.push_back(cycle);
    }
    clocked.tick();
    ++cycle;
  }

  /// Data of a read come three cycles after it and stay; elements beyond the count are anything.
  void show_local_data() {
    std::vector<std::uint16_t> narrow(lanes);
    std::vector<std::uint32_t> wide(lanes);
    const Read& shown = reads[2];
    if (shown.valid) {
      for (std::uint32_t n = 0; n < lanes; ++n) {
        const auto value = n < shown.count
                               ? local_element(shown.target, shown.line, shown.column + n)
                               : static_cast<std::uint32_t>(this->random());
        narrow[n] = static_cast<std::uint16_t>(value);
        wide[n] = value;
      }
      if (shown.target == kScratchpad) {
        put_bytes(unit->scratchpad_read_data_i, narrow.data(), lanes * 2);
      } else {
        put_bytes(unit->accumulator_read_data_i, wide.data(), lanes * 4);
      }
    }
  }

  void observe_reads() {
    REQUIRE(unit->scratchpad_read_valid_o + unit->accumulator_read_valid_o <= 1);
    Read read;
    read.valid = unit->scratchpad_read_valid_o || unit->accumulator_read_valid_o;
    read.target = unit->scratchpad_read_valid_o ? kScratchpad : kAccumulator;
    const std::uint64_t request = unit->scratchpad_read_valid_o ? unit->scratchpad_read_request_o
                                                                : unit->accumulator_read_request_o;
    read.line = static_cast<std::uint32_t>(request);
    read.column = static_cast<std::uint32_t>(request >> 32 & 0xffu);
    read.count = static_cast<std::uint32_t>(request >> 40 & 0xffu);
    if (read.valid) {
      REQUIRE((request >> 48 & 1u) == 0);  // not transposed
      REQUIRE(read.count >= 1);
      REQUIRE(read.column + read.count <= lanes);
      read_cycles.push_back(cycle);
    }
    reads[2] = reads[1];
    reads[1] = reads[0];
    reads[0] = read;
  }

  void observe_data() {
    REQUIRE((unit->beat_o != 0) == (unit->w_valid_o && unit->w_ready_i));
    Open* burst = nullptr;  // the oldest one without all its data
    for (Open& o : open) {
      if (o.beats < o.burst.beats && burst == nullptr) burst = &o;
    }
    if (unit->w_valid_o) {
      REQUIRE(burst != nullptr);  // no data before their address
      REQUIRE((unit->w_last_o != 0) == (burst->beats + 1 == burst->burst.beats));
    }
    if (!unit->w_valid_o || !unit->w_ready_i) return;
    this->beat_cycles.push_back(cycle);
    std::vector<std::uint8_t> data(beat_bytes);
    get_bytes(unit->w_data_o, data.data(), beat_bytes);
    const std::uint64_t strobes = unit->w_strb_o;
    std::uint8_t* bytes = memory.at(burst->burst.address + burst->beats * beat_bytes, beat_bytes);
    for (unsigned n = 0; n < beat_bytes; ++n) {
      if ((strobes >> n & 1u) != 0) bytes[n] = data[n];
    }
    ++burst->beats;
    burst->response_from = cycle + stalls.latency;
  }

  /// Writes a block into what the memory should hold.
  void put(const Block& block, MemoryBytes& expected) const {
    for (const Element& e : elements_of(block, lanes)) {
      const std::uint32_t value = local_element(block.target, e.line, e.column);
      std::memcpy(expected.at(e.address, block.element_bytes()), &value, block.element_bytes());
    }
  }

  void check_complete() {
    const Block& block = blocks.at(this->completions.size() - 1);
    REQUIRE(this->completions.back().index == block.index);
    REQUIRE(this->completions.back().signal_tokens == block.signal_tokens);
    MemoryBytes expected = memory;
    put(block, expected);
    REQUIRE(expected.differences(memory) == 0);
  }

  void give(const std::vector<Block>& list) {
    blocks = list;
    this->commands.assign(list.begin(), list.end());
    for (const Block& block : list) write_indices(block.first_index, block.rows_at);
  }

  /// Beat by beat, as a load does; what fills the last beat is anything.
  void write_indices(std::uint32_t first, const std::vector<std::uint32_t>& indices) {
    const std::size_t words = beat_bytes / 4;
    for (std::size_t n = 0; n < indices.size(); n += words) {
      std::vector<std::uint32_t> beat(words, 0xdeadbeefu);
      std::copy_n(indices.begin() + static_cast<long>(n), std::min(words, indices.size() - n),
                  beat.begin());
      unit->index_write_valid_i = 1;
      unit->index_write_word_i = static_cast<std::uint16_t>(first + n);
      put_bytes(unit->index_write_data_i, beat.data(), beat_bytes);
      clocked.settle();
      clocked.tick();
    }
    unit->index_write_valid_i = 0;
  }

  void run_to_end() {
    while (this->completions.size() < blocks.size()) {
      REQUIRE(cycle < 4'000'000);
      step();
    }
    for (int n = 0; n < 10; ++n) step();
  }

  struct Read {
    bool valid = false;
    std::uint32_t target = 0, line = 0, column = 0, count = 0;
  };

  MemoryBytes memory;
  AddressReady address_ready = AddressReady::kAny;
  std::deque<Open> open;
  std::array<Read, 3> reads;
  std::uint64_t responses = 0, error_response_number = ~std::uint64_t{0};
  std::uint8_t error_response = 2;
  Burst error_burst;
  std::vector<Block> blocks;
  std::vector<std::uint64_t> read_cycles, response_cycles;
};

template <class Module>
std::vector<Burst> all_bursts(StoreBench<Module>& bench) {
  std::vector<Burst> bursts;
  for (const Block& block : bench.blocks) {
    for (const Burst& b : bursts_of(block, bench.beat_bytes, bench.unit->burst_beats_i)) {
      bursts.push_back(b);
    }
  }
  return bursts;
}

/// Bytes of the memory that are neither what they were nor what an element of a block is.
template <class Module>
std::size_t unexplained(StoreBench<Module>& bench, const MemoryBytes& before) {
  std::vector<bool> explained(before.bytes.size());
  for (std::size_t n = 0; n < explained.size(); ++n) {
    explained[n] = bench.memory.bytes[n] == before.bytes[n];
  }
  for (const Block& block : bench.blocks) {
    for (const Element& e : elements_of(block, bench.lanes)) {
      const std::uint32_t value = local_element(block.target, e.line, e.column);
      for (unsigned n = 0; n < block.element_bytes(); ++n) {
        const std::size_t at = e.address - before.base + n;
        if (bench.memory.bytes[at] == (value >> 8 * n & 0xffu)) explained[at] = true;
      }
    }
  }
  return static_cast<std::size_t>(std::count(explained.begin(), explained.end(), false));
}

template <class Module>
void store_random_blocks(unsigned bus_bits, unsigned lanes) {
  for (int run = 0; run < 12; ++run) {
    const unsigned seed = new_seed();
    INFO("bus " << bus_bits << ", lanes " << lanes << ", seed " << seed);
    StoreBench<Module> bench(bus_bits, lanes, seed);
    randomize(bench);
    bench.address_ready = run % 3 == 0 ? AddressReady::kAfterData : AddressReady::kAny;
    bench.give(random_blocks(5, kBase, lanes, false, bench.random));
    bench.unit->memory_limit_i = bench.memory.end();
    MemoryBytes expected = bench.memory;
    for (const Block& block : bench.blocks) bench.put(block, expected);
    bench.run_to_end();

    REQUIRE(bench.memory.differences(expected) == 0);
    const auto bursts = all_bursts(bench);
    REQUIRE(bench.bursts == bursts);
    REQUIRE(bench.events == bursts.size());
    REQUIRE(bench.faults.empty());
    REQUIRE(bench.unit->idle_o == 1);
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
  StoreBench<Vstore_128_8> bench(128, 8, seed);
  if (!cycle) randomize(bench);
  bench.stalls.command = 0;
  bench.give(random_blocks(4, kBase, 8, false, bench.random));
  const MemoryBytes before = bench.memory;
  const std::uint64_t stop_cycle = cycle ? *cycle : bench.random() % 1500;
  INFO("stop in cycle " << stop_cycle << ", seed " << seed);
  while (bench.cycle < stop_cycle && bench.completions.size() < 4) bench.step();
  const auto bursts = bench.bursts.size();
  const auto completions = bench.completions.size();
  const auto takes = bench.takes.size();
  const auto reads = bench.read_cycles.size();
  bench.unit->stop_i = 1;
  bench.step();  // a burst cut before is seen in this cycle
  REQUIRE(bench.bursts.size() <= bursts + 1);
  const auto last_bursts = bench.bursts.size();
  while (!bench.unit->idle_o) {
    REQUIRE(bench.cycle < 4'000'000);
    bench.step();
  }
  for (int n = 0; n < 100; ++n) bench.step();
  REQUIRE(bench.unit->idle_o == 1);
  REQUIRE(bench.unit->activity_o == static_cast<unsigned>(Activity::kIdle));
  REQUIRE(bench.open.empty());
  REQUIRE(bench.bursts.size() == last_bursts);
  REQUIRE(bench.read_cycles.size() == reads);
  REQUIRE(bench.completions.size() == completions);
  REQUIRE(bench.takes.size() == takes);
  REQUIRE(bench.faults.empty());
  REQUIRE(unexplained(bench, before) == 0);
}

}  // namespace

TEST_CASE("a store puts every byte in its place and touches nothing else") {
  SECTION("64 bits, 4 lanes") { store_random_blocks<Vstore_64_4>(64, 4); }
  SECTION("64 bits, 32 lanes") { store_random_blocks<Vstore_64_32>(64, 32); }
  SECTION("128 bits, 8 lanes") { store_random_blocks<Vstore_128_8>(128, 8); }
  SECTION("128 bits, 16 lanes") { store_random_blocks<Vstore_128_16>(128, 16); }
  SECTION("512 bits, 32 lanes") { store_random_blocks<Vstore_512_32>(512, 32); }
}

TEST_CASE("a long store gives a beat every cycle, also from one command to the next") {
  StoreBench<Vstore_128_8> bench(128, 8, 1);
  bench.stalls.latency = 20;
  Block first = long_block(), second = long_block();
  second.index = 2;
  second.address += 5 * 70 * 128;
  second.target = kAccumulator;
  second.columns = 150;
  bench.give({first, second});
  bench.run_to_end();
  const std::uint64_t beats = 2 * 5 * 70 * 8;
  REQUIRE(bench.beat_cycles.size() == beats);
  CHECK(bench.beat_cycles.back() - bench.beat_cycles.front() + 1 == beats);
}

TEST_CASE("a local read is of its own command, also where the next one has begun") {
  StoreBench<Vstore_128_8> bench(128, 8, 1);
  Block first = long_block(), second = long_block();
  second.index = first.index + 1;
  second.address += 5 * 70 * 128;
  second.target = kAccumulator;
  second.columns = 150;
  bench.give({first, second});
  std::array<int, 2> reads{};
  while (bench.completions.size() < 2) {
    REQUIRE(bench.cycle < 4'000'000);
    bench.step();
    if (!bench.reads[0].valid) continue;  // requested in the cycle that has just ended
    const bool of_second = bench.reads[0].target == kAccumulator;
    REQUIRE(bench.unit->fault_index_o == (of_second ? second : first).index);
    ++reads.at(of_second ? 1 : 0);
  }
  CHECK(reads[0] > 0);
  CHECK(reads[1] > 0);
}

TEST_CASE("the cycles of a short store are those of its header") {
  StoreBench<Vstore_128_8> bench(128, 8, 1);
  bench.stalls.latency = 3;
  Block block = long_block();
  block.rows = 2;
  block.columns = 12;  // beats of 8 and 4 elements, and six without any
  bench.unit->burst_beats_i = 4;
  bench.give({block});
  bench.run_to_end();
  const std::uint64_t t = bench.takes.at(0);
  // The first of 16 beats is read at t + 1 and on W from t + 5; reads only where there is a column.
  CHECK(bench.burst_cycles == std::vector<std::uint64_t>{t + 2, t + 3, t + 4, t + 5});
  CHECK(bench.read_cycles == std::vector<std::uint64_t>{t + 1, t + 2, t + 9, t + 10});
  CHECK(bench.beat_cycles.front() == t + 5);
  CHECK(bench.beat_cycles.back() == t + 20);
  CHECK(bench.response_cycles.back() == t + 23);
  CHECK(bench.completions.at(0).cycle == t + 24);
  // Waiting: AW in t + 2 .. t + 4, the response in t + 21 .. t + 23. Latency: t + 1 and t + 24.
  CHECK(bench.activities[static_cast<unsigned>(Activity::kLatency)] == 2);
  CHECK(bench.activities[static_cast<unsigned>(Activity::kWaitMemory)] == 6);
  CHECK(bench.activities[static_cast<unsigned>(Activity::kBusy)] == 16);
}

TEST_CASE("a store has as many bursts in flight as it may") {
  for (const unsigned limit : {1u, 2u, 7u, 16u}) {
    StoreBench<Vstore_64_4> bench(64, 4, 1);
    bench.stalls.latency = 100;
    bench.unit->burst_beats_i = 4;
    bench.unit->outstanding_limit_i = static_cast<std::uint8_t>(limit);
    bench.give({long_block()});
    bench.run_to_end();
    CHECK(bench.most_in_flight == limit);
  }
}

TEMPLATE_TEST_CASE("an error response to a store is a fault, and the rest is drained", "",
                   Vstore_128_8, Vstore_128_16) {
  const unsigned lanes = std::is_same_v<TestType, Vstore_128_8> ? 8 : 16;
  for (int run = 0; run < 10; ++run) {
    const unsigned seed = new_seed();
    INFO("seed " << seed);
    StoreBench<TestType> bench(128, lanes, seed);
    randomize(bench);
    bench.give(random_blocks(4, kBase, lanes, false, bench.random));
    const MemoryBytes before = bench.memory;
    bench.error_response_number = bench.random() % all_bursts(bench).size();
    bench.error_response = 2 + bench.random() % 2;
    while (bench.faults.empty()) {
      REQUIRE(bench.cycle < 4'000'000);
      bench.step();
    }
    REQUIRE(bench.faults[0].cause == kWriteError);
    REQUIRE(bench.faults[0].address == bench.error_burst.address);
    REQUIRE(bench.faults[0].cycle == bench.response_cycles.at(bench.error_response_number) + 1);
    const auto bursts = bench.bursts.size();
    while (!bench.unit->idle_o) {
      REQUIRE(bench.cycle < 4'000'000);
      bench.step();
    }
    for (int n = 0; n < 100; ++n) bench.step();
    REQUIRE(bench.unit->idle_o == 1);
    REQUIRE(bench.open.empty());  // all data sent, all responses in
    REQUIRE(bench.bursts.size() == bursts);
    REQUIRE(bench.faults.size() == 1);
    REQUIRE(unexplained(bench, before) == 0);
    std::uint64_t end = 0;
    std::size_t complete = 0;
    for (const Block& block : bench.blocks) {
      end += bursts_of(block, 16, bench.unit->burst_beats_i).size();
      if (end <= bench.error_response_number) ++complete;
    }
    REQUIRE(bench.completions.size() == complete);
  }
}

TEST_CASE(
    "a store up to the memory limit is well, a byte less is a fault at the burst that crosses it") {
  Block block = long_block();
  const std::uint64_t end = block.address + 5 * 70 * 128;
  {
    StoreBench<Vstore_64_4> bench(64, 4, 1);
    bench.unit->memory_limit_i = end;
    bench.give({block});
    bench.run_to_end();
    CHECK(bench.faults.empty());
  }
  for (int run = 0; run < 10; ++run) {
    const unsigned seed = new_seed();
    INFO("seed " << seed);
    StoreBench<Vstore_64_4> bench(64, 4, seed);
    randomize(bench);
    bench.unit->memory_limit_i = run == 0 ? end - 1 : kBase + bench.random() % (end - kBase);
    bench.give({block});
    const auto bursts = all_bursts(bench);
    std::size_t within = 0;
    while (bursts[within].address + bursts[within].beats * 8 <= bench.unit->memory_limit_i) {
      ++within;
    }
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
    REQUIRE(bench.open.empty());
  }
}

TEST_CASE("a response to no burst whose data is sent is a fault and completes nothing") {
  enum class When { kNothingInFlight, kBeforeTheAddress, kBeforeTheData, kOfAnotherId };
  for (const When when : {When::kNothingInFlight, When::kBeforeTheAddress, When::kBeforeTheData,
                          When::kOfAnotherId}) {
    INFO("case " << static_cast<int>(when));
    StoreBench<Vstore_64_4> bench(64, 4, 1);
    bench.unit->burst_beats_i = 16;
    bench.stalls.latency = 1000;  // no response by itself
    bench.stalls.address = when == When::kBeforeTheAddress ? 100 : 0;
    bench.stalls.data = when == When::kBeforeTheData ? 100 : 0;
    Block row;
    row.address = kBase;
    row.columns = 4;
    if (when != When::kNothingInFlight) bench.give({row});
    for (int n = 0; n < 100; ++n) bench.step();
    REQUIRE(bench.faults.empty());
    REQUIRE(bench.open.size() == (when == When::kNothingInFlight ? 0 : 1));
    bench.unit->b_id_i = when == When::kOfAnotherId ? 1 : kWriteId;
    bench.unit->b_valid_i = 1;
    bench.clocked.settle();
    bench.clocked.tick();
    bench.unit->b_valid_i = 0;
    bench.clocked.settle();
    CHECK(fault_valid(bench.unit->fault_o));
    CHECK(fault_cause(bench.unit->fault_o) == kBadResponse);
    for (int n = 0; n < 10; ++n) {
      CHECK((bench.unit->completion_o >> 48 & 1u) == 0);
      bench.clocked.tick();
    }
    CHECK(bench.unit->command_ready_o == 0);
  }
}

TEST_CASE("stop: a store finishes the bursts that it announced and does nothing more") {
  // Every cycle of the beginning, with queues empty and filling, and some later ones.
  for (std::uint64_t cycle = 0; cycle < 60; ++cycle) stop_in_the_middle(cycle);
  for (int run = 0; run < 30; ++run) stop_in_the_middle(std::nullopt);
}

namespace {

/// Rows of a matrix of ten rows of 65 BF16 columns, so of two panels; all in pieces of their own,
/// which lie 4 KiB apart, or in one.
Block scatter_of(const std::vector<std::uint32_t>& rows_at, bool contiguous) {
  Block scatter;
  scatter.rows_at = rows_at;
  scatter.rows = static_cast<std::uint32_t>(rows_at.size());
  scatter.limit = 10;
  scatter.first_index = 5;
  scatter.columns = 65;
  scatter.address = kBase;
  scatter.row_pitch = contiguous ? 384 : 128;
  scatter.panel_stride = contiguous ? 128 : 4096;
  scatter.line = 100;
  scatter.line_stride = 20;
  scatter.index = 77;
  return scatter;
}

}  // namespace

TEST_CASE("the cycles of a short scatter are those of its header") {
  StoreBench<Vstore_128_8> bench(128, 8, 1);
  bench.stalls.latency = 3;
  SECTION("rows of one piece, a product of one cycle") {
    bench.give({scatter_of({2, 0, 1}, true)});
    bench.run_to_end();
    const std::uint64_t t = bench.takes.at(0);
    CHECK(bench.bursts == std::vector<Burst>{{kBase + 768, 16}, {kBase, 16}, {kBase + 384, 16}});
    CHECK(bench.burst_cycles == std::vector<std::uint64_t>{t + 6, t + 8, t + 10});
    // Reads begin in t + 1 and go on when beats leave; a beat is on W a cycle after its burst is
    // cut, and then one a cycle.
    CHECK(bench.read_cycles.front() == t + 1);
    CHECK(bench.beat_cycles.front() == t + 6);
    CHECK(bench.beat_cycles.back() == t + 6 + 47);
    CHECK(bench.completions.at(0).cycle == t + 57);
  }
  SECTION("rows of two pieces, a product of three cycles") {
    Block scatter = scatter_of({2, 0}, false);
    scatter.row_pitch = 0x1000;  // 32 panel rows, 6 bits
    scatter.panel_stride = 0x10000;
    bench.give({scatter});
    bench.run_to_end();
    const std::uint64_t t = bench.takes.at(0);
    CHECK(bench.bursts ==
          std::vector<Burst>{
              {kBase + 0x2000, 8}, {kBase + 0x12000, 8}, {kBase, 8}, {kBase + 0x10000, 8}});
    CHECK(bench.burst_cycles == std::vector<std::uint64_t>{t + 8, t + 9, t + 12, t + 13});
  }
}

TEST_CASE("of two rows with one index the later one stays") {
  StoreBench<Vstore_128_8> bench(128, 8, 1);
  bench.give({scatter_of({3, 7, 3}, true)});
  bench.run_to_end();
  CHECK(bench.memory.element(kBase + 3 * 384 + 2, 2) ==
        (local_element(kScratchpad, 102, 1) & 0xffffu));
  CHECK(bench.memory.element(kBase + 7 * 384 + 2, 2) ==
        (local_element(kScratchpad, 101, 1) & 0xffffu));
}

TEST_CASE("a scatter with a bad index or place writes none of that row, nor of those after it") {
  struct Case {
    std::vector<std::uint32_t> rows_at;
    std::uint32_t first_index;
    std::uint64_t address;
    std::size_t rows_before;
  };
  for (const Case& c : {Case{{10, 1, 2}, 5, 10, 0}, Case{{1, 0xffff'ffff, 2}, 5, 0xffff'ffff, 1},
                        Case{{1, 2, 10}, 5, 10, 2}, Case{{1, 2, 3}, 1023, 1024, 1},
                        Case{{1, 2, 3}, 1025, 1025, 0}}) {
    INFO("fault " << c.address << " after " << c.rows_before << " rows");
    StoreBench<Vstore_128_8> bench(128, 8, 1);
    Block scatter = scatter_of(c.rows_at, true);
    scatter.first_index = c.first_index;
    bench.give({scatter});
    const MemoryBytes before = bench.memory;
    while (bench.faults.empty() || !bench.unit->idle_o) {
      REQUIRE(bench.cycle < 10'000);
      bench.step();
    }
    for (int n = 0; n < 50; ++n) bench.step();
    REQUIRE(bench.faults.size() == 1);
    CHECK(bench.faults[0].cause == kIndexRange);
    CHECK(bench.faults[0].address == c.address);
    CHECK(bench.bursts.size() == c.rows_before);
    CHECK(bench.open.empty());
    CHECK(bench.completions.empty());
    bench.blocks[0].rows_at.resize(c.rows_before);
    bench.blocks[0].rows = static_cast<std::uint32_t>(c.rows_before);
    CHECK(unexplained(bench, before) == 0);
  }
}

TEST_CASE("a scatter of rows of 1 KiB keeps the bus busy behind a latency of 100 cycles") {
  StoreBench<Vstore_512_32> bench(512, 32, 1);
  bench.stalls.latency = 100;
  bench.unit->burst_beats_i = 256;
  Block scatter;
  scatter.rows = 400;
  scatter.limit = 400;
  scatter.columns = 512;
  scatter.address = kBase;
  scatter.row_pitch = 1024;
  scatter.panel_stride = 128;
  scatter.line_stride = 400;
  for (std::uint32_t row = 0; row < scatter.rows; ++row) {
    scatter.rows_at.push_back(row * 37 % 400);
  }
  bench.give({scatter});
  bench.run_to_end();
  CHECK(bench.beat_cycles.back() - bench.beat_cycles.front() + 1 == 400 * 16);
}
