// Element-wise ops, in pieces that fit the local memories.

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>

#include "host/compiler/ceil_div.h"
#include "host/compiler/lowering.h"
#include "models/base/error.h"

namespace corank {
namespace {

// A rectangle of a matrix that takes at most `limit` lines, columns in whole memory panels;
// rather tall than wide, so that what lies together in memory is transferred together.
BlockSize elementwise_block(std::int64_t rows, std::int64_t columns, std::int64_t limit,
                            std::int64_t lanes, const std::string& what) {
  const std::int64_t panel = lines_of(1, std::min<std::int64_t>(64, columns), lanes);
  const std::int64_t height = std::min(rows, limit / panel);
  if (height >= 1) {
    const std::int64_t most = ceil_div(columns, 64);
    return {height, std::clamp<std::int64_t>(limit / height / panel, 1, most) * 64};
  }
  throw KeyError(
      {"compiler.accumulator_kib", "compiler.scratchpad_kib", "accelerator.accumulator.kib",
       "accelerator.scratchpad.kib", "accelerator"},
      fmt::format("{}: not even one row of 64 elements fits the local memories: it needs {} "
                  "lines, there are {}; "
                  "give accelerator.accumulator.kib, accelerator.scratchpad.kib or the "
                  "compiler's limits more",
                  what, lines_of(1, std::min<std::int64_t>(64, columns), lanes), limit));
}

template <class Visit>
void for_each_block(const TensorLayout& place, const BlockSize& size, const Visit& visit) {
  for (std::int64_t row = 0; row < place.rows; row += size.rows) {
    for (std::int64_t column = 0; column < place.columns; column += size.columns) {
      visit(Block{-1, row, column, std::min(size.rows, place.rows - row),
                  std::min(size.columns, place.columns - column)});
    }
  }
}

}  // namespace

void Lowering::cut_elementwise(int op) {
  const std::vector<ElementStream>& streams = lowering(op).streams;
  const Op& node = graph_.ops[static_cast<std::size_t>(op)];
  const TensorLayout& place = layout(results_of(node).front());
  const Buffers operand_buffers = buffers();
  const StreamCount count = count_streams(streams);
  const std::int64_t region = count.wide > 0 ? operand_buffers.lines / count.wide : 0;
  const BlockSize size =
      elementwise_block(place.rows, place.columns, lines_for_tile(count, operand_buffers.lines),
                        areas_.lanes, result_name(graph_, node));
  step_.blocks[op] = size;
  const std::int64_t narrow_lines =
      lines_of(size.rows, std::min(size.columns, place.columns), areas_.lanes);
  for_each_block(place, size, [&](const Block& tile) {
    const std::size_t turn = pieces_.size();
    add_piece([=, &streams] {
      std::int64_t wide_line = operand_buffers.at(turn);
      std::int64_t narrow_line =
          areas_.output_line + static_cast<std::int64_t>(turn % 2) * count.narrow * narrow_lines;
      std::vector<Stream> places;
      for (const ElementStream& stream : streams) {
        const ValueId id = stream.operand >= 0 ? stream.operand : stream.result;
        const Space space = local_space(id);
        std::int64_t& line = space == Space::kAccumulator ? wide_line : narrow_line;
        const Block block{id, stream.is_row ? 0 : tile.row, tile.column,
                          stream.is_row ? 1 : tile.rows, tile.columns};
        if (stream.operand >= 0) emit_load(layout(id), block, line);
        places.push_back(
            {space, {line, block.rows, block.columns}, stream.result >= 0, stream.is_row});
        line += space == Space::kAccumulator ? region : narrow_lines;
      }
      emit_vector(op, tile.rows, tile.columns, places);
      for (std::size_t i = 0; i < streams.size(); ++i) {
        if (streams[i].result < 0) continue;
        store({streams[i].result, tile.row, tile.column, tile.rows, tile.columns},
              places[i].local.line);
      }
      return nullptr;
    });
  });
}

bool Lowering::is_element(ValueId id) const {
  return std::any_of(lowerings_.begin(), lowerings_.end(), [&](const OpLowering& lowering) {
    return std::any_of(
        lowering.streams.begin(), lowering.streams.end(),
        [&](const ElementStream& stream) { return stream.operand == id || stream.result == id; });
  });
}

Lowering::StreamCount Lowering::count_streams(const std::vector<ElementStream>& streams) const {
  StreamCount count;
  for (const ElementStream& stream : streams) {
    const ValueId id = stream.operand >= 0 ? stream.operand : stream.result;
    ++(local_space(id) == Space::kAccumulator ? count.wide : count.narrow);
  }
  return count;
}

std::int64_t Lowering::lines_for_tile(const StreamCount& count, std::int64_t buffer_lines) const {
  std::int64_t lines = std::numeric_limits<std::int64_t>::max();
  if (count.wide > 0) lines = std::min(lines, buffer_lines / count.wide);
  if (count.narrow > 0) lines = std::min(lines, areas_.output_lines / (2 * count.narrow));
  return lines;
}

}  // namespace corank
