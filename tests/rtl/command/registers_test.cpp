#include <Vregisters.h>

#include <array>
#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include "clocked.h"
#include "events.h"
#include "register_reads.h"
#include "rtl/interface/interface.h"

namespace corank::test {

namespace {

using namespace interface;  // NOLINT: the names of the registers

constexpr unsigned kUnits = 5, kActivities = kActivityNames.size();
constexpr std::uint32_t kOkay = 0, kSlverr = 2;
enum State : std::uint32_t { kStopped, kRunning, kStopping, kFaulted };

struct Read {
  std::uint32_t data, resp;
};

struct Registers : Clocked<Vregisters> {
  Registers() {
    module->awvalid_i = module->wvalid_i = module->bready_i = 0;
    module->arvalid_i = module->rready_i = 0;
    module->ring_head_i = 0;
    module->stream_released_i = 0;
    quiet();
    reset();
  }

  /// Nothing happens: every unit idle, no event.
  void quiet() {
    module->activities_i = 0;
    module->waiting_i = 0;
    module->completed_i = 0;
    module->halt_done_i = module->in_program_i = 0;
    module->command_idle_i = module->units_idle_i = module->queues_empty_i = 1;
    for (unsigned unit = 0; unit < kUnits; ++unit) {
      set_bits(module->current_index_i, 32 * unit, 32, 0);
      set_bits(module->fault_index_i, 32 * unit, 32, 0);
      set_bits(module->faults_i, kFaultBits * unit, kFaultBits, 0);
    }
    Events().give(module->events_i);
    module->macs_i = 0;
  }

  void fault(Unit unit, Fault cause, std::uint32_t index, std::uint64_t address) {
    const auto u = static_cast<unsigned>(unit);
    set_bits(module->faults_i, kFaultBits * u, kFaultBits,
             pack_fault(static_cast<std::uint32_t>(cause), address));
    set_bits(module->fault_index_i, 32 * u, 32, index);
  }

  /// Two cycles: taken in the first, answered in the second.
  std::uint32_t write(std::uint32_t offset, std::uint32_t data) {
    module->awvalid_i = module->wvalid_i = 1;
    module->awaddr_i = static_cast<std::uint16_t>(offset);
    module->wdata_i = data;
    settle();
    REQUIRE(module->awready_o);
    REQUIRE(module->wready_o);
    REQUIRE_FALSE(module->bvalid_o);
    tick();
    module->awvalid_i = module->wvalid_i = 0;
    module->bready_i = 1;
    settle();
    REQUIRE(module->bvalid_o);
    const std::uint32_t resp = module->bresp_o;
    tick();
    module->bready_i = 0;
    settle();
    REQUIRE_FALSE(module->bvalid_o);
    return resp;
  }

  /// Taken in the first cycle, answered in the fourth, or of a counter in the seventh.
  Read read_with_response(std::uint32_t offset) {
    module->arvalid_i = 1;
    module->araddr_i = static_cast<std::uint16_t>(offset);
    settle();
    REQUIRE(module->arready_o);
    REQUIRE_FALSE(module->rvalid_o);
    tick();
    module->arvalid_i = 0;
    module->rready_i = 1;
    for (int cycle = 0; cycle < corank::test::cycles_to_answer(offset); ++cycle) {
      settle();
      REQUIRE_FALSE(module->arready_o);
      REQUIRE_FALSE(module->rvalid_o);
      tick();
    }
    settle();
    REQUIRE(module->rvalid_o);
    const Read read{module->rdata_o, module->rresp_o};
    tick();
    module->rready_i = 0;
    settle();
    REQUIRE_FALSE(module->rvalid_o);
    return read;
  }

  std::uint32_t read(std::uint32_t offset) {
    const Read read = read_with_response(offset);
    REQUIRE(read.resp == kOkay);
    return read.data;
  }

  std::uint64_t counter(std::size_t index) {
    const auto offset = static_cast<std::uint32_t>(kRegCounters + 8 * index);
    return read(offset) | static_cast<std::uint64_t>(read(offset + 4)) << 32;
  }
  std::uint64_t counter(Counter index) { return counter(static_cast<std::size_t>(index)); }

  std::uint32_t state() { return read(kRegStatus) & 3u; }
};

/// Reset values for the parameters' defaults; the second number is the bits that a write can
/// change.
struct Register {
  std::uint32_t offset, reset, writable;
};
const std::vector<Register> kRegisters = {
    {kRegIdentity, 0x434F'524B, 0},
    {kRegInterfaceVersion, kInterfaceVersion, 0},
    {kRegArrayShape, 8u << 16 | 8u, 0},
    {kRegLanes, 1u << 31 | 8u << 16 | 8u, 0},
    {kRegScratchpadLines, 4096, 0},
    {kRegAccumulatorLines, 2048, 0},
    {kRegBanks, 4u << 16 | 8u, 0},
    {kRegAxiShape, 4u << 16 | 128u, 0},
    {kRegControl, 0, 0x0000'0001},
    {kRegStatus, 4, 0},  // stopped and idle
    {kRegInterruptStatus, 0, 0},
    {kRegInterruptEnable, 0, 0x0000'0003},
    {kRegFault, 0, 0},
    {kRegFaultCommand, 0, 0},
    {kRegFaultAddressLo, 0, 0},
    {kRegFaultAddressHi, 0, 0},
    {kRegRingBaseLo, 0, 0xffff'ffff},
    {kRegRingBaseHi, 0, 0x0000'ffff},
    {kRegRingEntries, 0, 0xffff'ffff},
    {kRegRingTail, 0, 0xffff'ffff},
    {kRegRingHead, 0, 0},
    {kRegMemoryLimitLo, 0, 0xffff'ffff},
    {kRegMemoryLimitHi, 0, 0x0000'ffff},
    {kRegBurstLimits, 256u << 16 | 16u, 0},  // clamps: a test of its own
    {kRegCompleted, 0, 0},
    {kRegProgress, 0, 0},
    {kRegStreamWritten, 0, 0xffff'ffff},
    {kRegStreamReleased, 0, 0},
    {kRegUnitStateCommand, 0, 0},
    {kRegUnitStateLoad, 0, 0},
    {kRegUnitStateArray, 0, 0},
    {kRegUnitStateVector, 0, 0},
    {kRegUnitStateStore, 0, 0},
    {kRegUnitCommandCommand, 0, 0},
    {kRegUnitCommandLoad, 0, 0},
    {kRegUnitCommandArray, 0, 0},
    {kRegUnitCommandVector, 0, 0},
    {kRegUnitCommandStore, 0, 0}};

bool takes_writes(std::uint32_t offset) {
  static const std::set<std::uint32_t> kOffsets = {
      kRegControl,       kRegInterruptStatus, kRegInterruptEnable, kRegRingBaseLo,
      kRegRingBaseHi,    kRegRingEntries,     kRegRingTail,        kRegMemoryLimitLo,
      kRegMemoryLimitHi, kRegBurstLimits,     kRegStreamWritten};
  return kOffsets.count(offset) != 0;
}

}  // namespace

TEST_CASE("Registers have their reset values and keep what may be written") {
  for (const Register& reg : kRegisters) {
    INFO("offset " << reg.offset);
    Registers registers;
    CHECK(registers.read(reg.offset) == reg.reset);
    if (reg.offset == kRegBurstLimits) continue;
    // Bits 1 and 2 of control stay 0: they reset and clear.
    for (const std::uint32_t value : {0xffff'fff9u, 0x5a5a'5a59u, 0u}) {
      CHECK(registers.write(reg.offset, value) == (takes_writes(reg.offset) ? kOkay : kSlverr));
      CHECK(registers.read(reg.offset) == ((reg.reset & ~reg.writable) | (value & reg.writable)));
      if (reg.offset == kRegControl && value != 0) registers.write(kRegControl, 0);
    }
  }
}

TEST_CASE("Offsets without a register answer SLVERR, read 0 and change nothing") {
  Registers registers;
  std::set<std::uint32_t> known;
  for (const Register& reg : kRegisters) known.insert(reg.offset);
  for (std::uint32_t counter = 0; counter < 2 * kCounters; ++counter)
    known.insert(kRegCounters + 4 * counter);
  std::map<std::uint32_t, std::uint32_t> before;
  for (const std::uint32_t offset : known) before[offset] = registers.read(offset);
  int unknown = 0;
  for (std::uint32_t offset = 0; offset < 0x1000; ++offset) {
    if (known.count(offset) != 0) continue;
    ++unknown;
    const Read read = registers.read_with_response(offset);
    REQUIRE(read.resp == kSlverr);
    REQUIRE(read.data == 0);
    REQUIRE(registers.write(offset, 0xffff'ffff) == kSlverr);
  }
  CHECK(unknown > 3000);
  for (const std::uint32_t offset : known) CHECK(registers.read(offset) == before[offset]);
}

TEST_CASE("Values reach the machine's side") {
  Registers registers;
  registers.write(kRegRingBaseLo, 0x8765'4000);
  registers.write(kRegRingBaseHi, 0xffff'1234);
  registers.write(kRegRingEntries, 1024);
  registers.write(kRegRingTail, 77);
  registers.write(kRegMemoryLimitLo, 0x0bad'cafe);
  registers.write(kRegMemoryLimitHi, 0x0000'4321);
  registers.write(kRegControl, 1);
  CHECK(registers->ring_base_o == 0x1234'8765'4000);
  CHECK(registers->ring_mask_o == 1023);
  CHECK(registers->ring_tail_o == 77);
  CHECK(registers->memory_limit_o == 0x4321'0bad'cafe);
  CHECK(registers->enable_o);
  CHECK_FALSE(registers->stop_o);
}

TEST_CASE("A ring that cannot be right is found in the cycle in which it is written") {
  struct Case {
    std::uint32_t base, entries, head, tail;
    bool is_long, is_odd;
  };
  for (const Case& c :
       {Case{0x1000, 64, 0, 64, false, false}, Case{0x1000, 64, 0, 65, true, false},
        Case{0x1000, 64, 10, 74, false, false}, Case{0x1000, 64, 10, 75, true, false},
        Case{0x1000, 64, 1, 0, true, false},              // a tail behind the head
        Case{0x1000, 64, 0xffff'ffff, 63, false, false},  // across the end of the count
        Case{0x1000, 0, 0, 1, true, false},               // no ring
        Case{0x1000, 48, 0, 1, false, true}, Case{0x1040, 64, 0, 1, false, true},
        Case{0x1001, 64, 0, 1, false, true}, Case{0x1800, 64, 0, 1, false, true}}) {
    for (const bool tail_first : {false, true}) {
      INFO(c.base << " " << c.entries << " " << c.head << " " << c.tail);
      Registers registers;
      registers->ring_head_i = c.head;
      registers.write(kRegRingTail, tail_first ? c.tail : c.head);
      registers.write(kRegRingBaseLo, c.base);
      registers.write(kRegRingEntries, c.entries);
      if (!tail_first) registers.write(kRegRingTail, c.tail);
      CHECK(registers->ring_long_o == c.is_long);
      CHECK(registers->ring_odd_o == c.is_odd);
      registers.write(kRegRingBaseLo, 0x2000);
      registers.write(kRegRingEntries, 0x8000'0000);
      registers.write(kRegRingTail, c.head);
      CHECK_FALSE(registers->ring_long_o);
      CHECK_FALSE(registers->ring_odd_o);
    }
  }
}

TEST_CASE("Burst limits out of range become the nearest in range") {
  struct Case {
    std::uint32_t outstanding, beats, kept_outstanding, kept_beats;
  };
  Registers registers;
  for (const Case& c : {Case{0, 0, 1, 1}, Case{1, 1, 1, 1}, Case{16, 256, 16, 256},
                        Case{17, 257, 16, 256}, Case{255, 511, 16, 256}, Case{5, 64, 5, 64}}) {
    registers.write(kRegBurstLimits, c.beats << 16 | c.outstanding);
    CHECK(registers.read(kRegBurstLimits) == (c.kept_beats << 16 | c.kept_outstanding));
    CHECK(registers->outstanding_limit_o == c.kept_outstanding);
    CHECK(registers->burst_beats_o == c.kept_beats);
  }
}

TEST_CASE("A write waits for address and data, whichever comes first") {
  for (const bool address_first : {false, true}) {
    Registers registers;
    registers->awaddr_i = kRegRingEntries;
    registers->wdata_i = 4;
    registers->awvalid_i = address_first ? 1 : 0;
    registers->wvalid_i = address_first ? 0 : 1;
    registers.settle();
    CHECK(registers->awready_o);
    CHECK(registers->wready_o);
    registers.tick();
    // What has come is kept; its channel waits for the other one.
    registers->awaddr_i = kRegRingTail;
    registers->wdata_i = 9;
    registers->awvalid_i = registers->wvalid_i = 0;
    for (int i = 0; i < 3; ++i) {
      registers.settle();
      CHECK(registers->awready_o == !address_first);
      CHECK(registers->wready_o == address_first);
      CHECK_FALSE(registers->bvalid_o);
      CHECK(registers->ring_mask_o == 0xffff'ffff);
      registers.tick();
    }
    registers->awaddr_i = kRegRingEntries;
    registers->wdata_i = address_first ? 4 : 9;
    registers->awvalid_i = address_first ? 0 : 1;
    registers->wvalid_i = address_first ? 1 : 0;
    registers.settle();
    registers.tick();
    registers->awvalid_i = registers->wvalid_i = 0;
    registers.settle();
    CHECK(registers->bvalid_o);
    CHECK(registers->ring_mask_o == 3);
    CHECK(registers->ring_tail_o == 0);
  }
}

TEST_CASE("Readiness does not depend on what is offered") {
  Registers registers;
  for (int offered = 0; offered < 8; ++offered) {
    registers->awvalid_i = offered & 1;
    registers->wvalid_i = offered >> 1 & 1;
    registers->arvalid_i = offered >> 2 & 1;
    registers->bready_i = registers->rready_i = offered & 1;
    registers.settle();
    CHECK(registers->awready_o);
    CHECK(registers->wready_o);
    CHECK(registers->arready_o);
  }
}

TEST_CASE("Both responses wait for their taker") {
  Registers registers;
  registers->awvalid_i = registers->wvalid_i = 1;
  registers->awaddr_i = kRegRingEntries;
  registers->wdata_i = 4;
  registers.settle();
  registers.tick();
  registers->wdata_i = 8;  // the next write waits behind the response
  for (int i = 0; i < 3; ++i) {
    registers.settle();
    CHECK(registers->bvalid_o);
    CHECK_FALSE(registers->awready_o);
    CHECK_FALSE(registers->wready_o);
    CHECK(registers->ring_mask_o == 3);
    registers.tick();
  }
  registers->bready_i = 1;
  registers.settle();
  registers.tick();
  registers.settle();
  CHECK(registers->awready_o);
  registers.tick();
  registers->awvalid_i = registers->wvalid_i = 0;
  registers.settle();
  CHECK(registers->ring_mask_o == 7);
  registers.tick();

  registers->arvalid_i = 1;
  registers->araddr_i = kRegRingEntries;
  registers.settle();
  CHECK(registers->arready_o);
  registers.tick();
  registers->araddr_i = kRegIdentity;
  registers.tick();
  registers.tick();
  for (int i = 0; i < 3; ++i) {
    registers.settle();
    CHECK(registers->rvalid_o);
    CHECK(registers->rdata_o == 8);
    CHECK_FALSE(registers->arready_o);
    registers.tick();
  }
}

TEST_CASE("The units' state can be read") {
  Registers registers;
  for (unsigned unit = 0; unit < kUnits; ++unit) {
    const std::uint32_t activity = unit;  // each another
    registers->activities_i |= static_cast<std::uint16_t>(activity << (3 * unit));
    registers->waiting_i |= std::uint64_t{10 + unit} << (8 * unit);
    set_bits(registers->current_index_i, 32 * unit, 32, 0x1000'0000u * (unit + 1) + 7);
  }
  registers->ring_head_i = 0x1234'5678;
  for (unsigned unit = 0; unit < kUnits; ++unit) {
    CHECK(registers.read(kRegUnitStateCommand + 4 * unit) == ((10 + unit) << 8 | unit));
    CHECK(registers.read(kRegUnitCommandCommand + 4 * unit) == 0x1000'0000u * (unit + 1) + 7);
  }
  CHECK(registers.read(kRegRingHead) == 0x1234'5678);
}

TEST_CASE("Done is raised by a halt, seen on the line only if enabled, and cleared by writing 1") {
  Registers registers;
  registers->halt_done_i = 1;
  registers.settle();
  registers.tick();
  registers->halt_done_i = 0;
  registers.settle();
  CHECK(registers.read(kRegInterruptStatus) == 1);
  CHECK_FALSE(registers->irq_o);
  registers.write(kRegInterruptEnable, 2);
  CHECK_FALSE(registers->irq_o);
  registers.write(kRegInterruptEnable, 1);
  CHECK(registers->irq_o);
  registers.write(kRegInterruptStatus, 2);
  CHECK(registers.read(kRegInterruptStatus) == 1);
  registers.write(kRegInterruptStatus, 1);
  CHECK(registers.read(kRegInterruptStatus) == 0);
  CHECK_FALSE(registers->irq_o);
}

TEST_CASE("A halt in the cycle in which done is cleared is not lost") {
  Registers registers;
  registers->awvalid_i = registers->wvalid_i = registers->bready_i = 1;
  registers->awaddr_i = kRegInterruptStatus;
  registers->wdata_i = 1;
  registers->halt_done_i = 1;
  registers.settle();
  REQUIRE(registers->awready_o);
  registers.tick();
  registers->awvalid_i = registers->wvalid_i = 0;
  registers->halt_done_i = 0;
  registers.settle();
  registers.tick();
  CHECK(registers.read(kRegInterruptStatus) == 1);
}

TEST_CASE("The first fault is kept, of several in one cycle that of the lowest unit") {
  Registers registers;
  registers.write(kRegControl, 1);
  registers.write(kRegInterruptEnable, 2);
  registers->units_idle_i = 0;
  CHECK(registers.state() == kRunning);
  registers.fault(Unit::kStore, Fault::kWriteError, 90, 0x1111'0000'0040);
  registers.fault(Unit::kArray, Fault::kLocalRange, 42, 0x0000'0012'3456);
  registers.fault(Unit::kVector, Fault::kBankConflict, 41, 3);
  registers.settle();
  CHECK_FALSE(registers->stop_o);
  registers.tick();
  registers.quiet();
  registers->units_idle_i = 0;
  registers.settle();
  CHECK(registers->stop_o);
  CHECK(registers.state() == kStopping);
  registers.fault(Unit::kCommand, Fault::kFetchError, 1, 2);  // too late
  registers.settle();
  registers.tick();
  registers.quiet();
  registers->units_idle_i = 0;
  CHECK(registers.read(kRegFault) == (static_cast<std::uint32_t>(Unit::kArray) << 8 |
                                      static_cast<std::uint32_t>(Fault::kLocalRange)));
  CHECK(registers.read(kRegFaultCommand) == 42);
  CHECK(registers.read(kRegFaultAddressLo) == 0x0012'3456);
  CHECK(registers.read(kRegFaultAddressHi) == 0);
  CHECK(registers.state() == kStopping);
  CHECK_FALSE(registers->irq_o);

  registers->queues_empty_i = 0;  // what is queued is abandoned
  registers->units_idle_i = 1;
  registers.settle();
  registers.tick();
  registers.settle();
  CHECK(registers->irq_o);
  CHECK(registers->stop_o);
  CHECK(registers.state() == kFaulted);
  CHECK(registers.read(kRegInterruptStatus) == 2);
}

TEST_CASE("The fault register holds every unit, cause and 48-bit address") {
  for (std::uint32_t unit = 0; unit < kUnits; ++unit) {
    Registers registers;
    registers.fault(static_cast<Unit>(unit), Fault::kIllegalInstruction, 1000 + unit,
                    0xfedc'ba98'7654);
    registers.settle();
    registers.tick();
    registers.quiet();
    CHECK(registers.read(kRegFault) ==
          (unit << 8 | static_cast<std::uint32_t>(Fault::kIllegalInstruction)));
    CHECK(registers.read(kRegFaultCommand) == 1000 + unit);
    CHECK(registers.read(kRegFaultAddressLo) == 0xba98'7654);
    CHECK(registers.read(kRegFaultAddressHi) == 0xfedc);
  }
}

TEST_CASE("A reset drains first, then clears the state and keeps the settings") {
  Registers registers;
  registers.write(kRegControl, 1);
  registers.write(kRegRingBaseLo, 0x5000);
  registers.write(kRegRingEntries, 16);
  registers.write(kRegRingTail, 9);
  registers.write(kRegStreamWritten, 6);
  CHECK(registers->stream_written_o == 6);
  registers->stream_released_i = 0x8765'4321;
  CHECK(registers.read(kRegStreamReleased) == 0x8765'4321);
  registers->halt_done_i = 1;
  registers->completed_i = 0x1f;
  registers.fault(Unit::kLoad, Fault::kReadError, 5, 0x80);
  registers.settle();
  registers.tick();
  registers.quiet();
  registers.settle();
  registers.tick();
  CHECK(registers.state() == kFaulted);
  CHECK(registers.read(kRegCompleted) == 5);

  registers->units_idle_i = 0;
  registers.write(kRegControl, 3);
  for (int i = 0; i < 5; ++i) {
    CHECK(registers->stop_o);
    CHECK_FALSE(registers->soft_reset_o);
    CHECK(registers.read(kRegControl) == 3);
  }
  registers->units_idle_i = 1;
  registers.settle();
  CHECK_FALSE(registers->soft_reset_o);
  registers.tick();
  registers.settle();
  CHECK(registers->soft_reset_o);
  CHECK(registers->stop_o);
  registers.tick();
  registers.settle();
  CHECK_FALSE(registers->soft_reset_o);
  CHECK_FALSE(registers->stop_o);
  CHECK(registers.read(kRegControl) == 1);
  CHECK(registers.state() == kStopped);
  CHECK(registers.read(kRegFault) == 0);
  CHECK(registers.read(kRegFaultCommand) == 0);
  CHECK(registers.read(kRegFaultAddressLo) == 0);
  CHECK(registers.read(kRegInterruptStatus) == 0);
  CHECK(registers.read(kRegRingTail) == 0);
  CHECK(registers.read(kRegStreamWritten) == 0);
  CHECK(registers.read(kRegCompleted) == 0);
  CHECK(registers.read(kRegProgress) == 0);
  CHECK(registers.read(kRegRingBaseLo) == 0x5000);
  CHECK(registers.read(kRegRingEntries) == 16);
  CHECK(registers.counter(Counter::kCommandsLoad) ==
        1);  // counters are cleared by clear_counters only
}

TEST_CASE("Running means enabled with commands to come or within a program, or anything not idle") {
  Registers registers;
  registers.write(kRegRingTail, 3);
  CHECK(registers.state() == kStopped);
  registers.write(kRegControl, 1);
  CHECK(registers.state() == kRunning);
  registers->ring_head_i = 3;
  CHECK(registers.state() == kStopped);
  registers->in_program_i = 1;
  CHECK(registers.state() == kRunning);
  registers.write(kRegControl, 0);
  CHECK(registers.state() == kStopped);
  registers.write(kRegControl, 1);
  registers->in_program_i = 0;
  registers->command_idle_i = 0;
  CHECK(registers.read(kRegStatus) == kRunning);
  registers->command_idle_i = 1;
  registers->units_idle_i = 0;
  CHECK(registers.read(kRegStatus) == kRunning);
  registers->units_idle_i = 1;
  registers->queues_empty_i = 0;
  CHECK(registers.read(kRegStatus) == kRunning);
  registers->queues_empty_i = 1;
  CHECK(registers.read(kRegStatus) == (4u | kStopped));
}

TEST_CASE("Counters count what happened while the device worked, to the last event") {
  const unsigned seed = GENERATE(1u, 2u, 3u);
  INFO("seed " << seed);
  std::mt19937 random(seed);
  Registers registers;
  std::array<std::uint64_t, kCounters> expected{};
  std::uint32_t completed = 0, progress = 0;
  registers->ring_head_i = 100;
  registers.write(kRegRingTail, 100);
  registers.write(kRegControl, 1);

  bool stopping = false;
  std::optional<std::uint32_t> row_kind;  // of the row of the cycle before, if it counts
  const auto cycle = [&] {
    registers.quiet();
    std::array<unsigned, kUnits> activity{};
    for (unsigned unit = 0; unit < kUnits; ++unit) {
      activity[unit] = random() % kActivities;
      registers->activities_i |= static_cast<std::uint16_t>(activity[unit] << (3 * unit));
    }
    registers->ring_head_i = random() % 2 ? 100 : 99;
    registers->in_program_i = random() % 4 == 0;
    registers->command_idle_i = random() % 4 != 0;
    registers->units_idle_i = stopping ? 0 : random() % 4 != 0;
    registers->queues_empty_i = random() % 4 != 0;
    // In most cycles nothing completes: a completion alone makes a cycle count.
    registers->completed_i = random() % 4 == 0 ? random() % 32 : 0;
    Events events;
    events.slot = random() % 2 != 0;
    events.kind = random() % kGemmKinds;
    events.row = events.slot && random() % 2 != 0;
    events.transfers = random() % 64;
    for (std::uint32_t& count : events.elements) count = random() % 33;  // 4 ports of 8 lanes
    events.computes = random() % 2 != 0;
    events.computed = static_cast<std::uint32_t>(Counter::kVectorAdds) + random() % 6;
    events.computed_elements = 1 + random() % 8;
    events.decoded = random() % 9;  // of 8 lanes
    events.give(registers->events_i);
    registers->macs_i = static_cast<std::uint16_t>(random() % 65);
    if (row_kind) {
      expected[static_cast<std::size_t>(Counter::kGemmMacs0) + *row_kind] += registers->macs_i;
      row_kind.reset();
    }
    const bool counts = stopping || registers->ring_head_i != 100 || registers->in_program_i ||
                        !registers->command_idle_i || !registers->units_idle_i ||
                        !registers->queues_empty_i || registers->completed_i != 0;
    if (counts) {
      for (unsigned unit = 0; unit < kUnits; ++unit)
        ++expected[unit * kActivities + activity[unit]];
      ++expected[static_cast<std::size_t>(Counter::kCycles)];
      for (unsigned unit = 1; unit < kUnits; ++unit) {
        expected[static_cast<std::size_t>(Counter::kCommandsLoad) + unit - 1] +=
            registers->completed_i >> unit & 1u;
      }
      if (events.slot) ++expected[static_cast<std::size_t>(Counter::kGemmSlots0) + events.kind];
      if (events.row) row_kind = events.kind;
      for (std::size_t transfer = 0; transfer < 6; ++transfer) {
        expected[static_cast<std::size_t>(Counter::kFetchBursts) + transfer] +=
            events.transfers >> (5 - transfer) & 1u;
      }
      for (std::size_t access = 0; access < 4; ++access) {
        expected[static_cast<std::size_t>(Counter::kScratchpadReadBytes) + access] +=
            events.elements[access] * (access < 2 ? 2 : 4);
      }
      expected[static_cast<std::size_t>(Counter::kDecodedElements)] += events.decoded;
      if (events.computes) expected[events.computed] += events.computed_elements;
    }
    bool busy = false;
    for (const unsigned a : activity) busy |= a == static_cast<unsigned>(Activity::kBusy);
    for (unsigned unit = 0; unit < kUnits; ++unit) completed += registers->completed_i >> unit & 1u;
    if (busy || registers->completed_i != 0) ++progress;
    registers.settle();
    registers.tick();
  };
  const auto check = [&] {
    for (std::size_t counter = 0; counter < kCounters; ++counter) {
      INFO(kCounterNames[counter]);
      CHECK(registers.counter(counter) == expected[counter]);
    }
    CHECK(registers.read(kRegCompleted) == completed);
    CHECK(registers.read(kRegProgress) == progress);
  };

  for (int i = 0; i < 2000; ++i) cycle();
  const auto quiet = [&] {
    registers.quiet();
    registers->ring_head_i = 100;
    // The last row's product comes a cycle later.
    registers->macs_i = 7;
    if (row_kind) expected[static_cast<std::size_t>(Counter::kGemmMacs0) + *row_kind] += 7;
    row_kind.reset();
  };
  quiet();
  check();

  registers.write(kRegControl, 5);  // clear
  expected = {};
  check();

  for (int i = 0; i < 300; ++i) cycle();
  // A fault: the device goes on counting until it is idle, then never again.
  quiet();
  registers.fault(Unit::kLoad, Fault::kReadError, 0, 0);
  registers.settle();
  registers.tick();
  stopping = true;
  for (int i = 0; i < 300; ++i) cycle();
  quiet();
  registers.settle();
  registers.tick();  // still stopping: the cycle counts
  for (unsigned unit = 0; unit < kUnits; ++unit) ++expected[unit * kActivities];
  ++expected[static_cast<std::size_t>(Counter::kCycles)];
  registers->ring_head_i = 99;
  check();
}

TEST_CASE("Clearing wins over the events of its cycle") {
  Registers registers;
  registers->units_idle_i = 0;
  Events beat;
  beat.transfers = 1u << 2;
  beat.give(registers->events_i);
  for (int i = 0; i < 4; ++i) {
    registers.settle();
    registers.tick();
  }
  // write() takes two cycles; the first clears, the second counts.
  registers.write(kRegControl, 4);
  registers.quiet();
  CHECK(registers.counter(Counter::kLoadBeats) == 1);
  CHECK(registers.counter(Counter::kCycles) == 1);
  CHECK(registers.read(kRegControl) == 0);
}

}  // namespace corank::test
