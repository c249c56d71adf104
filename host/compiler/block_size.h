// The block sizes of a matrix product, by a cost rule.
//
// A product is computed in blocks of rows x columns of the output, each over chunks of the depth.
// For every candidate the rule estimates what four resources, which overlap, are busy with:
//   bus cycles     = bytes loaded and stored / bytes a cycle of the bus, of the memory behind it or
//   of the bursts in flight, whichever is slowest, where an operand block is loaded again whenever
//   it is needed and the local memory could not keep it;
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
// The rule ranks; of the first few the compiler rehearses each (rehearsal.cpp).
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

#include "host/config/config.h"
#include "sim/cycle/rehearsal.h"

namespace corank {

/// Places for operands that take turns: of the chunk that is multiplied, and of those that are
/// loaded meanwhile. Blocks in further places may stay for the next time.
inline constexpr std::int64_t kTurns = 3;

/// Lines that each use of the local memories may take.
struct LocalAreas {
  std::int64_t lanes = 8;                          // elements of a line
  std::int64_t stream_line = 0, stream_lines = 0;  // scratchpad: streamed operands
  std::int64_t stationary_line = 0,
               stationary_lines = 0;  // scratchpad: stationary operands, other banks
  // scratchpad: operands of products beside another, two buffers of so many lines for each ...
  std::int64_t piece_stream_line = 0, piece_stream_lines = 0;  // ... with the streamed ones
  std::int64_t piece_stationary_line = 0,
               piece_stationary_lines = 0;  // ... with the stationary ones
  std::int64_t rider_line = 0,
               rider_lines = 0;  // scratchpad: a rider's own operand, with the stationary ones
  std::int64_t output_line = 0,
               output_lines = 0;             // scratchpad: results of the vector unit, other banks
  std::int64_t sum_line = 0, sum_pitch = 0;  // accumulators: two buffers, sum_pitch lines apart ...
  std::int64_t sum_lines = 0;                // ... of so many lines each,
  std::int64_t single_sum_lines = 0;         // or one buffer of so many
  std::int64_t sum_bank_lines = 0;           // of a bank
  std::int64_t bias_line = 0, bias_lines = 0;  // accumulators: biases
  std::int64_t beside_line = 0, beside_lines = 0,
               beside_pitch =
                   0;  // accumulators: two buffers for element-wise work beside a product
  std::int64_t alone_lines = 0,
               alone_pitch = 0;  // accumulators: two buffers from line 0, for such work alone
};

/// What a product's own operands and sums must leave room for.
struct BesideUse {
  bool biases = true;
  bool elementwise = true;
  bool products = false;
  bool rider = false;
};

/// Splits the machine's local memories, of which `limits` may leave only a part. Banks are never
/// shared between uses that different units read at once.
LocalAreas local_areas(const MachineShape& machine, const CompilerConfig& limits,
                       const BesideUse& use = {});

/// One product of a contraction, as the array sees it.
struct ProductShape {
  std::int64_t depth = 0;
  bool stream_depth_major = false;      // the streamed matrix lies as [depth, rows]
  bool stationary_depth_major = false;  // the stationary matrix lies as [depth, columns]
};

struct ContractionShape {
  std::int64_t rows = 0, columns = 0;  // of the output; rows are streamed
  std::vector<ProductShape> products;
  bool output_fp32 = false;
  bool has_bias = false;
  bool columns_outer = false;  // the order of the blocks is given: column blocks in the outer loop
  bool streamed = false;  // the stationary operand comes from the host, a column block at a time
  // So that a rider's own operand and sums fit (schedule.h).
  std::int64_t most_rows = kAny, most_depth = kAny;

  static constexpr std::int64_t kAny = std::numeric_limits<std::int64_t>::max();
};

struct BlockSize {
  std::int64_t rows = 0, columns = 0, depth = 0;
  bool columns_outer = false;  // column blocks in the outer loop, row blocks in the inner one
  int sum_buffers = 2;
  std::int64_t slice = 0;  // columns in which the sums of a single buffer are handed over; 0: all
};

/// Local lines of a matrix of rows x columns elements.
std::int64_t lines_of(std::int64_t rows, std::int64_t columns, std::int64_t lanes);

/// Lines of the largest streamed, and of the largest stationary, operand block of any product.
std::int64_t stream_lines(const BlockSize& block, const ContractionShape& shape,
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
