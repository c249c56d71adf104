#include "host/compiler/indexed_rows_emitter.h"

#include <algorithm>

#include "host/compiler/ceil_div.h"
#include "host/compiler/local_halves.h"

namespace corank {
namespace {

// Indices come by rows of device memory, and each half of the index memory has those of one tile.
constexpr std::int64_t kIndexRow = interface::kPanelColumnsFp32;
constexpr std::int64_t kHalfOfIndices = interface::kIndexWords / 2;

// Rows and columns of the tiles of a matrix in half of a local memory.
struct RowTiles {
  std::int64_t rows = 0, columns = 0;
};

RowTiles tiles_of(std::int64_t columns, std::int64_t lines, std::int64_t lanes) {
  const auto most_rows = [&](std::int64_t width) { return lines / ceil_div(width, lanes); };
  RowTiles tiles{0, columns};
  while (most_rows(tiles.columns) < kIndexRow && tiles.columns > kPanelColumns)
    tiles.columns =
        std::max(kPanelColumns, ceil_div(tiles.columns / 2, kPanelColumns) * kPanelColumns);
  const std::int64_t rows = std::min(kHalfOfIndices, most_rows(tiles.columns));
  tiles.rows = std::max(kIndexRow, rows / kIndexRow * kIndexRow);
  return tiles;
}

void emit_gathered(CommandEmitter& emitter, const StepContext& step, int op,
                   const GatheredRows& rows) {
  const TensorLayout& out = step.layout(rows.out);
  const LocalHalves halves = local_halves(step.machine, step.limits);
  const std::int64_t lanes = memory_lanes(step.machine);
  const Space from = emitter.space_of(rows.table), to = emitter.space_of(rows.out);
  const RowTiles tiles =
      tiles_of(out.columns(), std::min(halves.lines_of(from), halves.lines_of(to)), lanes);
  std::size_t turn = 0;
  for (std::int64_t row = 0; row < out.rows(); row += tiles.rows) {
    const std::int64_t height = std::min(tiles.rows, out.rows() - row);
    for (std::int64_t column = 0; column < out.columns(); column += tiles.columns, ++turn) {
      const std::int64_t width = std::min(tiles.columns, out.columns() - column);
      const auto index = static_cast<std::int64_t>(turn % 2) * kHalfOfIndices;
      emitter.load_indices(op, rows.indices, row, height, index);
      const Local found = emitter.gather(op, {rows.table, 0, column, height, width}, index, height,
                                         halves.line_of(from, turn));
      Local result = found;
      if (!rows.convert.empty()) {
        result.line = halves.line_of(to, turn);
        emitter.vector(op, rows.convert_place, height, width, {{from, found}, {to, result, true}},
                       {});
      }
      emitter.store(op, {rows.out, row, column, height, width}, result.line);
    }
  }
}

// A row may come again right away, so each waits for the one before it: in memory, whose order the
// tokens keep.
void emit_scattered(CommandEmitter& emitter, const StepContext& step, int op,
                    const ScatteredRows& rows) {
  const TensorLayout& in = step.layout(rows.in);
  const LocalHalves halves = local_halves(step.machine, step.limits);
  const std::int64_t lanes = memory_lanes(step.machine);
  const Space from = emitter.space_of(rows.in);
  // The accumulators have the sums, perhaps the summands, and the indices as numbers.
  const std::int64_t half = halves.lines_of(Space::kAccumulator);
  const RowTiles tiles = tiles_of(
      in.columns(), std::min(halves.lines_of(from), half / 2 - kHalfOfIndices / lanes), lanes);
  std::size_t turn = 0;
  for (std::int64_t row = 0; row < in.rows(); row += tiles.rows) {
    const std::int64_t height = std::min(tiles.rows, in.rows() - row);
    for (std::int64_t column = 0; column < in.columns(); column += tiles.columns, ++turn) {
      const std::int64_t width = std::min(tiles.columns, in.columns() - column);
      const auto index = static_cast<std::int64_t>(turn % 2) * kHalfOfIndices;
      emitter.load_indices(op, rows.indices, row, height, index);
      std::int64_t line = halves.line_of(Space::kAccumulator, turn);
      const Local ids = emitter.load(op, {rows.indices, 0, row, 1, height}, line);
      line += lines_of(1, height, lanes);
      const std::int64_t sum_line = line;
      line += lines_of(1, width, lanes);
      const Local summands =
          emitter.load(op, {rows.in, row, column, height, width},
                       from == Space::kAccumulator ? line : halves.line_of(from, turn));
      for (std::int64_t i = 0; i < height; ++i) {
        const Block target{rows.table, 0, column, 1, width};
        const Local sum = emitter.gather(op, target, index + i, 1, sum_line);
        LocalStream summand{from, summands};
        summand.first_row = i;
        LocalStream id{Space::kAccumulator, ids};
        id.is_row = id.is_column = id.transposed = true;
        id.first_column = i;
        emitter.vector(op, rows.add_place, 1, width,
                       {{Space::kAccumulator, sum, true}, summand, id}, {});
        emitter.scatter(op, target, index + i, 1, sum_line);
      }
    }
  }
}

}  // namespace

void emit_indexed_rows(CommandEmitter& emitter, const StepContext& step, int op) {
  const OpLowering& lowering = step.lowering(op);
  for (const GatheredRows& rows : lowering.gathered) emit_gathered(emitter, step, op, rows);
  for (const ScatteredRows& rows : lowering.scattered) emit_scattered(emitter, step, op, rows);
}

}  // namespace corank
