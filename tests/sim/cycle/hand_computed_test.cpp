// Small sequences of commands whose cycles are worked out by hand from the headers of rtl/, on both
// accelerators.
//
// Memory answers 10 cycles after a request plus a cycle for each 64 bytes, one request after the
// other. All cycles count from A, in which the address of command 0 is on AR:
//   A - 2       ring_tail is written; it is seen, and counted, from A - 1 on
//   A + k       the address of command k, k < 4
//   A + 11 + k  the memory has it; the first beat comes at the first edge after that, A + 12 + k,
//   or
//               after the last beat of the burst before. At 64 bits a command has 8 beats, so that
//   A + 20 + 8 k   is when command k is whole. It goes beat by beat to where it is looked at, in
//   the cycle after the one before has left, at the earliest, so that A + 29 + 10 k  is when
//   command k is looked at (at 512 bits, one beat: A + 15 + 3 k)
// A command dispatched in t starts in t + 3: it goes through the RAM of the queues. The halt comes
// in the cycle after the last completion; of a vector command in that cycle, because the vector
// unit is idle in it.
#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "tests/end_to_end/test_machines.h"
#include "tests/sim/cycle/lockstep.h"

namespace corank::test {

namespace {

using namespace interface;

constexpr std::uint64_t kRing = 0x10000, kProgram = 0x20000, kIndexList = 0x30000, kData = 0x40000;
constexpr int kLoad = 0, kArray = 1, kVector = 2, kStore = 3;

// Of a command that has a unit, counted from A.
struct Expected {
  int unit;
  std::uint32_t command;
  std::int64_t issue, start, end;
};

struct Sequence {
  std::size_t machine = 2;  // of test_machines: 4 x 4, AXI 64
  std::vector<CommandWords> commands;
  std::vector<std::uint64_t> instructions;
  std::uint32_t outstanding = 16, beats = 256;
  std::vector<std::uint32_t> indices = {};
};

void check(Sequence sequence, const std::vector<Expected>& expected, std::uint64_t cycles) {
  sequence.commands.push_back(encode(HaltCommand{}));
  PlatformConfig platform;
  platform.shape = test_machines().at(sequence.machine);
  platform.machine_library = library_of(platform.shape);
  platform.memory.latency_ns = 10;
  platform.memory.bandwidth_gb_per_s = 64;
  const auto bytes = [](const auto& items) {
    std::vector<std::uint8_t> to(items.size() * sizeof(items[0]));
    if (!to.empty()) std::memcpy(to.data(), items.data(), to.size());
    return to;
  };
  const auto program = [&](HostPort& host, Outcome& outcome) {
    host.write_memory(kRing, bytes(sequence.commands));
    host.write_memory(kProgram, bytes(sequence.instructions));
    host.write_memory(kIndexList, bytes(sequence.indices));
    host.write_register(kRegRingBaseLo, kRing);
    host.write_register(kRegRingEntries, 64);
    host.write_register(kRegMemoryLimitLo, 1u << 24);
    host.write_register(kRegBurstLimits, sequence.outstanding | sequence.beats << 16);
    host.write_register(kRegInterruptEnable, 3);
    host.write_register(kRegControl, 1);
    host.write_register(kRegRingTail, static_cast<std::uint32_t>(sequence.commands.size()));
    outcome.words.push_back({"interrupted", host.wait_interrupt(10000) ? 1u : 0u});
    read_registers(host, outcome.words);
    read_counters(host, outcome.words);
  };
  const Outcome rtl = run_on(Fidelity::kRtl, platform, program);
  const Outcome cycle = run_on(Fidelity::kCycle, platform, program);
  CHECK(first_difference(rtl, cycle) == "");

  REQUIRE(!cycle.platform.transactions.empty());
  const std::int64_t a = cycle.platform.transactions.front().cycle;
  REQUIRE(cycle.platform.trace.size() == expected.size());
  for (const Expected& wanted : expected) {
    INFO("command " << wanted.command);
    bool found = false;
    for (const TraceEvent& event : cycle.platform.trace) {
      if (static_cast<int>(event.unit) != wanted.unit || event.command != wanted.command) continue;
      found = true;
      CHECK(event.issue - a == wanted.issue);
      CHECK(event.start - a == wanted.start);
      CHECK(event.end - a == wanted.end);
    }
    CHECK(found);
  }
  const std::size_t counters = cycle.words.size() - kCounters;
  CHECK(cycle.words[counters + static_cast<std::size_t>(Counter::kCycles)].value == cycles);
}

LoadCommand load(std::uint32_t rows, std::uint32_t columns) {
  LoadCommand command;
  command.address_lo = kData;
  command.rows = rows;
  command.columns = columns;
  command.panel_stride = rows * 128;
  command.line_stride = rows;
  return command;
}

StoreCommand store(std::uint32_t rows, std::uint32_t columns) {
  StoreCommand command;
  command.address_lo = kData;
  command.rows = rows;
  command.columns = columns;
  command.panel_stride = rows * 128;
  command.line_stride = rows;
  return command;
}

GemmCommand gemm(std::uint32_t rows, std::uint32_t columns, std::uint32_t depth) {
  GemmCommand command;
  command.rows = rows;
  command.columns = columns;
  command.depth = depth;
  command.stream_stride = rows;
  command.stationary_line = 1024;
  command.stationary_stride = depth;
  command.accumulator_stride = rows;
  return command;
}

std::uint32_t token(int giver, int taker) { return 1u << (4 * giver + taker); }

// A program of `opcodes`, its load, and a vector command over rows x 4 columns, one beat a row.
Sequence vector(std::uint32_t rows, const std::vector<VectorOpcode>& opcodes) {
  Sequence sequence;
  for (const VectorOpcode opcode : opcodes) {
    sequence.instructions.push_back(static_cast<std::uint64_t>(opcode) << 32 | 0x0010000000000000u);
  }
  LoadCommand program = load(1, 1);
  program.target = 2;
  program.address_lo = kProgram;
  program.signal_tokens = token(kLoad, kVector);
  VectorCommand run;
  run.wait_tokens = token(kLoad, kVector);
  run.length = static_cast<std::uint32_t>(opcodes.size());
  run.rows = rows;
  run.columns = 4;
  run.stride0 = run.stride1 = run.stride2 = run.stride3 = rows;
  sequence.commands = {encode(program), encode(run)};
  return sequence;
}

// Rows 2 and 0 of a matrix with rows of 128 bytes, by `indexed`, which waits for the indices' load.
template <class Indexed>
Sequence indexed_rows(Indexed indexed, int unit) {
  indexed.address_lo = kData;
  indexed.rows = indexed.line_stride = 2;
  indexed.columns = 4;
  indexed.row_pitch = indexed.panel_stride = 128;
  indexed.limit = 3;
  indexed.wait_tokens = token(kLoad, unit);
  LoadCommand indices = load(1, 1);
  indices.target = kTargetIndices;
  indices.address_lo = kIndexList;
  indices.signal_tokens = token(kLoad, unit);
  Sequence sequence;
  sequence.commands = {encode(indices), encode(indexed)};
  sequence.indices = {2, 0};
  return sequence;
}

}  // namespace

// ---- Fetch

TEST_CASE("a nop and a halt") {
  // Looked at in 29 and 39; the counting goes from -1 to 39.
  check({2, {encode(NopCommand{})}, {}}, {}, 41);
}

TEST_CASE("the fifth command is asked for when the first one is gone") {
  // Commands 0 to 3 come with beats 12 ... 43 and leave in 29, 39, 49, 59. Command 4 is asked for
  // in 30 and on AR in 31, there at 42, its beats are 44 ... 51; it is read from 60 on and leaves
  // in
  // 69. Command 5, the halt, is asked for in 40, has its beats in 53 ... 60, is read from 70 on and
  // looked at in 79.
  const CommandWords nop = encode(NopCommand{});
  check({2, {nop, nop, nop, nop, nop}, {}}, {}, 81);
}

TEST_CASE("a command of one beat") {
  // 512 bits: nop and halt are looked at in 15 and 18.
  check({4, {encode(NopCommand{})}, {}}, {}, 20);
}

// ---- Load: taken in 32, cut in 33, on AR in 34

TEST_CASE("a load of one row") {
  // There at 34 + 10 + 2 = 46, 16 beats 47 ... 62, complete in 64.
  check({2, {encode(load(1, 4))}, {}}, {{kLoad, 0, 29, 32, 64}}, 67);
}

TEST_CASE("a load in two bursts") {
  // On AR in 34 and 35, there at 45 and 46, beats 46 ... 53 and 54 ... 61.
  check({2, {encode(load(1, 4))}, {}, 16, 8}, {{kLoad, 0, 29, 32, 63}}, 66);
}

TEST_CASE("a load with one burst in flight") {
  // The first burst is in flight up to its last beat in 53; the second is cut in 54, on AR in 55,
  // there at 66, beats 67 ... 74.
  check({2, {encode(load(1, 4))}, {}, 1, 8}, {{kLoad, 0, 29, 32, 76}}, 79);
}

TEST_CASE("a load across a page") {
  // Two bursts of 16 beats: there at 46 and 48, beats 47 ... 62 and 63 ... 78.
  LoadCommand command = load(2, 4);
  command.address_lo = kData + 4096 - 128;
  check({2, {encode(command)}, {}}, {{kLoad, 0, 29, 32, 80}}, 83);
}

TEST_CASE("a load of two panels") {
  // 65 columns: two bursts of 32 beats, there at 48 and 52, beats 49 ... 80 and 81 ... 112.
  check({2, {encode(load(2, 65))}, {}}, {{kLoad, 0, 29, 32, 114}}, 117);
}

TEST_CASE("a load over a wide bus") {
  // 512 bits: looked at in 15, taken in 18, on AR in 20, there at 32, beats 33 and 34.
  check({4, {encode(load(1, 4))}, {}}, {{kLoad, 0, 15, 18, 36}}, 39);
}

TEST_CASE("two loads") {
  // The second is looked at in 39, taken in 42, on AR in 44; the memory has it at 44 + 10 + 2 = 56;
  // its beats follow those of the first, 47 ... 62.
  check({2, {encode(load(1, 4)), encode(load(1, 4))}, {}},
        {{kLoad, 0, 29, 32, 64}, {kLoad, 1, 39, 42, 80}}, 83);
}

// ---- Store: taken in 32, cut and first read in 33, on AW in 34, first W in 37

TEST_CASE("a store of one row") {
  // W 37 ... 52, written at 52 + 10 + 2 = 64, B in 65, complete in 66.
  check({2, {encode(store(1, 4))}, {}}, {{kStore, 0, 29, 32, 66}}, 69);
}

TEST_CASE("a store in two bursts") {
  // W 37 ... 44 and 45 ... 52; written at 55 and 63, B in 56 and 64.
  check({2, {encode(store(1, 4))}, {}, 16, 8}, {{kStore, 0, 29, 32, 65}}, 68);
}

TEST_CASE("a store with one burst in flight") {
  // B of the first in 56; the second is cut in 57, on AW in 58, so W is 59 ... 66; written at 77, B
  // in 78.
  check({2, {encode(store(1, 4))}, {}, 1, 8}, {{kStore, 0, 29, 32, 79}}, 82);
}

TEST_CASE("a store waits for a load's token") {
  // Given in 64, so the store starts in 65, everything 33 cycles later than alone.
  LoadCommand first = load(1, 4);
  first.signal_tokens = token(kLoad, kStore);
  StoreCommand second = store(1, 4);
  second.wait_tokens = token(kLoad, kStore);
  check({2, {encode(first), encode(second)}, {}}, {{kLoad, 0, 29, 32, 64}, {kStore, 1, 39, 65, 99}},
        102);
}

// ---- Gather, scatter: the indices' load is complete in 64, the command starts in 65; S = 1, so
// its rows are cut in 65 + 4 + 1 = 70 and 72

TEST_CASE("a gather of two rows") {
  // On AR in 71 and 73, there at 83 and 85, beats 84 ... 99 and 100 ... 115.
  check(indexed_rows(GatherCommand{}, kLoad), {{kLoad, 0, 29, 32, 64}, {kLoad, 1, 39, 65, 117}},
        120);
}

TEST_CASE("a gather of two rows with one burst in flight") {
  // The first burst is in flight up to 99; the second is cut in 100, on AR in 101, there at 113,
  // beats 114 ... 129.
  Sequence sequence = indexed_rows(GatherCommand{}, kLoad);
  sequence.outstanding = 1;
  check(sequence, {{kLoad, 0, 29, 32, 64}, {kLoad, 1, 39, 65, 131}}, 134);
}

TEST_CASE("a scatter of two rows") {
  // On AW in 71, so the port takes W from 72 on: 72 ... 87 and 88 ... 103; written at 99 and 115, B
  // in 100 and 116.
  check(indexed_rows(ScatterCommand{}, kStore), {{kLoad, 0, 29, 32, 64}, {kStore, 1, 39, 65, 117}},
        120);
}

// ---- Array, R = 4: taken in 32, P = 33, S = 34; D = 11; complete 13 after the last row's request

TEST_CASE("a gemm of one product") {
  check({2, {encode(gemm(1, 1, 1))}, {}}, {{kArray, 0, 29, 32, 47}}, 50);
}

TEST_CASE("a gemm of one tile") {
  // Rows 34 ... 41.
  check({2, {encode(gemm(8, 4, 4))}, {}}, {{kArray, 0, 29, 32, 54}}, 57);
}

TEST_CASE("a gemm of two column tiles and many rows") {
  // The second pass starts when the rows of the first are through, in 42.
  check({2, {encode(gemm(8, 8, 4))}, {}}, {{kArray, 0, 29, 32, 62}}, 65);
}

TEST_CASE("a gemm of two column tiles and few rows") {
  // The second tile is read from P + 4 = 37 on; S = 38, rows 38 and 39.
  check({2, {encode(gemm(2, 8, 4))}, {}}, {{kArray, 0, 29, 32, 52}}, 55);
}

TEST_CASE("a gemm of two depth slices and few rows") {
  // The sums come back D after S = 34: S = 45, rows 45 and 46.
  check({2, {encode(gemm(2, 4, 8))}, {}}, {{kArray, 0, 29, 32, 59}}, 62);
}

TEST_CASE("a gemm of two depth slices and many rows") {
  // Rows 34 ... 53 and 54 ... 73.
  check({2, {encode(gemm(20, 4, 8))}, {}}, {{kArray, 0, 29, 32, 86}}, 89);
}

TEST_CASE("a gemm that goes on with the sums of the one before") {
  // Taken in 42, P = 43; the sums of S = 34 come back in 45, although its last row is 37.
  GemmCommand second = gemm(4, 1, 1);
  second.accumulate = 1;
  check({2, {encode(gemm(4, 1, 1)), encode(second)}, {}},
        {{kArray, 0, 29, 32, 50}, {kArray, 1, 39, 42, 61}}, 64);
}

TEST_CASE("a gemm that goes on with other sums waits for all rows of the one before") {
  // D after row 37: S = 48, rows 48 ... 51.
  GemmCommand second = gemm(4, 1, 1);
  second.accumulate = 1;
  second.accumulator_line = 100;
  check({2, {encode(gemm(4, 1, 1)), encode(second)}, {}},
        {{kArray, 0, 29, 32, 50}, {kArray, 1, 39, 42, 64}}, 67);
}

TEST_CASE("a gemm that starts from zero waits for nothing") {
  // S = 44, rows 44 ... 47.
  check({2, {encode(gemm(4, 1, 1)), encode(gemm(4, 1, 1))}, {}},
        {{kArray, 0, 29, 32, 50}, {kArray, 1, 39, 42, 60}}, 63);
}

TEST_CASE("two depth slices on one PE") {
  // R = 1, D = 5: P = 33 and 35, S = 34 and 39; complete 7 after.
  check({0, {encode(gemm(1, 1, 2))}, {}}, {{kArray, 0, 29, 32, 46}}, 49);
}

TEST_CASE("a gemm on a tall array") {
  // 16 x 8 at 512 bits: taken in 18, S = 20, complete 5 + 32 after.
  check({4, {encode(gemm(1, 1, 1))}, {}}, {{kArray, 0, 15, 18, 57}}, 60);
}

// ---- Vector: the program's load is complete in 64, the command starts in 65

TEST_CASE("a vector command of one beat") {
  // A slot has at least 7 cycles: 4 + 1 + 6.
  check(vector(1, {VectorOpcode::kAdd}), {{kLoad, 0, 29, 32, 64}, {kVector, 1, 39, 65, 76}}, 78);
}

TEST_CASE("a vector command of a strip") {
  check(vector(8, {VectorOpcode::kAdd}), {{kLoad, 0, 29, 32, 64}, {kVector, 1, 39, 65, 77}}, 79);
}

TEST_CASE("a maximum takes as long as an addition") {
  check(vector(8, {VectorOpcode::kMaximum}), {{kLoad, 0, 29, 32, 64}, {kVector, 1, 39, 65, 77}},
        79);
}

TEST_CASE("a division") {
  // 4 + 2 * 15 + 5.
  check(vector(2, {VectorOpcode::kDivide}), {{kLoad, 0, 29, 32, 64}, {kVector, 1, 39, 65, 104}},
        106);
}

TEST_CASE("three instructions over a strip and three beats") {
  // 4 + 11 * 3 + 4 * 3.
  check(vector(11, {VectorOpcode::kLoad, VectorOpcode::kMultiply, VectorOpcode::kStore}),
        {{kLoad, 0, 29, 32, 64}, {kVector, 1, 39, 65, 114}}, 116);
}

TEST_CASE("sections, by columns and by rows") {
  // Once an addition; for each strip a load and an addition that exchanges beats; once a store of
  // the first beat.
  VectorInstruction once, load, exchange, store;
  once.opcode = exchange.opcode = VectorOpcode::kAdd;
  load.opcode = VectorOpcode::kLoad;
  store.opcode = VectorOpcode::kStore;
  once.once = store.once = store.alternate = true;
  once.section_end = exchange.section_end = exchange.exchange = true;
  Sequence sequence = vector(11, {});
  for (const VectorInstruction& instruction : {once, load, exchange, store})
    sequence.instructions.push_back(encode(instruction));
  VectorCommand command = decode_vector(sequence.commands[1]);
  command.length = 4;

  // 2 groups of 11 rows: 8, a strip of 8 beats in 8 + 3 + 8, one of 3 beats in 7 + 3 + 7, 7.
  command.walk = kWalkDown;
  command.columns = 8;
  sequence.commands[1] = encode(command);
  check(sequence, {{kLoad, 0, 29, 32, 64}, {kVector, 1, 39, 65, 171}}, 173);

  // 3 rows of 8 beats and of 2: 8, 3 strips in 8 + 3 + 8, 7; 7, 3 strips in 7 + 3 + 7, 7.
  command.walk = kWalkAcross;
  command.rows = 3;
  command.columns = 40;
  sequence.commands[1] = encode(command);
  check(sequence, {{kLoad, 0, 29, 32, 64}, {kVector, 1, 39, 65, 206}}, 208);
}

}  // namespace corank::test
