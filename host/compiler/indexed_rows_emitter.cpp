#include "host/compiler/indexed_rows_emitter.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/compiler/ceil_div.h"
#include "host/compiler/local_halves.h"
#include "models/base/error.h"

namespace corank {
namespace {

// Indices come by rows of device memory, and each half of the index memory has those of one tile.
constexpr std::int64_t kIndexRow = interface::kPanelColumnsFp32;
constexpr std::int64_t kHalfOfIndices = interface::kIndexWords / 2;

// How a matrix whose rows are named is gone over.
struct RowTiles {
  std::int64_t indexed = 0;  // rows whose indices come at once
  std::int64_t rows = 0;  // of a tile; as many, or fewer where a local memory has no room for more
  std::int64_t columns = 0;
};

// In so many lines of each half; rows are 0 where not one fits.
RowTiles tiles_of(std::int64_t columns, std::int64_t lines, std::int64_t lanes) {
  const auto most_rows = [&](std::int64_t width) { return lines / ceil_div(width, lanes); };
  RowTiles tiles{kIndexRow, 0, columns};
  while (most_rows(tiles.columns) < kIndexRow && tiles.columns > kPanelColumns)
    tiles.columns =
        std::max(kPanelColumns, ceil_div(tiles.columns / 2, kPanelColumns) * kPanelColumns);
  tiles.rows = std::min(kHalfOfIndices, most_rows(tiles.columns));
  if (tiles.rows >= kIndexRow) tiles.indexed = tiles.rows = tiles.rows / kIndexRow * kIndexRow;
  return tiles;
}

RowTiles tiles_of(const StepContext& step, const GatheredRows& rows) {
  const LocalHalves halves = local_halves(step.machine, step.limits);
  return tiles_of(step.layout(rows.out).columns(),
                  std::min(halves.lines_of(step.space_of(rows.table)),
                           halves.lines_of(step.space_of(rows.out))),
                  memory_lanes(step.machine));
}

// The accumulators have the sums, perhaps the summands, and the indices as numbers.
RowTiles tiles_of(const StepContext& step, const ScatteredRows& rows) {
  const LocalHalves halves = local_halves(step.machine, step.limits);
  const std::int64_t lanes = memory_lanes(step.machine);
  const std::int64_t columns = step.layout(rows.in).columns();
  const std::int64_t summands = halves.lines_of(step.space_of(rows.in));
  const std::int64_t half = halves.lines_of(Space::kAccumulator);
  const RowTiles many =
      tiles_of(columns, std::min(summands, half / 2 - kHalfOfIndices / lanes), lanes);
  if (many.rows >= kIndexRow) return many;
  const std::int64_t width = std::min(columns, kPanelColumns);
  const std::int64_t beside = lines_of(1, kIndexRow, lanes) + lines_of(1, width, lanes);
  const std::int64_t left = std::min(summands, half - beside);
  return {kIndexRow, std::clamp<std::int64_t>(left / lines_of(1, width, lanes), 0, kIndexRow),
          width};
}

struct IndexedTile {
  std::int64_t row = 0, column = 0, rows = 0, columns = 0;
};

// Rows whose indices come at once, and the place of the index memory that they come to.
struct IndexedRows {
  std::int64_t first = 0, count = 0, index = 0;
  std::size_t turn = 0;
};

// Calls load(rows) for rows of the matrix, and visit(rows, tile, turn) for each tile of them.
template <class Load, class Visit>
void go_over(const RowTiles& tiles, const TensorLayout& matrix, const Load& load,
             const Visit& visit) {
  std::size_t turn = 0;
  IndexedRows rows;
  for (; rows.first < matrix.rows(); rows.first += tiles.indexed) {
    const std::int64_t end = std::min(matrix.rows(), rows.first + tiles.indexed);
    rows.count = end - rows.first;
    for (std::int64_t column = 0; column < matrix.columns(); column += tiles.columns, ++rows.turn) {
      const std::int64_t width = std::min(tiles.columns, matrix.columns() - column);
      rows.index = static_cast<std::int64_t>(rows.turn % 2) * kHalfOfIndices;
      load(rows);
      for (std::int64_t row = rows.first; row < end; row += tiles.rows, ++turn)
        visit(rows, IndexedTile{row, column, std::min(tiles.rows, end - row), width}, turn);
    }
  }
}

void emit_gathered(CommandEmitter& emitter, const StepContext& step, int op,
                   const GatheredRows& gathered) {
  const LocalHalves halves = local_halves(step.machine, step.limits);
  const Space from = emitter.space_of(gathered.table), to = emitter.space_of(gathered.out);
  const auto load = [&](const IndexedRows& rows) {
    emitter.load_indices(op, gathered.indices, rows.first, rows.count, rows.index);
  };
  const auto visit = [&](const IndexedRows& rows, const IndexedTile& tile, std::size_t turn) {
    const Local found =
        emitter.gather(op, {gathered.table, 0, tile.column, tile.rows, tile.columns},
                       rows.index + tile.row - rows.first, tile.rows, halves.line_of(from, turn));
    Local result = found;
    if (!gathered.convert.empty()) {
      result.line = halves.line_of(to, turn);
      emitter.vector(op, gathered.convert_place, tile.rows, tile.columns,
                     {{from, found}, {to, result, true}}, {});
    }
    emitter.store(op, {gathered.out, tile.row, tile.column, tile.rows, tile.columns}, result.line);
  };
  go_over(tiles_of(step, gathered), step.layout(gathered.out), load, visit);
}

// A row may come again right away, so each waits for the one before it: in memory, whose order the
// tokens keep.
void emit_scattered(CommandEmitter& emitter, const StepContext& step, int op,
                    const ScatteredRows& scattered) {
  const LocalHalves halves = local_halves(step.machine, step.limits);
  const std::int64_t lanes = memory_lanes(step.machine);
  const Space from = emitter.space_of(scattered.in);
  Local ids;
  const auto load = [&](const IndexedRows& rows) {
    emitter.load_indices(op, scattered.indices, rows.first, rows.count, rows.index);
    ids = emitter.load(op, {scattered.indices, 0, rows.first, 1, rows.count},
                       halves.line_of(Space::kAccumulator, rows.turn));
  };
  const auto visit = [&](const IndexedRows& rows, const IndexedTile& tile, std::size_t turn) {
    const std::int64_t sum_line = ids.line + lines_of(1, rows.count, lanes);
    const std::int64_t line = from == Space::kAccumulator
                                  ? sum_line + lines_of(1, tile.columns, lanes)
                                  : halves.line_of(from, turn);
    const Local summands =
        emitter.load(op, {scattered.in, tile.row, tile.column, tile.rows, tile.columns}, line);
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      const std::int64_t place = tile.row + i - rows.first;
      const Block target{scattered.table, 0, tile.column, 1, tile.columns};
      const Local sum = emitter.gather(op, target, rows.index + place, 1, sum_line);
      LocalStream summand{from, summands};
      summand.first_row = i;
      LocalStream id{Space::kAccumulator, ids};
      id.is_row = id.is_column = id.transposed = true;
      id.first_column = place;
      emitter.vector(op, scattered.add_place, 1, tile.columns,
                     {{Space::kAccumulator, sum, true}, summand, id}, {});
      emitter.scatter(op, target, rows.index + place, 1, sum_line);
    }
  };
  go_over(tiles_of(step, scattered), step.layout(scattered.in), load, visit);
}

void check_rows(const StepContext& step, int op, const RowTiles& tiles) {
  if (tiles.rows > 0) return;
  throw KeyError(
      {"compiler.accumulator_kib", "compiler.scratchpad_kib", "accelerator.accumulator.kib",
       "accelerator.scratchpad.kib", "accelerator"},
      fmt::format("{} ({}): not even {} elements of one row fit half of the local "
                  "memories beside what goes with them; give accelerator.accumulator.kib, "
                  "accelerator.scratchpad.kib or the compiler's limits more",
                  result_name(step.graph, step.op(op)), name_of(step.op(op)), tiles.columns));
}

}  // namespace

void check_indexed_rows(const StepContext& step, int op) {
  const OpLowering& lowering = step.lowering(op);
  for (const GatheredRows& rows : lowering.gathered) check_rows(step, op, tiles_of(step, rows));
  for (const ScatteredRows& rows : lowering.scattered) check_rows(step, op, tiles_of(step, rows));
}

void emit_indexed_rows(CommandEmitter& emitter, const StepContext& step, int op) {
  const OpLowering& lowering = step.lowering(op);
  for (const GatheredRows& rows : lowering.gathered) emit_gathered(emitter, step, op, rows);
  for (const ScatteredRows& rows : lowering.scattered) emit_scattered(emitter, step, op, rows);
}

}  // namespace corank
