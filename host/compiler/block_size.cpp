#include "host/compiler/block_size.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "host/compiler/ceil_div.h"
#include "models/base/error.h"

namespace corank {
namespace {

std::int64_t round_up(std::int64_t a, std::int64_t b) { return ceil_div(a, b) * b; }

// Multiples of `step`: doubling up to the first that covers `size`, and `size` cut into up to
// `parts` equal parts; or only the one that was asked for.
std::vector<std::int64_t> candidates(std::int64_t size, std::int64_t step, int asked,
                                     std::int64_t parts) {
  const std::int64_t most = round_up(size, step);
  if (asked > 0) return {std::min(round_up(asked, step), most)};
  std::vector<std::int64_t> sizes;
  for (std::int64_t value = step; value < most; value *= 2) sizes.push_back(value);
  for (std::int64_t part = parts; part >= 1; --part)
    sizes.push_back(round_up(ceil_div(size, part), step));
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  return sizes;
}

// A bank's worth of columns, in whole panels of memory: the array and the vector unit then work in
// different banks.
std::int64_t slice_of(const BlockSize& block, const ContractionShape& shape,
                      const LocalAreas& areas) {
  const std::int64_t rows = std::min(block.rows, shape.rows);
  const std::int64_t slice = areas.sum_bank_lines / rows * areas.lanes / 64 * 64;
  return std::clamp<std::int64_t>(slice, 64, std::max<std::int64_t>(64, block.columns));
}

// The largest operand block of any product; `others` is its size across the depth.
std::int64_t operand_lines(const BlockSize& block, const ContractionShape& shape,
                           std::int64_t lanes, bool ProductShape::*depth_major,
                           std::int64_t others) {
  std::int64_t most = 0;
  for (const ProductShape& product : shape.products) {
    const std::int64_t depth = std::min(block.depth, product.depth);
    most = std::max(most, product.*depth_major ? lines_of(depth, others, lanes)
                                               : lines_of(others, depth, lanes));
  }
  return most;
}

// The sizes of the blocks along a dimension, and how many there are of each.
std::array<std::pair<std::int64_t, std::int64_t>, 2> parts(std::int64_t size, std::int64_t block) {
  return {{{block, size / block}, {size % block, size % block > 0 ? 1 : 0}}};
}

// What a tile that the host streams costs the link beside its bytes, about: the host asks for a
// free place, and the place is taken until all rows have streamed past.
constexpr double kTileCycles = 1000;

// Beats of the vector unit's epilogue take about so many cycles: load, scale or bias, store.
constexpr double kEpilogueCycles = 3;

}  // namespace

ProductTime estimate(const BlockSize& block, const ContractionShape& shape, const LocalAreas& areas,
                     const MachineShape& machine, double memory_bytes_per_cycle) {
  const std::int64_t row_blocks = ceil_div(shape.rows, block.rows);
  const std::int64_t column_blocks = ceil_div(shape.columns, block.columns);
  std::int64_t chunks = 0;
  double stream_bytes = 0, stationary_bytes = 0, array_cycles = 0;
  const double latency = 2.0 * machine.array_rows + 3;
  for (const ProductShape& product : shape.products) {
    chunks += ceil_div(product.depth, block.depth);
    stream_bytes += 2.0 * static_cast<double>(shape.rows * product.depth);
    stationary_bytes += 2.0 * static_cast<double>(shape.columns * product.depth);
    const auto slices = static_cast<double>(ceil_div(product.depth, machine.array_rows));
    for (const auto& [rows, row_count] : parts(shape.rows, block.rows)) {
      for (const auto& [columns, column_count] : parts(shape.columns, block.columns)) {
        const auto passes = static_cast<double>(ceil_div(columns, machine.array_columns));
        const auto pass = static_cast<double>(std::max<std::int64_t>(rows, machine.array_rows));
        array_cycles += static_cast<double>(row_count * column_count) * slices *
                        std::max(passes * pass, latency);
      }
    }
  }
  if (block.sum_buffers == 1) {
    // The array waits for the first slice, and for its own last row before each slice.
    const std::int64_t columns = std::min(block.columns, shape.columns);
    const std::int64_t slice = std::min(columns, block.slice);
    const double epilogue = kEpilogueCycles *
                            static_cast<double>(std::min(block.rows, shape.rows) * slice) /
                            machine.vector_lanes;
    array_cycles += static_cast<double>(row_blocks * column_blocks) *
                    (epilogue + latency * static_cast<double>(ceil_div(columns, slice)));
  }
  const std::int64_t stream_slots = areas.stream_lines / stream_lines(block, shape, areas.lanes);
  const std::int64_t stationary_slots =
      areas.stationary_lines / stationary_lines(block, shape, areas.lanes);
  // The blocks come round again and again; those that can stay meanwhile are loaded once.
  const auto loaded = [](std::int64_t round, std::int64_t rounds, std::int64_t slots) {
    const std::int64_t stay = round <= slots ? round : std::max<std::int64_t>(0, slots - kTurns);
    return static_cast<double>(rounds) -
           static_cast<double>((rounds - 1) * stay) / static_cast<double>(round);
  };
  stream_bytes *=
      loaded(block.columns_outer ? chunks * row_blocks : chunks, column_blocks, stream_slots);
  stationary_bytes *=
      loaded(block.columns_outer ? chunks : chunks * column_blocks, row_blocks, stationary_slots);
  const double output_bytes =
      (shape.output_fp32 ? 4.0 : 2.0) * static_cast<double>(shape.rows * shape.columns);
  const double command_bytes =
      64.0 * 3.0 * static_cast<double>(row_blocks * column_blocks * chunks);
  return {(stream_bytes + stationary_bytes + output_bytes + command_bytes) /
              std::min(memory_bytes_per_cycle, machine.axi_data_bits / 8.0),
          array_cycles};
}

std::int64_t lines_of(std::int64_t rows, std::int64_t columns, std::int64_t lanes) {
  return rows * ceil_div(columns, lanes);
}

std::int64_t stream_lines(const BlockSize& block, const ContractionShape& shape,
                          std::int64_t lanes) {
  return operand_lines(block, shape, lanes, &ProductShape::stream_depth_major,
                       std::min(block.rows, shape.rows));
}

std::int64_t stationary_lines(const BlockSize& block, const ContractionShape& shape,
                              std::int64_t lanes) {
  return operand_lines(block, shape, lanes, &ProductShape::stationary_depth_major,
                       std::min(block.columns, shape.columns));
}

std::int64_t output_lines(const BlockSize& block, const ContractionShape& shape,
                          std::int64_t lanes) {
  const std::int64_t columns = std::min(block.columns, shape.columns);
  return lines_of(std::min(block.rows, shape.rows),
                  block.slice > 0 ? std::min(block.slice, columns) : columns, lanes);
}

LocalAreas local_areas(const MachineShape& machine, const CompilerConfig& limits,
                       const BesideUse& use) {
  const std::int64_t lanes = memory_lanes(machine);
  const std::int64_t scratchpad_lines = machine.scratchpad_kib * 1024LL / (lanes * 2);
  const std::int64_t accumulator_lines = machine.accumulator_kib * 1024LL / (lanes * 4);
  // A limit leaves each use its share of the lines, in the same banks.
  const auto share = [](std::int64_t lines, int limit_kib, int kib) {
    return limit_kib > 0 ? lines * std::min(limit_kib, kib) / kib : lines;
  };
  const auto scratchpad = [&](std::int64_t lines) {
    return share(lines, limits.scratchpad_kib, machine.scratchpad_kib);
  };
  const auto accumulator = [&](std::int64_t lines) {
    return share(lines, limits.accumulator_kib, machine.accumulator_kib);
  };

  LocalAreas areas;
  areas.lanes = lanes;
  const std::int64_t eighth =
      scratchpad_lines / 8;  // a whole number of banks: there are at least 8
  areas.stream_line = 0;
  // The array reads both operands at once, so they never share a bank: whatever is streamed with
  // the stationary operands' blocks lies in the first part, and the other way round.
  const std::int64_t piece_streams = use.products ? eighth / 4 : 0;
  const std::int64_t piece_stationaries = use.products ? eighth : 0;
  const std::int64_t rider = use.rider ? eighth / 2 : 0;
  areas.stream_lines = scratchpad(3 * eighth - piece_streams);
  areas.piece_stream_line = 3 * eighth - piece_streams;
  areas.piece_stream_lines = scratchpad(piece_streams / 2);
  areas.stationary_line = 3 * eighth;
  areas.stationary_lines = scratchpad(3 * eighth - piece_stationaries - rider);
  areas.rider_line = 6 * eighth - piece_stationaries - rider;
  areas.rider_lines = scratchpad(rider);
  areas.piece_stationary_line = 6 * eighth - piece_stationaries;
  areas.piece_stationary_lines = scratchpad(piece_stationaries / 2);
  areas.output_line = 6 * eighth;
  areas.output_lines = scratchpad(2 * eighth);
  // The last two banks are for what is not a sum.
  const std::int64_t bank = accumulator_lines / machine.accumulator_banks;
  const std::int64_t other_banks = use.elementwise || use.products || use.rider ? 2
                                   : use.biases                                 ? 1
                                                                                : 0;
  const std::int64_t sum_banks = machine.accumulator_banks - other_banks;
  areas.sum_line = 0;
  areas.sum_pitch = sum_banks / 2 * bank;
  areas.sum_lines = accumulator(areas.sum_pitch);
  areas.single_sum_lines = accumulator(sum_banks * bank);
  areas.sum_bank_lines = bank;
  areas.beside_line = (machine.accumulator_banks - 2) * bank;
  areas.beside_pitch = bank;
  areas.beside_lines = accumulator(bank / 2);
  areas.bias_line = (machine.accumulator_banks - 1) * bank + bank / 2;
  areas.bias_lines = accumulator(bank / 2);
  areas.alone_pitch = accumulator_lines / 2;
  areas.alone_lines = accumulator(accumulator_lines / 2);
  return areas;
}

namespace {

// Blocks begin at a panel of every matrix that has the dimension along its rows of memory.
struct Steps {
  std::int64_t rows = 8, columns = 64, depth = 8;
};

Steps steps_of(const ContractionShape& shape) {
  Steps steps;
  if (shape.output_fp32) steps.columns = 32;
  for (const ProductShape& product : shape.products) {
    if (product.stream_depth_major) steps.rows = 64;
    if (product.stationary_depth_major) steps.columns = 64;
    if (!product.stream_depth_major || !product.stationary_depth_major) steps.depth = 64;
  }
  return steps;
}

// With so few places for operands, loads run only so few chunks ahead, and the array waits for what
// holds up the memory now and then: 3 for one place, 2 for two, towards 1 for many.
double prefetch(const BlockSize& block, const ContractionShape& shape, const LocalAreas& areas) {
  const std::int64_t places =
      std::min(areas.stream_lines / stream_lines(block, shape, areas.lanes),
               areas.stationary_lines / stationary_lines(block, shape, areas.lanes));
  return places < 2 ? 3 : 1 + 1 / static_cast<double>(places - 1);
}

}  // namespace

std::optional<BlockSize> find_block_size(const ContractionShape& shape, const LocalAreas& areas,
                                         const MachineShape& machine, const CompilerConfig& limits,
                                         double memory_bytes_per_cycle) {
  const Steps steps = steps_of(shape);
  std::int64_t depth = 0;
  for (const ProductShape& product : shape.products) depth = std::max(depth, product.depth);
  std::optional<BlockSize> best;
  double best_cost = std::numeric_limits<double>::infinity();
  const auto try_block = [&](BlockSize block, int operand_buffers) {
    if (block.sum_buffers == 1) block.slice = slice_of(block, shape, areas);
    const std::int64_t output = lines_of(std::min(block.rows, shape.rows),
                                         std::min(block.columns, shape.columns), areas.lanes);
    const std::int64_t sum_lines =
        block.sum_buffers == 2 ? areas.sum_lines : areas.single_sum_lines;
    const std::int64_t handed_over = output_lines(block, shape, areas.lanes);
    if (operand_buffers * stream_lines(block, shape, areas.lanes) > areas.stream_lines ||
        operand_buffers * stationary_lines(block, shape, areas.lanes) > areas.stationary_lines ||
        output > sum_lines || block.rows > shape.most_rows || block.depth > shape.most_depth ||
        (!shape.output_fp32 && handed_over > areas.output_lines) ||
        (shape.has_bias &&
         lines_of(1, std::min(block.columns, shape.columns), areas.lanes) > areas.bias_lines)) {
      return;
    }
    const auto [bus, array] = estimate(block, shape, areas, machine, memory_bytes_per_cycle);
    double cost = std::max(bus, array) + (array + bus * prefetch(block, shape, areas)) / 8;
    if (shape.streamed) {
      const std::int64_t blocks =
          ceil_div(shape.rows, block.rows) * ceil_div(shape.columns, block.columns);
      cost += kTileCycles * static_cast<double>(blocks);
    }
    if (cost < best_cost) {
      best_cost = cost;
      best = block;
    }
  };
  // Two buffers for the operands, so that loads and products overlap; one only where two do not
  // fit.
  constexpr std::int64_t kRowParts = 4, kColumnParts = 24;
  const auto row_sizes = candidates(shape.rows, steps.rows, limits.block_rows, kRowParts);
  const auto column_sizes =
      candidates(shape.columns, steps.columns, limits.block_columns, kColumnParts);
  const auto depth_sizes = candidates(depth, steps.depth, limits.block_depth, 1);
  for (const int operand_buffers : {2, 1}) {
    for (const int sum_buffers : {2, 1}) {
      for (const std::int64_t rows : row_sizes) {
        for (const std::int64_t columns : column_sizes) {
          for (const std::int64_t chunk : depth_sizes) {
            for (const bool columns_outer : {false, true}) {
              if (shape.columns_outer && !columns_outer) continue;
              try_block({rows, columns, chunk, columns_outer, sum_buffers, 0}, operand_buffers);
            }
          }
        }
      }
    }
    if (best) break;
  }
  return best;
}

void refuse_blocks(const ContractionShape& shape, const LocalAreas& areas,
                   const CompilerConfig& limits, const std::string& what) {
  const Steps steps = steps_of(shape);
  const auto least = [](std::int64_t size, std::int64_t step, int asked) {
    return candidates(size, step, asked, 1).front();
  };
  std::int64_t depth = 0;
  for (const ProductShape& product : shape.products) depth = std::max(depth, product.depth);
  const BlockSize smallest{least(shape.rows, steps.rows, limits.block_rows),
                           least(shape.columns, steps.columns, limits.block_columns),
                           least(depth, steps.depth, limits.block_depth)};
  const std::int64_t output = lines_of(std::min(smallest.rows, shape.rows),
                                       std::min(smallest.columns, shape.columns), areas.lanes);
  throw InputError(fmt::format(
      "{}: not even a block of {} rows x {} columns, {} deep, fits the local memories: it needs "
      "{} lines for the "
      "streamed operand (there are {}), {} for the stationary one (there are {}), {} for the "
      "sums (there are {}) and {} for the "
      "output (there are {}); a line holds {} elements. Give accelerator.scratchpad.kib, "
      "accelerator.accumulator.kib or the "
      "compiler's limits more",
      what, smallest.rows, smallest.columns, smallest.depth,
      stream_lines(smallest, shape, areas.lanes), areas.stream_lines,
      stationary_lines(smallest, shape, areas.lanes), areas.stationary_lines, output,
      areas.single_sum_lines, shape.output_fp32 ? 0 : output, areas.output_lines, areas.lanes));
}

}  // namespace corank
