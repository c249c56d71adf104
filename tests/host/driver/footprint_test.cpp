// What commands touch, worked out by hand on a machine of 3 x 5 with 4 vector lanes and a bus of 16
// bytes, whose local lines have 8 elements; and of vector commands beat by beat, as the cycle model
// walks.
#include "host/driver/footprint.h"

#include <array>
#include <catch2/catch.hpp>
#include <random>
#include <set>
#include <tuple>

#include "sim/cycle/vector_program.h"
#include "sim/cycle/vector_walk.h"
#include "tests/host/narrow_machine.h"

using namespace corank;
using namespace corank::interface;

namespace {

constexpr Storage kScratchpad = Storage::kScratchpad, kAccumulator = Storage::kAccumulator,
                  kMemory = Storage::kMemory, kPrograms = Storage::kPrograms,
                  kIndices = Storage::kIndices;

/// Storage, whether it is written, place.
using Places = std::set<std::tuple<Storage, bool, std::int64_t>>;

void add(Places& places, Storage storage, bool write, std::int64_t begin, std::int64_t end) {
  for (std::int64_t place = begin; place < end; ++place) places.insert({storage, write, place});
}

Places reads(Storage storage, std::int64_t begin, std::int64_t end) {
  Places places;
  add(places, storage, false, begin, end);
  return places;
}
Places writes(Storage storage, std::int64_t begin, std::int64_t end) {
  Places places;
  add(places, storage, true, begin, end);
  return places;
}
Places operator+(Places all, const Places& more) {
  all.insert(more.begin(), more.end());
  return all;
}

Places places_of(const CommandWords& words, const std::vector<std::uint64_t>& program = {},
                 const MachineShape& shape = test::narrow_machine()) {
  CompiledStep step;
  step.instructions = program;
  Footprints footprints(step, shape);
  Places places;
  for (const Use& use : footprints.next(words))
    add(places, use.storage, use.write, use.begin, use.end);
  return places;
}

template <class Command>
Command transfer(std::uint32_t rows, std::uint32_t columns, std::uint32_t target) {
  Command command;
  command.target = target;
  command.address_lo = 4096;
  command.rows = rows;
  command.columns = columns;
  command.panel_stride = 1280;
  command.line = 100;
  command.line_stride = 6;
  return command;
}

std::uint64_t access(VectorOpcode opcode, std::uint32_t stream, std::uint32_t flags = 0) {
  return std::uint64_t{flags} << 60 | std::uint64_t{stream} << 54 |
         static_cast<std::uint64_t>(opcode) << 32;
}
constexpr std::uint32_t kOnce = 1, kSectionEnd = 2, kAlternate = 4;

std::uint32_t stream(std::uint32_t line, bool accumulator = false, bool transposed = false,
                     bool row = false, bool column = false) {
  StreamWord word;
  word.line = line;
  word.accumulator = accumulator;
  word.transposed = transposed;
  word.broadcast_row = row;
  word.broadcast_column = column;
  return encode(word);
}

/// 6 x 10 elements, of which a row has 3 beats.
VectorCommand vector(std::uint32_t length, std::uint32_t walk = kWalkRows) {
  VectorCommand command;
  command.length = length;
  command.walk = walk;
  command.rows = 6;
  command.columns = 10;
  return command;
}

// Element (i, j) of a stream lies in this line (INTERFACE.md, rtl/vector/vector_unit.sv).
std::int64_t line_of(const StreamWord& word, std::int64_t stride, std::int64_t column,
                     std::int64_t lanes, std::int64_t i, std::int64_t j) {
  if (word.broadcast_row) i = 0;
  if (word.broadcast_column) j = 0;
  return word.transposed ? word.line + (i + column) / lanes * stride + j
                         : word.line + (j + column) / lanes * stride + i;
}

// Beat by beat.
Places walked(const VectorCommand& c, const std::vector<std::uint64_t>& words,
              const MachineShape& shape) {
  cycle_model::ProgramMemory memory;
  memory.write(0, reinterpret_cast<const std::uint8_t*>(words.data()), words.size(), 8);
  const cycle_model::VectorProgram program(c, memory);
  const cycle_model::VectorWalk walk(c, static_cast<std::uint64_t>(shape.vector_lanes));
  const std::array<std::array<std::uint32_t, 3>, 4> streams{{{c.stream0, c.stride0, c.column0},
                                                             {c.stream1, c.stride1, c.column1},
                                                             {c.stream2, c.stride2, c.column2},
                                                             {c.stream3, c.stride3, c.column3}}};
  Places places =
      reads(kPrograms, c.first_instruction,
            c.first_instruction + static_cast<std::int64_t>(program.sections.back().end));
  for (std::uint64_t g = 0; g < walk.groups(); ++g) {
    const cycle_model::VectorGroup group = walk.group(g);
    for (const cycle_model::VectorSection& section : program.sections) {
      for (std::uint64_t strip = 0; strip < (section.once ? 1 : group.strips); ++strip) {
        for (std::size_t i = section.first; i < section.end; ++i) {
          const VectorInstruction& instruction = program.instructions[i];
          const bool write = instruction.opcode == VectorOpcode::kStore;
          if (!write && instruction.opcode != VectorOpcode::kLoad) continue;
          const auto& [word, stride, column] = streams[instruction.stream];
          const StreamWord at = decode_stream_word(word);
          for (std::uint64_t b = 0; b < walk.beats_of(instruction, group, strip); ++b) {
            const cycle_model::VectorBeat beat = walk.beat(instruction, group, strip, b);
            for (std::uint64_t e = 0; e < (at.broadcast_column ? 1 : beat.count); ++e) {
              const std::int64_t line = line_of(at, stride, column, memory_lanes(shape),
                                                static_cast<std::int64_t>(beat.row),
                                                static_cast<std::int64_t>(beat.column + e));
              places.insert({at.accumulator ? kAccumulator : kScratchpad, write, line});
            }
          }
        }
      }
    }
  }
  return places;
}

}  // namespace

TEST_CASE("a load reads rows of panels and writes lines of local panels", "[footprint]") {
  // 70 columns: 2 panels of 64 in memory, 9 of 8 in the scratchpad, 6 lines apart.
  Places lines;
  for (std::int64_t panel = 0; panel < 9; ++panel)
    add(lines, kScratchpad, true, 100 + 6 * panel, 105 + 6 * panel);
  CHECK(places_of(encode(transfer<LoadCommand>(5, 70, kTargetScratchpad))) ==
        lines + reads(kMemory, 32, 37) + reads(kMemory, 42, 47));
  // FP32: 3 panels of 32 in memory.
  CHECK(places_of(encode(transfer<LoadCommand>(6, 65, kTargetAccumulator))) ==
        writes(kAccumulator, 100, 154) + reads(kMemory, 32, 38) + reads(kMemory, 42, 48) +
            reads(kMemory, 52, 58));
}

TEST_CASE("a load of packed weights reads its panels' bytes, and writes what it decodes",
          "[footprint]") {
  LoadQuantizedCommand load;
  load.address_lo = 4096 + 64;
  load.rows = 5;
  load.columns = 70;
  load.element = kElementSigned8;  // 64 bytes a row, behind 64 bytes of scales
  load.panel_stride = 2048 + 64;
  load.line = 100;
  load.line_stride = 6;
  // 384 bytes from 4160, half a row of memory in, to 4544; and from 6272, where a row begins.
  Places lines;
  for (int panel = 0; panel < 9; ++panel)
    lines = lines + writes(kScratchpad, 100 + 6 * panel, 105 + 6 * panel);
  CHECK(places_of(encode(load)) == lines + reads(kMemory, 32, 36) + reads(kMemory, 49, 52));
  LoadScalesCommand scales;
  scales.address_lo = 4096;
  scales.rows = 3;
  CHECK(places_of(encode(scales)) == reads(kMemory, 32, 35));
}

TEST_CASE("a store reads lines and writes memory", "[footprint]") {
  CHECK(places_of(encode(transfer<StoreCommand>(6, 16, kTargetScratchpad))) ==
        reads(kScratchpad, 100, 112) + writes(kMemory, 32, 38));
  StoreCommand high = transfer<StoreCommand>(1, 1, kTargetAccumulator);
  high.address_hi = 3;
  CHECK(places_of(encode(high)) ==
        reads(kAccumulator, 100, 101) +
            writes(kMemory, (std::int64_t{3} << 25) + 32, (std::int64_t{3} << 25) + 33));
}

TEST_CASE("loads of programs and of indices are one panel, whatever the columns", "[footprint]") {
  LoadCommand load = transfer<LoadCommand>(2, 500, kTargetProgram);
  CHECK(places_of(encode(load)) == writes(kPrograms, 100, 132) + reads(kMemory, 32, 34));
  load.target = kTargetIndices;
  CHECK(places_of(encode(load)) == writes(kIndices, 100, 164) + reads(kMemory, 32, 34));
  // What lies beyond the memory is dropped; places are modulo 2^16.
  load.line = kIndexWords - 32;
  CHECK(places_of(encode(load)) ==
        writes(kIndices, kIndexWords - 32, kIndexWords) + reads(kMemory, 32, 34));
  load.line = (1 << 16) - 32;
  CHECK(places_of(encode(load)) == writes(kIndices, 0, 32) + reads(kMemory, 32, 34));
}

TEST_CASE("a gather and a scatter may touch every row below the limit", "[footprint]") {
  GatherCommand gather = transfer<GatherCommand>(4, 70, kTargetScratchpad);
  gather.line_stride = 4;
  gather.first_index = 9;
  gather.limit = 10;
  gather.row_pitch = 128;
  const Places local = writes(kScratchpad, 100, 136) + reads(kIndices, 9, 13);
  CHECK(places_of(encode(gather)) == local + reads(kMemory, 32, 42) + reads(kMemory, 42, 52));
  gather.panel_stride = 12800;
  CHECK(places_of(encode(gather)) == local + reads(kMemory, 32, 42) + reads(kMemory, 132, 142));
  // Rows of two contiguous panels, 3 rows of memory from one to the next.
  gather.panel_stride = 128;
  gather.row_pitch = 384;
  CHECK(places_of(encode(gather)) == local + reads(kMemory, 32, 32 + 9 * 3 + 2));

  ScatterCommand scatter = transfer<ScatterCommand>(1, 3, kTargetAccumulator);
  scatter.limit = 7;
  scatter.row_pitch = 128;
  CHECK(places_of(encode(scatter)) ==
        reads(kAccumulator, 100, 101) + reads(kIndices, 0, 1) + writes(kMemory, 32, 39));
}

TEST_CASE("a gemm reads two operands and reads sums that it goes on with", "[footprint]") {
  GemmCommand gemm;
  gemm.rows = 7;
  gemm.depth = 3;
  gemm.columns = 12;
  gemm.stream_line = 1000;
  gemm.stream_stride = 20;
  gemm.stationary_line = 2000;
  gemm.stationary_stride = 30;
  gemm.accumulator_line = 50;
  gemm.accumulator_stride = 7;
  // One panel of 8 streamed columns, two of stationary ones and of sums.
  const Places sums = writes(kAccumulator, 50, 64);
  const Places stationary = reads(kScratchpad, 2000, 2003) + reads(kScratchpad, 2030, 2033);
  CHECK(places_of(encode(gemm)) == sums + reads(kScratchpad, 1000, 1007) + stationary);
  gemm.accumulate = 1;
  CHECK(places_of(encode(gemm)) ==
        sums + reads(kAccumulator, 50, 64) + reads(kScratchpad, 1000, 1007) + stationary);
  // A second tile of depth goes on with the sums of the first one.
  gemm.accumulate = 0;
  gemm.depth = 4;
  gemm.stream_transposed = gemm.stationary_transposed = 1;
  CHECK(places_of(encode(gemm)) == sums + reads(kAccumulator, 50, 64) +
                                       reads(kScratchpad, 1000, 1004) +
                                       reads(kScratchpad, 2000, 2012));
  // Which of them is the stationary one.
  CompiledStep step;
  Footprints footprints(step, test::narrow_machine());
  for (const Use& use : footprints.next(encode(gemm)))
    CHECK(use.stationary == (use.storage == kScratchpad && use.begin >= 2000));
}

TEST_CASE("streams that a program does not load or store are not touched", "[footprint]") {
  VectorCommand command = vector(3);
  command.stream0 = stream(0);
  command.stride0 = 6;
  command.stream1 = stream(100, true);
  command.stride1 = 10;
  command.stream2 = stream(200);
  CHECK(places_of(encode(command), {access(VectorOpcode::kLoad, 0), access(VectorOpcode::kAdd, 2),
                                    access(VectorOpcode::kStore, 1)}) ==
        reads(kPrograms, 0, 3) + reads(kScratchpad, 0, 12) + writes(kAccumulator, 100, 106) +
            writes(kAccumulator, 110, 116));
  command.length = 1;
  CHECK(places_of(encode(command), {access(VectorOpcode::kLoad, 0)}) ==
        reads(kPrograms, 0, 1) + reads(kScratchpad, 0, 12));
}

TEST_CASE("broadcast, transposed and shifted streams, by hand", "[footprint]") {
  VectorCommand command = vector(4);
  command.stream0 = stream(0, false, false, true);  // a row of 10: two panels
  command.stride0 = 1;
  command.stream1 = stream(100, false, false, false, true);  // a column: one
  command.stream2 = stream(200, false, true);                // [10 x 6]: one panel of 10 lines
  command.stride2 = 10;
  command.stream3 = stream(300);  // from column 4 on: elements 4 to 13
  command.stride3 = 20;
  command.column3 = 4;
  const std::vector<std::uint64_t> program = {
      access(VectorOpcode::kLoad, 0), access(VectorOpcode::kLoad, 1),
      access(VectorOpcode::kLoad, 2), access(VectorOpcode::kLoad, 3)};
  const Places touched = reads(kPrograms, 0, 4) + reads(kScratchpad, 0, 2) +
                         reads(kScratchpad, 100, 106) + reads(kScratchpad, 200, 210);
  CHECK(places_of(encode(command), program) ==
        touched + reads(kScratchpad, 300, 306) + reads(kScratchpad, 320, 326));
  // Rows 3 to 8 of a transposed one are in two panels.
  command.stream3 = stream(300, false, true);
  command.column3 = 3;
  CHECK(places_of(encode(command), program) ==
        touched + reads(kScratchpad, 300, 310) + reads(kScratchpad, 320, 330));
}

TEST_CASE("what is done once touches its own beats, whatever the region has", "[footprint]") {
  const std::vector<std::uint64_t> whole = {access(VectorOpcode::kStore, 0, kOnce | kSectionEnd)};
  const std::vector<std::uint64_t> first = {
      access(VectorOpcode::kStore, 0, kOnce | kSectionEnd | kAlternate)};
  VectorCommand command = vector(1);
  command.rows = 3;
  command.columns = 2;
  command.stream0 = stream(50, true, true);  // lines are columns
  command.stride0 = 100;
  const Places program = reads(kPrograms, 0, 1);
  // By rows a beat of all 4 lanes at row 0, column 0.
  CHECK(places_of(encode(command), whole) == program + writes(kAccumulator, 50, 54));
  // Down 8 rows of the beat, or the first one.
  command.walk = kWalkDown;
  command.stream0 = stream(50, true);
  CHECK(places_of(encode(command), whole) == program + writes(kAccumulator, 50, 58));
  CHECK(places_of(encode(command), first) == program + writes(kAccumulator, 50, 51));
  // Across the beats of row 0: 40 columns are groups of 32 and 8; or their first ones.
  command.walk = kWalkAcross;
  command.columns = 40;
  Places panels;
  for (const std::int64_t panel : {0, 1, 2, 3, 4})
    panels.insert({kAccumulator, true, 50 + 100 * panel});
  CHECK(places_of(encode(command), whole) == program + panels);
  CHECK(places_of(encode(command), first) ==
        program + writes(kAccumulator, 50, 51) + writes(kAccumulator, 450, 451));
}

TEST_CASE("by rows a section of strips ends the program", "[footprint]") {
  VectorCommand command = vector(2);
  command.stream1 = stream(100);
  command.stride1 = 6;
  const std::vector<std::uint64_t> program = {access(VectorOpcode::kStore, 1, kSectionEnd),
                                              access(VectorOpcode::kStore, 0)};
  CHECK(places_of(encode(command), program) ==
        reads(kPrograms, 0, 1) + writes(kScratchpad, 100, 112));
  command.walk = kWalkDown;
  CHECK(places_of(encode(command), program) ==
        reads(kPrograms, 0, 2) + writes(kScratchpad, 100, 112) + writes(kScratchpad, 0, 6));
}

TEST_CASE("a vector command runs what the loads before it have left in the program memory",
          "[footprint]") {
  CompiledStep step;
  step.program_address = 1 << 20;
  step.instructions.assign(32, access(VectorOpcode::kAdd, 0));
  step.instructions[16] = access(VectorOpcode::kStore, 0);
  VectorCommand command = vector(1);
  command.columns = 1;
  LoadCommand load;
  load.target = kTargetProgram;
  load.rows = 1;
  load.address_lo = (1 << 20) + kPanelRowBytes;  // instruction 16, to place 0
  Footprints footprints(step, test::narrow_machine());
  CHECK(footprints.next(encode(command)).size() == 1);  // the program alone
  footprints.next(encode(load));
  CHECK(footprints.next(encode(command)).size() == 2);
  footprints.next(encode(HaltCommand{}));
  CHECK(footprints.next(encode(NopCommand{})).empty());
}

TEST_CASE("random vector commands touch the lines of their beats", "[footprint]") {
  const std::uint64_t seed = 11;
  std::mt19937_64 random(seed);
  const auto below = [&](std::uint64_t end) { return static_cast<std::uint32_t>(random() % end); };
  int mixed = 0;
  for (int round = 0; round < 4000; ++round) {
    MachineShape shape = test::narrow_machine();
    shape.vector_lanes = 1 << below(4);
    VectorCommand command;
    command.walk = below(3);
    command.rows = 1 + below(20);
    command.columns = 1 + below(round % 2 == 0 ? 12 : 80);
    command.first_instruction = below(3);
    command.length = 1 + below(6);
    const auto word = [&] {
      return stream(below(500), below(2), below(2), below(3) == 0, below(3) == 0);
    };
    for (std::uint32_t* one :
         {&command.stream0, &command.stream1, &command.stream2, &command.stream3})
      *one = word();
    for (std::uint32_t* stride :
         {&command.stride0, &command.stride1, &command.stride2, &command.stride3})
      *stride = below(50);
    for (std::uint32_t* column :
         {&command.column0, &command.column1, &command.column2, &command.column3})
      *column = below(8);
    // Along a line beats begin where they do in a line.
    const auto aligned = [&](std::uint32_t one, std::uint32_t& column) {
      if (!decode_stream_word(one).transposed)
        column -= column % static_cast<std::uint32_t>(shape.vector_lanes);
    };
    aligned(command.stream0, command.column0);
    aligned(command.stream1, command.column1);
    aligned(command.stream2, command.column2);
    aligned(command.stream3, command.column3);
    std::vector<std::uint64_t> program;
    const bool mixes = below(4) == 0;
    std::uint32_t once = 0;
    for (int i = 0; i < 10; ++i) {
      const bool begins = program.empty() || (program.back() >> 61 & 1) != 0;
      if (mixes || begins) once = below(2);
      const std::uint32_t flags = once * kOnce | below(2) * kSectionEnd | below(2) * kAlternate;
      program.push_back(access(static_cast<VectorOpcode>(below(3)), below(4), flags));
    }
    INFO("seed " << seed << ", round " << round);
    const Places found = places_of(encode(command), program, shape);
    const Places expected = walked(command, program, shape);
    if (mixes) {  // it may be more
      mixed += found != expected ? 1 : 0;
      CHECK(std::includes(found.begin(), found.end(), expected.begin(), expected.end()));
    } else {
      CHECK(found == expected);
    }
  }
  CHECK(mixed > 0);
}
