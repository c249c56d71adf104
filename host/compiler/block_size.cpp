#include "host/compiler/block_size.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "host/compiler/ceil_div.h"
#include "host/compiler/packed_layout.h"
#include "host/compiler/tiles.h"
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
  const std::int64_t slice =
      areas.sum_bank_lines / rows * areas.lanes / kPanelColumns * kPanelColumns;
  return std::clamp(slice, kPanelColumns, std::max(kPanelColumns, block.columns));
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

// Of a beat: instructions of an epilogue with a scale or a bias (load, one of the two, store).
constexpr double kEpilogueCycles = 3;

constexpr double kCommandBytes = sizeof(interface::CommandWords);
constexpr double kFetchCycles = 10;  // from a command's place in the buffer to its successor's data

// From a row's request to the first one that may read its sums (D of array_unit.sv).
double round_trip(const MachineShape& machine) {
  return interface::pass_latency(machine.array_rows);
}

// Cycles of the gemms of a block of rows x columns, over all products: a pass streams the rows past
// a tile, and the next one cannot start before its tile has a place in the array (array_unit.sv:
// S(i+1) >= P(i+1) + 1, P(i+1) >= S(i) + max(R-1, 1)).
double gemm_cycles(std::int64_t rows, std::int64_t columns, std::int64_t depth,
                   const ContractionShape& shape, const LocalAreas& areas,
                   const MachineShape& machine) {
  const std::int64_t passes = tiles(columns, areas.lanes, machine.array_columns);
  const std::int64_t pass = std::max<std::int64_t>(rows, std::max(machine.array_rows - 1, 1) + 1);
  std::int64_t slices = 0;
  for (const ProductShape& product : shape.products) {
    for (const auto& [chunk, count] : parts(product.depth, depth))
      slices += count * tiles(chunk, areas.lanes, machine.array_rows);
  }
  return static_cast<double>(slices) *
         std::max(static_cast<double>(passes * pass), round_trip(machine));
}

double epilogue_cycles(std::int64_t rows, std::int64_t columns, const MachineShape& machine) {
  return kEpilogueCycles * static_cast<double>(rows * ceil_div(columns, machine.vector_lanes));
}

double array_cycles(const BlockSize& block, const ContractionShape& shape, const LocalAreas& areas,
                    const MachineShape& machine) {
  double cycles = 0;
  for (const auto& [rows, row_count] : parts(shape.rows, block.rows)) {
    for (const auto& [columns, column_count] : parts(shape.columns, block.columns)) {
      const auto count = static_cast<double>(row_count * column_count);
      if (count > 0)
        cycles += count * gemm_cycles(rows, columns, block.depth, shape, areas, machine);
    }
  }
  if (block.sum_buffers == 2) return cycles;
  // The array waits for the first slice, and for its own last row before each slice.
  const std::int64_t columns = std::min(block.columns, shape.columns);
  const std::int64_t slice = std::min(columns, block.slice);
  const double epilogue = epilogue_cycles(std::min(block.rows, shape.rows), slice, machine);
  const std::int64_t blocks =
      ceil_div(shape.rows, block.rows) * ceil_div(shape.columns, block.columns);
  return cycles +
         static_cast<double>(blocks) *
             (epilogue + round_trip(machine) * static_cast<double>(ceil_div(columns, slice)));
}

// Sums that are the result as they are go from the accumulators to memory.
bool has_epilogue(const ContractionShape& shape) { return !shape.output_fp32 || shape.has_bias; }

// What overlaps with nothing: the operands of the first chunk on their way in, and of the last
// block what the vector unit takes it through, and the way out.
double ends(const BlockSize& block, const ContractionShape& shape, const LocalAreas& areas,
            const MachineShape& machine, const MemoryTiming& memory) {
  const std::int64_t rows = std::min(block.rows, shape.rows);
  const std::int64_t columns = std::min(block.columns, shape.columns);
  const std::int64_t slice = block.slice > 0 ? std::min(block.slice, columns) : columns;
  const double loaded = 2.0 * static_cast<double>(areas.lanes) *
                        static_cast<double>(moving_lines(block, shape, areas.lanes) +
                                            stationary_lines(block, shape, areas.lanes));
  const double stored = (shape.output_fp32 ? 4.0 : 2.0) * static_cast<double>(rows * slice);
  return (loaded + stored) / bytes_per_cycle(machine, memory) +
         (has_epilogue(shape) ? epilogue_cycles(rows, slice, machine) : 0);
}

// How often an operand is loaded, whose `round` blocks come round `rounds` times: those that can
// stay meanwhile in `slots` places are loaded once.
double loads_of(std::int64_t round, std::int64_t rounds, std::int64_t slots) {
  const std::int64_t stay = round <= slots ? round : std::max<std::int64_t>(0, slots - kTurns);
  return static_cast<double>(rounds) -
         static_cast<double>((rounds - 1) * stay) / static_cast<double>(round);
}

}  // namespace

double ProductTime::*ProductTime::bound() const {
  double ProductTime::*longest = &ProductTime::array_cycles;
  for (const auto other :
       {&ProductTime::bus_cycles, &ProductTime::command_cycles, &ProductTime::vector_cycles}) {
    if (this->*other > this->*longest) longest = other;
  }
  return longest;
}

ProductTime& ProductTime::operator*=(double times) {
  for (double* one : {&bus_cycles, &array_cycles, &command_cycles, &vector_cycles, &commands})
    *one *= times;
  return *this;
}

ProductTime& ProductTime::operator+=(const ProductTime& other) {
  bus_cycles += other.bus_cycles;
  array_cycles += other.array_cycles;
  command_cycles += other.command_cycles;
  vector_cycles += other.vector_cycles;
  commands += other.commands;
  return *this;
}

double bytes_per_cycle(const MachineShape& machine, const MemoryTiming& memory) {
  const double bus = machine.axi_data_bits / 8.0;
  // Bursts in flight: each is there for the latency and its own beats.
  const double in_flight = memory.outstanding_bursts * memory.burst_beats * bus /
                           (memory.latency_cycles + memory.burst_beats);
  return std::min({bus, memory.bytes_per_cycle, in_flight});
}

ProductTime estimate(const BlockSize& block, const ContractionShape& shape, const LocalAreas& areas,
                     const MachineShape& machine, const MemoryTiming& memory) {
  const std::int64_t row_blocks = ceil_div(shape.rows, block.rows);
  const std::int64_t column_blocks = ceil_div(shape.columns, block.columns);
  std::int64_t chunks = 0;
  const double bandwidth = bytes_per_cycle(machine, memory);
  // An element of a packed weight takes the way to the local memory for at least its share of a
  // line, which the decoder makes in a cycle.
  const double decoded_bytes = bandwidth / static_cast<double>(areas.lanes);
  const auto bytes_of = [&](double bytes, bool packed, std::int64_t elements) {
    return (packed ? std::max(bytes, decoded_bytes) : bytes) * static_cast<double>(elements);
  };
  double moving_bytes = 0, stationary_bytes = 0;
  for (const ProductShape& product : shape.products) {
    chunks += ceil_div(product.depth, block.depth);
    moving_bytes +=
        bytes_of(product.moving_bytes, product.moving_packed, shape.rows * product.depth);
    stationary_bytes += bytes_of(product.stationary_bytes, product.stationary_packed,
                                 shape.columns * product.depth);
  }
  const double moving_loads =
      loads_of(block.columns_outer ? chunks * row_blocks : chunks, column_blocks,
               areas.moving_lines / moving_lines(block, shape, areas.lanes));
  const double stationary_loads =
      loads_of(block.columns_outer ? chunks : chunks * column_blocks, row_blocks,
               areas.stationary_lines / stationary_lines(block, shape, areas.lanes));
  const double output_bytes =
      (shape.output_fp32 ? 4.0 : 2.0) * static_cast<double>(shape.rows * shape.columns);
  // A gemm a chunk, its loads, and what ends a block.
  const auto blocks = static_cast<double>(row_blocks * column_blocks);
  const double commands =
      static_cast<double>(chunks) * (blocks + moving_loads * static_cast<double>(row_blocks) +
                                     stationary_loads * static_cast<double>(column_blocks)) +
      2 * blocks;
  const double bytes = moving_bytes * moving_loads + stationary_bytes * stationary_loads +
                       output_bytes + kCommandBytes * commands;
  return {bytes / bandwidth, array_cycles(block, shape, areas, machine),
          commands * (memory.latency_cycles + kFetchCycles) / interface::kFetchDepth,
          has_epilogue(shape) ? epilogue_cycles(shape.rows, shape.columns, machine) : 0, commands};
}

double tile_cycles(const BlockSize& block, const ContractionShape& shape) {
  // What a tile that the host streams costs the link besides its bytes: the host asks for a free
  // place, which is taken until all rows have moved past. The figure is a choice.
  constexpr double kTileCycles = 1000;
  if (!shape.streamed) return 0;
  return kTileCycles * static_cast<double>(ceil_div(shape.rows, block.rows) *
                                           ceil_div(shape.columns, block.columns));
}

double share_of(const ContractionShape& part, const ContractionShape& whole) {
  const auto macs = [](const ContractionShape& shape) {
    double depth = 0;
    for (const ProductShape& product : shape.products) depth += static_cast<double>(product.depth);
    return static_cast<double>(shape.rows) * static_cast<double>(shape.columns) * depth;
  };
  return macs(part) / macs(whole);
}

std::int64_t moving_lines(const BlockSize& block, const ContractionShape& shape,
                          std::int64_t lanes) {
  return operand_lines(block, shape, lanes, &ProductShape::moving_depth_major,
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

namespace {

// Blocks begin at a panel of every matrix that has the dimension along its rows of memory, and at a
// group of rows of a packed one.
struct Steps {
  std::int64_t rows = 8, columns = kPanelColumns, depth = 8;
};

Steps steps_of(const ContractionShape& shape) {
  static_assert(kPanelColumns % kPackedRows == 0);
  Steps steps;
  if (shape.output_fp32 && !shape.narrow_columns) steps.columns = interface::kPanelColumnsFp32;
  for (const ProductShape& product : shape.products) {
    const bool packed = product.moving_packed || product.stationary_packed;
    if (product.moving_depth_major || product.moving_packed) steps.rows = kPanelColumns;
    if (product.stationary_depth_major || product.stationary_packed) steps.columns = kPanelColumns;
    if (!product.moving_depth_major || !product.stationary_depth_major || packed)
      steps.depth = kPanelColumns;
  }
  return steps;
}

// With so few places for operands, loads run only so few chunks ahead, and the array waits for what
// holds up the memory now and then: 3 for one place, 2 for two, towards 1 for many.
double prefetch(const BlockSize& block, const ContractionShape& shape, const LocalAreas& areas) {
  const std::int64_t places =
      std::min(areas.moving_lines / moving_lines(block, shape, areas.lanes),
               areas.stationary_lines / stationary_lines(block, shape, areas.lanes));
  return places < 2 ? 3 : 1 + 1 / static_cast<double>(places - 1);
}

// For the biases of a block's columns. Those of BF16 have fewer, and keep to the others' bound,
// too: wider blocks were never tried.
std::int64_t bias_lines(const ContractionShape& shape, const LocalAreas& areas) {
  return shape.narrow_bias ? std::min(areas.narrow_bias_lines, areas.bias_lines) : areas.bias_lines;
}

bool fits(const BlockSize& block, std::int64_t places, const ContractionShape& shape,
          const LocalAreas& areas) {
  const std::int64_t columns = std::min(block.columns, shape.columns);
  const std::int64_t sums = lines_of(std::min(block.rows, shape.rows), columns, areas.lanes);
  return places * moving_lines(block, shape, areas.lanes) <= areas.moving_lines &&
         places * stationary_lines(block, shape, areas.lanes) <= areas.stationary_lines &&
         sums <= (block.sum_buffers == 2 ? areas.sum_lines : areas.single_sum_lines) &&
         block.rows <= shape.most_rows && block.depth <= shape.most_depth &&
         (shape.output_fp32 || output_lines(block, shape, areas.lanes) <= areas.output_lines) &&
         (!shape.has_bias || lines_of(1, columns, areas.lanes) <= bias_lines(shape, areas));
}

// Calls visit(block) for every candidate, each in all orders and with one and two buffers of sums.
template <class Visit>
void for_each_candidate(const ContractionShape& shape, const LocalAreas& areas,
                        const CompilerConfig& limits, const Visit& visit) {
  // So many equal parts at most: a choice between the time of the search and what it finds.
  constexpr std::int64_t kRowParts = 4, kColumnParts = 24;
  const Steps steps = steps_of(shape);
  std::int64_t depth = 0;
  for (const ProductShape& product : shape.products) depth = std::max(depth, product.depth);
  const auto columns_of =
      candidates(shape.columns, steps.columns, limits.block_columns, kColumnParts);
  const auto depths_of = candidates(depth, steps.depth, limits.block_depth, 1);
  for (const std::int64_t rows : candidates(shape.rows, steps.rows, limits.block_rows, kRowParts)) {
    for (const std::int64_t columns : columns_of) {
      for (const std::int64_t chunk : depths_of) {
        for (const bool columns_outer : {false, true}) {
          if (shape.columns_outer && !columns_outer) continue;
          BlockSize block{rows, columns, chunk, columns_outer, 2, 0};
          visit(block);
          block.sum_buffers = 1;
          block.slice = slice_of(block, shape, areas);
          visit(block);
        }
      }
    }
  }
}

// Against the longest of the four. A choice, held against all other blocks by
// tests/host/compiler/block_choice_test.cpp.
constexpr double kWeightOfOtherWork = 1.0 / 8;

double cost_of(const BlockSize& block, const ContractionShape& shape, const LocalAreas& areas,
               const MachineShape& machine, const MemoryTiming& memory) {
  const ProductTime time = estimate(block, shape, areas, machine, memory);
  const double other_work = time.sum() + time.bus_cycles * (prefetch(block, shape, areas) - 1);
  return time.longest() + other_work * kWeightOfOtherWork +
         (shape.streamed ? tile_cycles(block, shape) : ends(block, shape, areas, machine, memory));
}

}  // namespace

std::vector<BlockSize> find_block_sizes(const ContractionShape& shape, const LocalAreas& areas,
                                        const MachineShape& machine, const CompilerConfig& limits,
                                        const MemoryTiming& memory, std::size_t most) {
  std::vector<std::pair<double, BlockSize>> found;
  // Two places for operands, so that loads and products overlap; one only where two do not fit.
  for (const std::int64_t places : {2, 1}) {
    if (!found.empty()) break;
    for_each_candidate(shape, areas, limits, [&](const BlockSize& block) {
      if (fits(block, places, shape, areas))
        found.emplace_back(cost_of(block, shape, areas, machine, memory), block);
    });
  }
  const std::size_t count = std::min(most, found.size());
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count), found.end(),
                    [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<BlockSize> best;
  for (std::size_t i = 0; i < count; ++i) best.push_back(found[i].second);
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
  throw KeyError(
      {"compiler.scratchpad_kib", "compiler.accumulator_kib", "compiler.block.rows",
       "compiler.block.columns", "compiler.block.depth", "accelerator.scratchpad.kib",
       "accelerator.accumulator.kib", "accelerator"},
      fmt::format(
          "{}: not even a block of {} rows x {} columns, {} deep, fits the local memories: it "
          "needs "
          "{} lines for the "
          "moving operand (there are {}), {} for the stationary one (there are {}), {} for the "
          "sums (there are {}), {} for the bias (there are {}) and {} for the "
          "output (there are {}); a line holds {} elements. Give accelerator.scratchpad.kib, "
          "accelerator.accumulator.kib or the "
          "compiler's limits more",
          what, smallest.rows, smallest.columns, smallest.depth,
          moving_lines(smallest, shape, areas.lanes), areas.moving_lines,
          stationary_lines(smallest, shape, areas.lanes), areas.stationary_lines, output,
          areas.single_sum_lines,
          shape.has_bias ? lines_of(1, std::min(smallest.columns, shape.columns), areas.lanes) : 0,
          bias_lines(shape, areas), shape.output_fp32 ? 0 : output, areas.output_lines,
          areas.lanes));
}

}  // namespace corank
