// Counts worked out by hand, on a machine of 3 x 5 with 4 vector lanes and a bus of 16 bytes: a
// local line has 8 elements.
#include "host/driver/account.h"

#include <catch2/catch.hpp>

#include "tests/host/narrow_machine.h"

using namespace corank;
using namespace corank::interface;

namespace {

class Counts {
 public:
  explicit Counts(const std::vector<CommandWords>& commands,
                  const std::vector<std::uint64_t>& program = {}, int burst_beats = 64) {
    CompiledStep step;
    for (const CommandWords& words : commands) step.commands.push_back({words, -1});
    step.instructions = program;
    counts_ = account(step, test::narrow_machine(), burst_beats);
  }

  std::uint64_t operator[](Counter counter) const { return counts_.at(counter); }

  /// Sum over every counter but the fetch's, which every command has.
  std::uint64_t all_but_fetch() const {
    std::uint64_t sum = 0;
    for (const auto& [counter, count] : counts_) {
      if (counter != Counter::kFetchBursts && counter != Counter::kFetchBeats) sum += count;
    }
    return sum;
  }

 private:
  std::map<Counter, std::uint64_t> counts_;
};

std::uint64_t instruction(VectorOpcode opcode, std::uint64_t stream = 0) {
  return stream << 54 | static_cast<std::uint64_t>(opcode) << 32;
}

GemmCommand gemm(std::uint32_t rows, std::uint32_t depth, std::uint32_t columns) {
  GemmCommand command;
  command.rows = rows;
  command.depth = depth;
  command.columns = columns;
  return command;
}

/// Bytes that the accumulator memory takes for one row: 4 for each column and each tile of depth.
std::uint64_t depth_tiles(std::uint32_t depth) {
  return Counts({encode(gemm(1, depth, 1))})[Counter::kAccumulatorWriteBytes] / 4;
}

/// The streamed element of a row is read once for each tile of columns, the stationary ones once.
std::uint64_t column_tiles(std::uint32_t columns) {
  return Counts({encode(gemm(1, 1, columns))})[Counter::kScratchpadReadBytes] / 2 - columns;
}

}  // namespace

TEST_CASE("every command costs one fetch of 64 bytes, a halt nothing else", "[account]") {
  const Counts counts({encode(NopCommand{}), encode(HaltCommand{})});
  CHECK(counts[Counter::kFetchBursts] == 2);
  CHECK(counts[Counter::kFetchBeats] == 8);
  CHECK(counts.all_but_fetch() == 0);
}

TEST_CASE("a gemm of 7 x 10 . 10 x 12, counted by hand", "[account]") {
  GemmCommand command = gemm(7, 10, 12);
  command.kind = 6;
  // Depth 10: a line of 8 is 3 + 3 + 2, then 2: 4 tiles. Columns 12: 5 + 3, then 4: 3 tiles.
  const Counts counts({encode(command)});
  CHECK(counts[Counter::kGemmMacs6] == 7 * 10 * 12);
  CHECK(counts[Counter::kGemmMacs0] == 0);
  CHECK(counts[Counter::kScratchpadReadBytes] == 2 * (7 * 10 * 3 + 10 * 12));
  CHECK(counts[Counter::kAccumulatorWriteBytes] == 4 * 7 * 12 * 4);
  CHECK(counts[Counter::kAccumulatorReadBytes] == 4 * 7 * 12 * 3);  // the first tile starts from +0
  CHECK(counts[Counter::kScratchpadWriteBytes] == 0);
  CHECK(counts[Counter::kCommandsArray] == 1);

  command.accumulate = 1;
  CHECK(Counts({encode(command)})[Counter::kAccumulatorReadBytes] == 4 * 7 * 12 * 4);
}

TEST_CASE("tiles end at the array's edge and at the end of a line", "[account]") {
  // 3 rows, lines of 8: a line is cut into 3 + 3 + 2.
  CHECK(depth_tiles(1) == 1);
  CHECK(depth_tiles(3) == 1);
  CHECK(depth_tiles(4) == 2);
  CHECK(depth_tiles(6) == 2);
  CHECK(depth_tiles(7) == 3);
  CHECK(depth_tiles(8) == 3);
  CHECK(depth_tiles(9) == 4);
  CHECK(depth_tiles(16) == 6);
  CHECK(depth_tiles(17) == 7);
  // 5 columns, lines of 8: a line is cut into 5 + 3.
  CHECK(column_tiles(1) == 1);
  CHECK(column_tiles(5) == 1);
  CHECK(column_tiles(6) == 2);
  CHECK(column_tiles(8) == 2);
  CHECK(column_tiles(9) == 3);
  CHECK(column_tiles(13) == 3);
  CHECK(column_tiles(14) == 4);
}

TEST_CASE("a load of packed weights reads scales and codes, and writes the decoded columns",
          "[account]") {
  LoadQuantizedCommand load;
  load.address_lo = 4096 + 64;
  load.rows = 70;
  load.columns = 66;  // two panels
  load.element = kElementNf4;
  load.scale = kNumberFp32;  // 4 bytes a row: 16 rows a unit of 64 bytes
  load.panel_stride = 64 * (5 + 35);
  // A panel: 5 units of scales, 35 of codes, 2560 bytes = 160 beats in bursts of 16: 10. The first
  // panel is from 4160 to 6720, the second one to 9280: of its bursts one ends at 8192, 192 bytes
  // from where it began, so there are 11 of them.
  Counts counts({encode(load)});
  CHECK(counts[Counter::kLoadBeats] == 320);
  CHECK(counts[Counter::kLoadBursts] == 10 + 11);
  CHECK(counts[Counter::kDecodedElements] == 70 * 66);
  CHECK(counts[Counter::kScratchpadWriteBytes] == 70 * 66 * 2);
  CHECK(counts[Counter::kCommandsLoad] == 1);
  // Bursts as short as the register asks for.
  counts = Counts({encode(load)}, {}, 8);
  CHECK(counts[Counter::kLoadBursts] == 20 + 21);
  // 8 bits, BF16 scales with minimums, two a row: 8 bytes, 8 rows a unit.
  load.element = kElementSigned8;
  load.scale = kNumberBf16;
  load.minimums = load.two_scales = 1;
  load.columns = 64;
  CHECK(Counts({encode(load)})[Counter::kLoadBeats] == 4 * (9 + 70));
}

TEST_CASE("a load of scales reads rows of 128 bytes, and writes no local memory", "[account]") {
  LoadScalesCommand load;
  load.address_lo = 8192 - 128;
  load.rows = 8;
  const Counts counts({encode(load)});
  CHECK(counts[Counter::kLoadBeats] == 64);
  CHECK(counts[Counter::kLoadBursts] == 2);  // a page ends after the first row
  CHECK(counts[Counter::kCommandsLoad] == 1);
  CHECK(counts.all_but_fetch() == 64 + 2 + 1);
}

TEST_CASE("a load reads whole panel rows and writes the valid columns", "[account]") {
  LoadCommand load;
  load.address_lo = 4096;
  load.rows = 5;
  load.columns = 70;  // BF16: two panels of 64
  load.panel_stride = 5 * 128;
  const Counts counts({encode(load)});
  // A panel: 640 bytes = 40 beats, in one burst of at most 64 beats; nothing crosses 8192.
  CHECK(counts[Counter::kLoadBursts] == 2);
  CHECK(counts[Counter::kLoadBeats] == 80);
  CHECK(counts[Counter::kScratchpadWriteBytes] == 5 * 70 * 2);
  CHECK(counts[Counter::kAccumulatorWriteBytes] == 0);
  CHECK(counts[Counter::kCommandsLoad] == 1);

  load.target = 1;  // FP32: three panels of 32
  const Counts wide({encode(load)});
  CHECK(wide[Counter::kLoadBursts] == 3);
  CHECK(wide[Counter::kLoadBeats] == 120);
  CHECK(wide[Counter::kAccumulatorWriteBytes] == 5 * 70 * 4);
  CHECK(wide[Counter::kScratchpadWriteBytes] == 0);
}

TEST_CASE("bursts end at their limit and at every 4 KiB", "[account]") {
  LoadCommand load;
  load.address_lo = 4096 - 256;
  load.rows = 10;  // 1280 bytes: 256 to the boundary, 1024 = 64 beats after it
  load.columns = 1;
  CHECK(Counts({encode(load)})[Counter::kLoadBursts] == 2);
  CHECK(Counts({encode(load)}, {}, 256)[Counter::kLoadBursts] == 2);
  // 7 beats are 112 bytes: 256 = 2 x 112 + 32, 1024 = 9 x 112 + 16.
  CHECK(Counts({encode(load)}, {}, 7)[Counter::kLoadBursts] == 3 + 10);
  CHECK(Counts({encode(load)}, {}, 1)[Counter::kLoadBursts] == 80);
  load.address_lo = 0;
  load.rows = 65;  // two pages and 128 bytes, with bursts of a whole page
  CHECK(Counts({encode(load)}, {}, 256)[Counter::kLoadBursts] == 3);
}

TEST_CASE("a load of vector programs writes neither local memory", "[account]") {
  LoadCommand load;
  load.target = 2;
  load.rows = 3;
  load.columns = 16;  // instructions of 8 bytes: one panel
  const Counts counts({encode(load)});
  CHECK(counts[Counter::kLoadBeats] == 24);
  CHECK(counts[Counter::kScratchpadWriteBytes] + counts[Counter::kAccumulatorWriteBytes] == 0);
}

TEST_CASE("a gather has the bursts of its rows, in one piece or by panels", "[account]") {
  GatherCommand gather;
  gather.rows = 5;
  gather.columns = 130;  // BF16: three panels, 384 bytes, 24 beats
  gather.row_pitch = 4096;
  gather.panel_stride = 128;
  const Counts whole({encode(gather)});
  CHECK(whole[Counter::kLoadBursts] == 5);
  CHECK(whole[Counter::kLoadBeats] == 5 * 24);
  CHECK(whole[Counter::kScratchpadWriteBytes] == 5 * 130 * 2);
  CHECK(whole[Counter::kCommandsLoad] == 1);
  gather.address_lo = 4096 - 128;  // each row crosses a page
  CHECK(Counts({encode(gather)})[Counter::kLoadBursts] == 10);
  CHECK(Counts({encode(gather)}, {}, 7)[Counter::kLoadBursts] == 5 * (2 + 3));
  gather.panel_stride = 1 << 16;
  const Counts panels({encode(gather)});
  CHECK(panels[Counter::kLoadBursts] == 15);
  CHECK(panels[Counter::kLoadBeats] == 5 * 24);
}

TEST_CASE("a scatter counts as a store", "[account]") {
  ScatterCommand scatter;
  scatter.target = kTargetAccumulator;
  scatter.rows = 5;
  scatter.columns = 33;  // FP32: two panels
  scatter.row_pitch = 256;
  scatter.panel_stride = 128;
  const Counts counts({encode(scatter)});
  CHECK(counts[Counter::kStoreBursts] == 5);
  CHECK(counts[Counter::kStoreBeats] == 5 * 16);
  CHECK(counts[Counter::kAccumulatorReadBytes] == 5 * 33 * 4);
  CHECK(counts[Counter::kCommandsStore] == 1);
}

TEST_CASE("a load of indices is one panel, whatever its columns, and writes no counted memory",
          "[account]") {
  LoadCommand load;
  load.target = kTargetIndices;
  load.rows = 3;
  load.columns = 100;
  const Counts counts({encode(load)});
  CHECK(counts[Counter::kLoadBeats] == 24);
  CHECK(counts[Counter::kScratchpadWriteBytes] + counts[Counter::kAccumulatorWriteBytes] == 0);
}

TEST_CASE("a store reads the valid columns and sends whole panel rows", "[account]") {
  StoreCommand store;
  store.rows = 6;
  store.columns = 33;
  store.panel_stride = 6 * 128;
  const Counts narrow({encode(store)});  // BF16: one panel of 64
  CHECK(narrow[Counter::kStoreBursts] == 1);
  CHECK(narrow[Counter::kStoreBeats] == 48);
  CHECK(narrow[Counter::kScratchpadReadBytes] == 6 * 33 * 2);
  CHECK(narrow[Counter::kCommandsStore] == 1);
  store.target = 1;  // FP32: two panels of 32
  const Counts wide({encode(store)});
  CHECK(wide[Counter::kStoreBursts] == 2);
  CHECK(wide[Counter::kStoreBeats] == 96);
  CHECK(wide[Counter::kAccumulatorReadBytes] == 6 * 33 * 4);
  CHECK(wide[Counter::kScratchpadReadBytes] == 0);
}

TEST_CASE("a vector command counts its instructions once for every element", "[account]") {
  const std::vector<std::uint64_t> program = {
      instruction(VectorOpcode::kDivide),  // before the command's first instruction: not run
      instruction(VectorOpcode::kLoad, 0),  instruction(VectorOpcode::kLoad, 1),
      instruction(VectorOpcode::kAdd),      instruction(VectorOpcode::kSubtract),
      instruction(VectorOpcode::kMultiply), instruction(VectorOpcode::kSquareRoot),
      instruction(VectorOpcode::kMaximum),  instruction(VectorOpcode::kDivide),
      instruction(VectorOpcode::kStore, 2), instruction(VectorOpcode::kStore, 3),
      instruction(VectorOpcode::kDivide)};  // nor this one
  VectorCommand command;
  command.first_instruction = 1;
  command.length = 10;
  command.rows = 3;
  command.columns = 11;                   // 33 elements
  command.stream0 = 1u << 24;             // accumulator memory
  command.stream1 = 1u << 26;             // scratchpad, every row is row 0
  command.stream2 = 7u;                   // scratchpad
  command.stream3 = 1u << 24 | 1u << 25;  // accumulator memory, transposed
  const Counts counts({encode(command)}, program);
  CHECK(counts[Counter::kAccumulatorReadBytes] == 33 * 4);
  CHECK(counts[Counter::kScratchpadReadBytes] == 33 * 2);
  CHECK(counts[Counter::kVectorAdds] == 2 * 33);
  CHECK(counts[Counter::kVectorMultiplies] == 33);
  CHECK(counts[Counter::kVectorSquareRoots] == 33);
  CHECK(counts[Counter::kVectorDivides] == 33);
  CHECK(counts[Counter::kVectorMaximums] == 33);
  CHECK(counts[Counter::kScratchpadWriteBytes] == 33 * 2);
  CHECK(counts[Counter::kAccumulatorWriteBytes] == 33 * 4);
  CHECK(counts[Counter::kVectorRoundings] == 33);  // what goes to the scratchpad
  CHECK(counts[Counter::kCommandsVector] == 1);
}
