// The block sizes of a matrix product, by a cost rule.
//
// A product is computed in blocks of rows x columns of the output, each over chunks of the depth.
// For every candidate the rule estimates what four resources, which overlap, are busy with:
//   bus cycles     = bytes loaded and stored / bytes a cycle of the bus, of the memory behind it or
//   of the bursts in flight, whichever is slowest, where an operand block is loaded again whenever
//   it is needed and the local memory could not keep it; of a packed weight its packed bytes, or
//   what its decoder takes, a line of the local memory a cycle, if that is slower;
//   array cycles   = passes x the time of one, or the latency D of the array a depth slice where
//   the block has too few of them, and what the array waits between blocks for its sums. A pass
//   takes a tile of the stationary operand, full or not, so a chunk less deep than the array has
//   rows costs as much as one that is as deep (array_unit.sv);
//   command cycles = commands x what fetching one takes (command_processor.sv);
//   vector cycles  = beats of what ends a block x its instructions (vector_unit.sv).
// The cost is the largest of them plus (p bus + the others) / 8: the second term prefers less work
// of every kind where the largest is the same, and (p, from 3 down to 1) several places for
// operands, so that loads run ahead; plus what overlaps with nothing, the loads of the first chunk
// and the end of the last block.
//
// The rule ranks; of the first few the compiler rehearses each (block_choice.cpp).
//
// Where the stationary operand is streamed from the host, the time of a column block's part is
// added: the array waits for the first one.
//
// The sums of a block have two buffers, or one that is as large as both. A single one is handed
// over in slices of columns: the first products of the next block follow the vector unit through
// it, slice by slice, so that a block with four times the sums of one buffer costs few cycles.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "host/compiler/local_areas.h"
#include "sim/cycle/rehearsal.h"

namespace corank {

/// Places for operands that take turns: of the chunk that is multiplied, and of those that are
/// loaded meanwhile. Blocks in further places may stay for the next time.
inline constexpr std::int64_t kTurns = 3;

/// One product of a contraction, as the array sees it.
struct ProductShape {
  std::int64_t depth = 0;
  bool moving_depth_major = false;      // the moving matrix lies as [depth, rows]
  bool stationary_depth_major = false;  // the stationary matrix lies as [depth, columns]
  // Blocks of a packed matrix begin at groups of rows, too (packed_layout.h).
  bool moving_packed = false, stationary_packed = false;
  double moving_bytes = 2, stationary_bytes = 2;  // of an element in device memory
};

struct ContractionShape {
  std::int64_t rows = 0, columns = 0;  // of the output; rows move past the array
  std::vector<ProductShape> products;
  bool output_fp32 = false;
  bool has_bias = false;
  bool narrow_bias = false;  // of BF16, in the scratchpad
  // Something that goes with the output's columns is BF16, of which a panel has more columns than
  // one of an FP32 output: a bias, or what meets or follows the result (followers.h).
  bool narrow_columns = false;
  bool columns_outer = false;  // the order of the blocks is given: column blocks in the outer loop
  bool streamed = false;  // the stationary operand comes from the host, a column block at a time
  // So that a fused product's own operand and sums fit (schedule.h).
  std::int64_t most_rows = kAny, most_depth = kAny;

  static constexpr std::int64_t kAny = std::numeric_limits<std::int64_t>::max();
};

struct BlockSize {
  std::int64_t rows = 0, columns = 0, depth = 0;
  bool columns_outer = false;  // column blocks in the outer loop, row blocks in the inner one
  int sum_buffers = 2;
  std::int64_t slice = 0;  // columns in which the sums of a single buffer are handed over; 0: all
};

/// Lines of the largest moving, and of the largest stationary, operand block of any product.
std::int64_t moving_lines(const BlockSize& block, const ContractionShape& shape,
                          std::int64_t lanes);
std::int64_t stationary_lines(const BlockSize& block, const ContractionShape& shape,
                              std::int64_t lanes);

/// Lines of the part of a block's output that the vector unit works on at a time.
std::int64_t output_lines(const BlockSize& block, const ContractionShape& shape,
                          std::int64_t lanes);

/// How long a product takes the memory, the array, the command processor and the vector unit, which
/// overlap.
struct ProductTime {
  double bus_cycles = 0, array_cycles = 0, command_cycles = 0, vector_cycles = 0;
  double commands = 0;

  /// The one that takes longest.
  double ProductTime::*bound() const;
  double longest() const { return this->*bound(); }
  double sum() const { return bus_cycles + array_cycles + command_cycles + vector_cycles; }
  ProductTime& operator+=(const ProductTime& other);
  ProductTime& operator*=(double times);
};
ProductTime estimate(const BlockSize& block, const ContractionShape& shape, const LocalAreas& areas,
                     const MachineShape& machine, const MemoryTiming& memory);

/// What streamed weights add: the array waits for the first tile of a column block.
double tile_cycles(const BlockSize& block, const ContractionShape& shape);

/// Of the multiply-accumulates of `whole`, those of a part of it.
double share_of(const ContractionShape& part, const ContractionShape& whole);

/// Bytes a cycle that go between memory and local memories at most.
double bytes_per_cycle(const MachineShape& machine, const MemoryTiming& memory);

/// The blocks that fit, those that the rule prefers first; at most `most` of them.
std::vector<BlockSize> find_block_sizes(const ContractionShape& shape, const LocalAreas& areas,
                                        const MachineShape& machine, const CompilerConfig& limits,
                                        const MemoryTiming& memory, std::size_t most);

/// For a shape without a block: throws KeyError, with the sizes of the smallest one. `what` names
/// the product in that message.
[[noreturn]] void refuse_blocks(const ContractionShape& shape, const LocalAreas& areas,
                                const CompilerConfig& limits, const std::string& what);

}  // namespace corank
