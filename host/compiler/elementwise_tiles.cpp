#include "host/compiler/elementwise_tiles.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "host/compiler/ceil_div.h"
#include "models/base/error.h"

namespace corank {
namespace {

const TensorLayout& layout_of_result(const StepContext& step, int op) {
  return step.layout(results_of(step.op(op)).front());
}

bool is_wide(const StepContext& step, const ElementStream& stream) {
  return step.layout(stream.value()).format == ElementFormat::kFp32;
}

}  // namespace

TurnBuffers overlap_buffers(const LocalAreas& areas) {
  return {areas.overlap_line, areas.overlap_lines, areas.overlap_pitch};
}

TurnBuffers alone_buffers(const LocalAreas& areas) {
  return {0, areas.alone_lines, areas.alone_pitch};
}

StreamCount count_streams(const StepContext& step, int op) {
  StreamCount count;
  for (const ElementStream& stream : step.lowering(op).streams)
    ++(is_wide(step, stream) ? count.wide : count.narrow);
  return count;
}

std::int64_t most_lines(const StreamCount& count, std::int64_t buffer_lines,
                        const LocalAreas& areas) {
  std::int64_t lines = std::numeric_limits<std::int64_t>::max();
  if (count.wide > 0) lines = std::min(lines, buffer_lines / count.wide);
  if (count.narrow > 0) lines = std::min(lines, areas.tile_lines / (2 * count.narrow));
  return lines;
}

// Columns in whole memory panels; rather tall than wide, so that what lies together in memory is
// transferred together.
BlockSize tile_size(const StepContext& step, int op, const TurnBuffers& buffers,
                    const LocalAreas& areas) {
  const TensorLayout& place = layout_of_result(step, op);
  const std::int64_t most = most_lines(count_streams(step, op), buffers.lines, areas);
  const std::int64_t panel = lines_of(1, std::min(kPanelColumns, place.columns()), areas.lanes);
  const std::int64_t height = std::min(place.rows(), most / panel);
  if (height >= 1) {
    const std::int64_t panels = ceil_div(place.columns(), kPanelColumns);
    return {height, std::clamp<std::int64_t>(most / height / panel, 1, panels) * kPanelColumns};
  }
  throw KeyError(
      {"compiler.accumulator_kib", "compiler.scratchpad_kib", "accelerator.accumulator.kib",
       "accelerator.scratchpad.kib", "accelerator"},
      fmt::format("{}: not even one row of {} elements fits the local memories: it needs "
                  "{} lines, there are {}; give accelerator.accumulator.kib, "
                  "accelerator.scratchpad.kib or the compiler's limits more",
                  result_name(step.graph, step.op(op)), kPanelColumns, panel, most));
}

std::vector<ElementwiseTile> tiles_of(const StepContext& step, int op, const TurnBuffers& buffers,
                                      const LocalAreas& areas, std::size_t turn) {
  const TensorLayout& place = layout_of_result(step, op);
  const BlockSize size = tile_size(step, op, buffers, areas);
  const StreamCount count = count_streams(step, op);
  ElementwiseTile tile;
  tile.op = op;
  tile.wide_lines = count.wide > 0 ? buffers.lines / count.wide : 0;
  tile.narrow_lines = lines_of(size.rows, std::min(size.columns, place.columns()), areas.lanes);
  std::vector<ElementwiseTile> tiles;
  for (std::int64_t row = 0; row < place.rows(); row += size.rows) {
    for (std::int64_t column = 0; column < place.columns(); column += size.columns, ++turn) {
      tile.block = {-1, row, column, std::min(size.rows, place.rows() - row),
                    std::min(size.columns, place.columns() - column)};
      tile.wide_line = buffers.at(turn);
      tile.narrow_line =
          areas.tile_line + static_cast<std::int64_t>(turn % 2) * count.narrow * tile.narrow_lines;
      tiles.push_back(tile);
    }
  }
  return tiles;
}

void emit(CommandEmitter& emitter, const StepContext& step, const ElementwiseTile& tile) {
  std::int64_t wide_line = tile.wide_line, narrow_line = tile.narrow_line;
  const std::vector<ElementStream>& streams = step.lowering(tile.op).streams;
  std::vector<LocalStream> places;
  for (const ElementStream& stream : streams) {
    Block block = tile.block;
    block.value = stream.value();
    if (stream.is_row) {
      block.row = 0;
      block.rows = 1;
    }
    const bool wide = is_wide(step, stream);
    std::int64_t& line = wide ? wide_line : narrow_line;
    if (stream.operand >= 0) emitter.load(tile.op, block, line);
    places.push_back({emitter.space_of(block.value),
                      {line, block.rows, block.columns},
                      stream.result >= 0,
                      stream.is_row});
    line += wide ? tile.wide_lines : tile.narrow_lines;
  }
  emitter.vector(tile.op, tile.block.rows, tile.block.columns, places);
  for (std::size_t i = 0; i < streams.size(); ++i) {
    if (streams[i].result < 0) continue;
    Block block = tile.block;
    block.value = streams[i].result;
    emitter.store(tile.op, block, places[i].local.line);
  }
}

}  // namespace corank
