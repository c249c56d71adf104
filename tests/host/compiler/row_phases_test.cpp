// Programs that reduce rows, cut into phases, and when rows are gone over so.
#include "host/compiler/row_phases.h"

#include <catch2/catch.hpp>
#include <string>

#include "host/compiler/ops/regions.h"
#include "host/compiler/planner.h"
#include "host/compiler/row_blocks.h"
#include "models/base/error.h"
#include "models/graph/def_use.h"
#include "models/ops/softmax.h"
#include "tests/host/compiler/recorded_functions.h"

using namespace corank;
using interface::VectorOpcode;
using test::decoded;

namespace {

std::vector<std::size_t> blocks_of(const RowPhase& phase) {
  std::vector<std::size_t> blocks;
  for (const RegionStream& stream : phase.streams) blocks.push_back(stream.block);
  return blocks;
}

struct Planned {
  TrainingProgram program;
  PlannedStep step;
  RowBlocks blocks;
  bool by_phases = false;
};

/// Of softmax's gradient, all values FP32, on a machine with 8 lanes and lines of 8 elements, 2048
/// in the accumulators.
Planned planned(std::int64_t rows, std::int64_t columns, const MemoryTiming& memory = {}) {
  Planned one;
  Graph& graph = one.program.graph;
  const Shape shape{1, rows, columns};
  SoftmaxGradient op;
  op.gradient = add_value(graph, {"gradient", shape, DType::F32, Role::kInput});
  op.probabilities = add_value(graph, {"probabilities", shape, DType::F32, Role::kInput});
  op.out = add_value(graph, {"out", shape, DType::F32, Role::kResult});
  graph.ops.push_back(op);
  const MachineShape machine;
  const CompilerConfig limits;
  const CompileTarget target{machine, limits, memory, std::uint64_t{64} << 20};
  one.step = plan_step(one.program, DefUse(graph), target, FusionOptions{});
  const RegionPass& pass = one.step.lowerings.front().passes.front();
  one.blocks = row_blocks_of(one.step.context(graph, target), pass);
  one.by_phases = pass.by_phases;
  return one;
}

}  // namespace

TEST_CASE("a program is cut at its sections of strips, with the streams that each phase uses") {
  enum { kIn = 5, kMean = 1, kOut = 7 };
  std::vector<RegionBlock> blocks(8);
  blocks[kMean] = column_result(3);
  Recorder recorder;
  {
    const Recorded sum = sum_of_columns(recorder, [&] { return recorder.load(kIn); });
    const Recorded mean = once_a_row(recorder, [&] { return sum / 4.0f; });
    recorder.store(kMean, mean);
    recorder.begin_strips();
    recorder.store(kOut, recorder.load(kIn) - mean);
  }
  CHECK_THROWS_AS(recorder.program(), MachineError);  // a command has no stream 5
  const std::vector<RowPhase> phases = row_phases(recorder, blocks);
  REQUIRE(phases.size() == 2);

  // Two chains begin; load, add; both chains, three exchanges, a division, to all beats, a store.
  CHECK(blocks_of(phases[0]) == std::vector<std::size_t>{kIn, kMean});
  CHECK(phases[0].of_first == 2);
  CHECK(phases[0].of_last == 7);
  const std::vector<interface::VectorInstruction> sums = decoded(phases[0].program);
  REQUIRE(sums.size() == 11);
  CHECK(sums[2].opcode == VectorOpcode::kLoad);
  CHECK(sums[2].stream == 0);
  CHECK(sums[10].opcode == VectorOpcode::kStore);
  CHECK(sums[10].stream == 1);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    INFO(i);
    CHECK(sums[i].once == (i < 2 || i > 3));
    CHECK(sums[i].section_end == (i == 1 || i == 3));
  }

  CHECK(blocks_of(phases[1]) == std::vector<std::size_t>{kIn, kOut});
  CHECK(phases[1].of_first == 0);
  CHECK(phases[1].of_last == 0);
  const std::vector<interface::VectorInstruction> differences = decoded(phases[1].program);
  REQUIRE(differences.size() == 3);
  CHECK(differences[0].stream == 0);
  CHECK(differences[1].opcode == VectorOpcode::kSubtract);
  CHECK(differences[1].b == sums[10].a);  // the mean is still in its register
  CHECK(differences[2].stream == 1);
}

TEST_CASE("a phase does not read elements that an earlier one has written") {
  std::vector<RegionBlock> blocks(2);
  Recorder recorder;
  {
    const Recorded sum = sum_of_columns(recorder, [&] {
      Recorded square = recorder.load(0);
      square = square * square;
      recorder.store(1, square);
      return square;
    });
    recorder.begin_strips();
    recorder.store(0, recorder.load(1) - sum);
  }
  CHECK_THROWS_AS(row_phases(recorder, blocks), MachineError);
  blocks[1] = room_for_column();  // a vector stays where it is
  CHECK_NOTHROW(row_phases(recorder, blocks));
}

TEST_CASE("a phase has no more streams than a command") {
  std::vector<RegionBlock> blocks(6);
  const auto record = [](Recorder& recorder, bool cut) {
    const Recorded sum = recorder.load(0) + recorder.load(1);
    recorder.store(2, sum);
    if (cut) recorder.begin_strips();
    recorder.store(3, recorder.load(4) + sum);
  };
  Recorder together, apart;
  together.begin_strips();
  record(together, false);
  CHECK_THROWS_AS(row_phases(together, blocks), MachineError);
  apart.begin_strips();
  record(apart, true);
  CHECK(row_phases(apart, blocks).size() == 2);
}

TEST_CASE("blocks of long rows are as large as half of the local memories allows, and alike") {
  // A panel of 64 columns of 8 rows takes 64 lines of each of three values; half of the
  // accumulators has 1024: up to 5 panels. The 17 panels of 1030 columns are 4 blocks of 5, 5, 5
  // and 2, so of 5; those of 1000 columns, 16, are 4 alike.
  const Planned uneven = planned(8, 1030), even = planned(8, 1000);
  CHECK(uneven.blocks.rows == 8);
  CHECK(uneven.blocks.columns == 320);
  CHECK(even.blocks.columns == 256);
  // Of fewer rows than lanes more columns: 2 rows take 16 lines a panel and value, 21 panels fit.
  const Planned few = planned(2, 2000);
  CHECK(few.blocks.rows == 2);
  CHECK(few.blocks.columns == 1024);  // 32 panels in two blocks
}

TEST_CASE("rows are whole where all lanes have one, and where idle lanes cost less than loads") {
  // 1024 lines have 8 rows of three values with 42 lines: 336 columns.
  CHECK_FALSE(planned(64, 336).by_phases);
  // 7 rows: 10 groups in place of 8, each of 8 instructions a beat and about 43 strips, which take
  // as long as both operands take once more.
  CHECK_FALSE(planned(64, 344).by_phases);
  // 4 rows: twice as many groups.
  CHECK(planned(64, 672).by_phases);
  CHECK_FALSE(planned(4, 672).by_phases);  // there are no more
  // Not one row fits: 2800 columns of three values are 1050 lines.
  CHECK(planned(2, 2800).by_phases);
  // A memory that is slow enough makes loads the longer time.
  MemoryTiming slow;
  slow.bytes_per_cycle = 0.5;
  CHECK_FALSE(planned(64, 672, slow).by_phases);
  CHECK(planned(2, 2800, slow).by_phases);
}
