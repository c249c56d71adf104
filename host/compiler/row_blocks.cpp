#include "host/compiler/row_blocks.h"

#include <algorithm>

#include "host/compiler/block_size.h"
#include "host/compiler/ceil_div.h"
#include "host/compiler/local_halves.h"
#include "host/compiler/region_blocks.h"
#include "host/compiler/region_emitter.h"

namespace corank {
namespace {

using interface::kStripBeats;
using interface::VectorOpcode;
using Meets = RegionBlock::Meets;

// What a pass takes where lanes are `rows` rows of a tile.
class RowTime {
 public:
  RowTime(const StepContext& step, const RegionPass& pass, std::int64_t rows)
      : step_(step), pass_(pass) {
    const std::int64_t segment = RegionShape(step, pass).segment();
    groups_ = pass.rows / segment * ceil_div(segment, rows);
  }

  // Each row is loaded once; what is loaded runs beside what is computed.
  double of_whole_rows() const {
    double vector = 0;
    for (const RegionStep& one : pass_.steps) {
      vector += one.walk == RegionStep::Walk::kRows
                    ? reducing(one.program)
                    : static_cast<double>(
                          ceil_div(pass_.rows * pass_.columns, step_.machine.vector_lanes) *
                          cycles_per_beat(one.program));
    }
    double bytes = 0;
    for (const RegionBlock& block : pass_.blocks) {
      bytes += block.operand >= 0 ? bytes_of(block, 1) : 0;
      bytes += block.result >= 0 ? bytes_of(block, 1) : 0;
    }
    return std::max(vector, memory(bytes));
  }

  double of_phases() const {
    double time = 0;
    for (const RowPhase& phase : pass_.phases) {
      double bytes = 0;
      for (std::size_t i = 0; i < phase.streams.size(); ++i) {
        const RegionBlock& block = pass_.blocks[phase.streams[i].block];
        if (accesses(phase.program, VectorOpcode::kLoad, i)) bytes += bytes_of(block, groups_);
        if (accesses(phase.program, VectorOpcode::kStore, i)) bytes += bytes_of(block, groups_);
      }
      time += std::max(reducing(phase.program), memory(bytes));
    }
    return time;
  }

 private:
  double reducing(const VectorProgram& program) const {
    const BeatCycles cycles = beat_cycles(program);
    const std::int64_t beats = ceil_div(pass_.columns, kStripBeats) * cycles.strips + cycles.once;
    return static_cast<double>(groups_ * beats * kStripBeats);
  }
  // Of a row that all rows meet, so many times; a vector is next to nothing.
  double bytes_of(const RegionBlock& block, std::int64_t times) const {
    const std::int64_t panels =
        ceil_div(pass_.columns, 8 * kPanelRowBytes / bits_of(format_of(step_, block)));
    const std::int64_t rows = block.meets == Meets::kElements ? pass_.rows
                              : block.meets == Meets::kRow    ? times
                                                              : 0;
    return static_cast<double>(rows * panels * kPanelRowBytes);
  }
  double memory(double bytes) const { return bytes / bytes_per_cycle(step_.machine, step_.memory); }

  const StepContext& step_;
  const RegionPass& pass_;
  std::int64_t groups_ = 0;
};

bool go_by_phases(const StepContext& step, const RegionPass& pass) {
  if (pass.phases.empty()) return false;
  const std::int64_t lanes = step.machine.vector_lanes;
  const std::int64_t whole = tiles_of(step, pass).rows;
  if (whole >= std::min(lanes, RegionShape(step, pass).segment())) return false;
  const RowBlocks blocks = row_blocks_of(step, pass);
  if (blocks.rows == 0 || whole == 0) return blocks.rows > 0;
  return RowTime(step, pass, blocks.rows).of_phases() < RowTime(step, pass, whole).of_whole_rows();
}

}  // namespace

bool has_own_parts(const StepContext& step, const RegionPass& pass, const RowBlocks& blocks) {
  return blocks.rows < step.machine.vector_lanes && blocks.rows < pass.rows;
}

std::vector<const RegionBlock*> vectors_of_phases(const RegionPass& pass) {
  std::vector<const RegionBlock*> vectors;
  for (const RowPhase& phase : pass.phases) {
    for (const RegionStream& stream : phase.streams) {
      const RegionBlock* block = &pass.blocks[stream.block];
      const bool known = std::find(vectors.begin(), vectors.end(), block) != vectors.end();
      if (block->meets == Meets::kColumn && !known) vectors.push_back(block);
    }
  }
  return vectors;
}

std::array<std::int64_t, 2> lines_of(const StepContext& step, const RegionPass& pass,
                                     const RowBlocks& blocks) {
  const RegionShape shape(step, pass);
  const std::int64_t lanes = memory_lanes(step.machine);
  std::array<std::int64_t, 2> lines{};
  const std::int64_t of_vector =
      corank::lines_of(1, kVectorPiece, lanes) +
      (has_own_parts(step, pass, blocks) ? corank::lines_of(1, blocks.rows, lanes) : 0);
  lines[index_of(Space::kAccumulator)] =
      static_cast<std::int64_t>(vectors_of_phases(pass).size()) * of_vector;
  std::array<std::int64_t, 2> most{};
  for (const RowPhase& phase : pass.phases) {
    std::array<std::int64_t, 2> sums{};
    for (const RegionStream& stream : phase.streams) {
      const RegionBlock& block = pass.blocks[stream.block];
      if (block.meets == Meets::kColumn) continue;
      sums[index_of(block_space(step, block))] +=
          shape.lines_of(shape.block_of(block, {0, 0, blocks.rows, blocks.columns}));
    }
    for (const std::size_t space : {0, 1}) most[space] = std::max(most[space], sums[space]);
  }
  for (const std::size_t space : {0, 1}) lines[space] += most[space];
  return lines;
}

RowBlocks row_blocks_of(const StepContext& step, const RegionPass& pass) {
  const LocalHalves halves = local_halves(step.machine, step.limits);
  const auto fits = [&](std::int64_t rows, std::int64_t panels) {
    const auto lines = lines_of(step, pass, {rows, std::min(pass.columns, panels * kPanelColumns)});
    return lines[0] <= halves.lines[0] && lines[1] <= halves.lines[1];
  };
  std::int64_t rows =
      std::min<std::int64_t>(RegionShape(step, pass).segment(), step.machine.vector_lanes);
  while (rows > 0 && !fits(rows, 1)) rows /= 2;
  if (rows == 0) return {};
  const std::int64_t all = ceil_div(pass.columns, kPanelColumns);
  std::int64_t low = 1, high = all + 1;  // panels; low fits, high is too many
  while (low + 1 < high) {
    const std::int64_t middle = (low + high) / 2;
    (fits(rows, middle) ? low : high) = middle;
  }
  const std::int64_t panels = ceil_div(all, ceil_div(all, low));  // alike
  return {rows, std::min(pass.columns, panels * kPanelColumns)};
}

void choose_phases(const StepContext& step, std::vector<OpLowering>& lowerings) {
  for (OpLowering& lowering : lowerings)
    for (RegionPass& pass : lowering.passes) pass.by_phases = go_by_phases(step, pass);
}

}  // namespace corank
