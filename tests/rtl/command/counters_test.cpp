#include <Vcounters.h>

#include <catch2/catch.hpp>
#include <vector>

#include "clocked.h"
#include "events.h"
#include "rtl/interface/interface.h"

namespace corank::test {

namespace {

using interface::Counter;

constexpr std::uint32_t kMacs = 32 * 32, kMemoryLanes = 32, kElements = 4 * kMemoryLanes,
                        kLanes = 8;  // as verilated
constexpr std::size_t kUnits = 5, kActivities = interface::kActivityNames.size();

struct Counters : Clocked<Vcounters> {
  Counters() {
    module->counting_i = module->clear_i = module->read_i = 0;
    module->activities_i = 0;
    module->completed_i = 0;
    Events().give(module->events_i);
    module->macs_i = 0;
    reset();
  }

  /// The most that a cycle can bring, for some of the counters.
  void everything(std::uint32_t kind, Counter computed) {
    Events events;
    events.slot = events.row = events.computes = true;
    events.kind = kind;
    events.transfers = 63;
    events.elements.fill(kElements);
    events.decoded = kMemoryLanes;
    events.computed = static_cast<std::uint32_t>(computed);
    events.computed_elements = kLanes;
    events.give(module->events_i);
    module->macs_i = kMacs;
    module->completed_i = 15;
  }

  /// Six cycles; the value has the events of the first two.
  std::uint64_t read(std::size_t counter) {
    module->read_i = 1;
    tick();
    module->read_i = 0;
    tick();
    module->read_index_i = static_cast<std::uint8_t>(counter);
    tick();
    settle();
    CHECK_FALSE(module->read_valid_o);
    tick();
    settle();
    CHECK(module->read_valid_o);
    const std::uint64_t value = module->read_value_o;
    tick();
    tick();
    return value;
  }
  std::uint64_t read(Counter counter) { return read(static_cast<std::size_t>(counter)); }
};

}  // namespace

TEST_CASE("A counter carries into its high word") {
  Counters counters;
  Events row;
  row.slot = row.row = true;
  row.give(counters->events_i);
  counters->macs_i = kMacs;
  counters->counting_i = 1;
  constexpr std::uint64_t kCycles = (1u << 22) + 70;  // times 1024 is more than 2^32
  for (std::uint64_t i = 0; i < kCycles; ++i) counters.tick();
  counters->counting_i = 0;
  counters.tick();
  CHECK(counters.read(Counter::kGemmMacs0) == kCycles * kMacs);
  CHECK(counters.read(Counter::kGemmSlots0) == kCycles);
}

TEST_CASE("A read has every event up to the cycle after the one in which it is asked for") {
  Counters counters;
  counters->counting_i = 1;
  // Each read takes six cycles, which count.
  for (std::uint64_t reads = 0; reads < 200; ++reads) {
    CHECK(counters.read(Counter::kCycles) == 6 * reads + 2);
  }
}

TEST_CASE("No counter loses anything, however often it or another one is read") {
  // The sums are as wide as the longest wait for the sweep demands; every read makes it wait.
  Counters counters;
  counters.everything(3, Counter::kVectorDivides);
  counters->counting_i = 1;
  std::uint64_t cycles = 0;
  for (std::size_t i = 0; i < 5 * interface::kCounters; ++i) {
    counters.read(i * 7 % interface::kCounters);
    cycles += 6;
  }
  // The same counter all the time: the sweep must get past it.
  for (std::size_t i = 0; i < 2 * interface::kCounters; ++i) {
    counters.read(Counter::kGemmMacs0);
    cycles += 6;
  }
  counters->counting_i = 0;
  counters.tick();
  const auto macs = static_cast<std::size_t>(Counter::kGemmMacs0);
  const auto slots = static_cast<std::size_t>(Counter::kGemmSlots0);
  CHECK(counters.read(macs + 3) == cycles * kMacs);
  CHECK(counters.read(macs + 2) == 0);
  CHECK(counters.read(slots + 3) == cycles);
  CHECK(counters.read(Counter::kCycles) == cycles);
  CHECK(counters.read(Counter::kCommandsStore) == cycles);
  CHECK(counters.read(Counter::kFetchBursts) == cycles);
  CHECK(counters.read(Counter::kStoreBeats) == cycles);
  CHECK(counters.read(Counter::kDecodedElements) == cycles * kMemoryLanes);
  CHECK(counters.read(Counter::kScratchpadReadBytes) == cycles * kElements * 2);
  CHECK(counters.read(Counter::kScratchpadWriteBytes) == cycles * kElements * 2);
  CHECK(counters.read(Counter::kAccumulatorReadBytes) == cycles * kElements * 4);
  CHECK(counters.read(Counter::kAccumulatorWriteBytes) == cycles * kElements * 4);
  CHECK(counters.read(Counter::kVectorDivides) == cycles * kLanes);
  CHECK(counters.read(Counter::kVectorAdds) == 0);
  for (std::size_t unit = 0; unit < kUnits; ++unit) {
    CHECK(counters.read(unit * kActivities) == cycles);  // idle
    CHECK(counters.read(unit * kActivities + 1) == 0);
  }
}

TEST_CASE("Clearing takes every counter back, wherever the sweep is") {
  for (int phase = 0; phase < 200; ++phase) {
    Counters counters;
    counters.everything(0, Counter::kVectorAdds);
    counters->counting_i = 1;
    for (int i = 0; i < 300 + phase; ++i) counters.tick();
    counters->clear_i = 1;
    counters.tick();  // what happens in it is cleared too
    counters->clear_i = 0;
    for (int i = 0; i < 3; ++i) counters.tick();
    counters->counting_i = 0;
    counters.tick();
    CHECK(counters.read(Counter::kGemmMacs0) == 3 * kMacs);
    CHECK(counters.read(Counter::kCycles) == 3);
    CHECK(counters.read(Counter::kVectorAdds) == 3 * kLanes);
  }
}

}  // namespace corank::test
