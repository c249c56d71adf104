// How the accelerator carries out an op: one record an op, made in a file of its own in this
// folder.
#pragma once

#include <string>
#include <vector>

#include "host/compiler/vector_program.h"
#include "models/graph/graph.h"

namespace corank {

/// A stream of an element-wise op's program: the operand that it reads and the result that it
/// writes, -1: none. With both, the result takes the operand's place.
struct ElementStream {
  ValueId operand = -1, result = -1;
  bool is_row = false;  // the operand is one row, which meets every row of the others

  ValueId value() const { return operand >= 0 ? operand : result; }
};

/// Rows and columns of a matrix that programs work on, tile by tile.
struct RegionBlock {
  ValueId operand = -1, result = -1;  // with both, the result takes the operand's place
  /// Which elements of the value meet those of a row of the region: of the row that is its own, of
  /// a single one for the whole tile, of a vector the one of the row, or a single one. A vector of
  /// several rows goes on from one to the next, and each has the pass's period.
  enum class Meets { kElements, kRow, kColumn, kScalar } meets = Meets::kElements;
  /// Row r of the region has the value's row r / share, counted modulo the value's rows. With a
  /// pitch, that is first_row + r / period * pitch + r % period, of the pass's period.
  std::int64_t share = 1, first_row = 0, pitch = 0;
  std::int64_t columns = 0;  // of the value; 0: as many as the region has
};

/// A stream of a program: a block, from one of its columns on.
struct RegionStream {
  std::size_t block = 0;
  std::int64_t first_column = 0;
};

/// A program, and how it goes over a tile.
struct RegionStep {
  /// kElements: element by element. kRows: lanes are rows of the tile, strips go along the columns,
  /// so that a program reduces rows. kColumns: strips go down the rows, so that it reduces columns.
  enum class Walk { kElements, kRows, kColumns } walk = Walk::kElements;
  std::vector<RegionStream> streams = {};
  VectorProgram program = {};
  VectorProgram continuation = {};  // of kColumns: what goes on with the results of the rows above
  std::size_t program_place = 0, continuation_place = 0;  // in Programs::places
};

/// A part of a program that reduces rows, for rows that are gone over block by block of columns:
/// one section of strips, which every block executes; before it instructions that only the first
/// block of the row executes, after it those of the last one. Registers go on from block to block
/// and from phase to phase.
struct RowPhase {
  std::vector<RegionStream> streams;
  VectorProgram program;
  std::size_t of_first = 0, of_last = 0;  // instructions at its begin, at its end
  std::size_t program_place = 0;          // in Programs::places
};

/// Steps that are carried out one after another on every tile of a region.
struct RegionPass {
  std::int64_t rows = 0, columns = 0;
  bool turned = false;     // its values lie turned: the rows of the region are their columns
  bool whole_rows = true;  // a tile has all columns
  std::int64_t period =
      0;  // no tile has rows of two periods, in which rows are numbered; 0: any has
  std::vector<RegionBlock> blocks;
  std::vector<RegionStep> steps;
  /// What gives the same results as the steps where rows are not whole; none: they must be.
  std::vector<RowPhase> phases = {};
  bool by_phases = false;  // the compiler has chosen them (host/compiler/row_phases.h)
  VectorProgram copy;      // from stream 0 to stream 1, which lowerings_of() gives
  std::size_t copy_place = 0;
};

/// What an op needs in device memory beside the graph's values: constants, or room.
struct Extra {
  std::string name;
  DType dtype = DType::F32;
  std::int64_t rows = 0, columns = 0;
  std::vector<std::byte> contents;  // row by row; empty: room
};
/// Extra k of an op, where its record names a value; the plan has an id of its own for it.
constexpr ValueId extra_id(int k) { return -2 - k; }

/// A rectangle that goes from one value to another as it is.
struct Move {
  ValueId from = -1;
  std::int64_t row = 0, column = 0;        // there
  std::int64_t to_row = 0, to_column = 0;  // in the op's result
  std::int64_t rows = 0, columns = 0;
};

/// Rectangles that make up a value; where none is, it is filled with a word.
struct Movement {
  ValueId to = -1;
  std::vector<Move> moves;
  bool exact = false;  // the format of `to` holds every bit of what is moved
  VectorProgram copy, fill;
  std::size_t copy_place = 0, fill_place = 0;  // in Programs::places
};

/// Rows of a table that a vector of indices names: out[i] = table[indices[i]]. Or its columns,
/// which are rows where it is stored: transposed.
struct GatheredRows {
  ValueId table = -1, indices = -1, out = -1;
  bool columns = false;
  VectorProgram convert;  // where the formats differ
  std::size_t convert_place = 0;
};

/// table[indices[i]] += in[i], one row, or column, after the other.
struct ScatteredRows {
  ValueId in = -1, indices = -1, table = -1;
  bool columns = false;
  VectorProgram add;
  std::size_t add_place = 0;
};

/// Streams of what ends a block of a product: out = sum * scale + bias.
inline constexpr int kEpilogueSum = 0, kEpilogueBias = 1, kEpilogueOut = 2;

/// An op that has none of streams, movements, passes, gathered and scattered rows, and is no view,
/// is a product of the array.
struct OpLowering {
  std::string why_not;  // the accelerator does not run the op, and what of it; "": it does
  std::vector<ElementStream> streams = {};  // of an element-wise op, by their number in its program
  // Of an element-wise op; of a product what ends a block, empty: nothing.
  VectorProgram program = {};
  // Of another op what it consists of, carried out in this order.
  std::vector<Movement> movements = {};
  std::vector<GatheredRows> gathered = {};
  std::vector<ScatteredRows> scattered = {};
  std::vector<RegionPass> passes = {};
  std::vector<Extra> extras = {};
  bool is_view = false;  // there is nothing to do (views.h)

  bool is_elementwise() const { return !streams.empty(); }
  /// It is carried out by itself.
  bool is_region() const {
    return is_view || !passes.empty() || !movements.empty() || !gathered.empty() ||
           !scattered.empty();
  }
};

OpLowering lowering_of(const Graph& graph, const Contraction& op);
OpLowering lowering_of(const Graph& graph, const Convert& op);
OpLowering lowering_of(const Graph& graph, const AdamW& op);
OpLowering lowering_of(const Graph& graph, const Sgd& op);
OpLowering lowering_of(const Graph& graph, const Add& op);
OpLowering lowering_of(const Graph& graph, const Multiply& op);
OpLowering lowering_of(const Graph& graph, const Scale& op);
OpLowering lowering_of(const Graph& graph, const ScaleBy& op);
OpLowering lowering_of(const Graph& graph, const Activation& op);
OpLowering lowering_of(const Graph& graph, const ActivationGradient& op);
OpLowering lowering_of(const Graph& graph, const GatedActivation& op);
OpLowering lowering_of(const Graph& graph, const GatedActivationGradient& op);
OpLowering lowering_of(const Graph& graph, const RmsNorm& op);
OpLowering lowering_of(const Graph& graph, const RmsNormGradient& op);
OpLowering lowering_of(const Graph& graph, const RmsNormWeightGradient& op);
OpLowering lowering_of(const Graph& graph, const LayerNorm& op);
OpLowering lowering_of(const Graph& graph, const LayerNormGradient& op);
OpLowering lowering_of(const Graph& graph, const Softmax& op);
OpLowering lowering_of(const Graph& graph, const SoftmaxFromStatistics& op);
OpLowering lowering_of(const Graph& graph, const SoftmaxGradient& op);
OpLowering lowering_of(const Graph& graph, const Rope& op);
OpLowering lowering_of(const Graph& graph, const Dropout& op);
OpLowering lowering_of(const Graph& graph, const Embedding& op);
OpLowering lowering_of(const Graph& graph, const ScatterAdd& op);
OpLowering lowering_of(const Graph& graph, const CrossEntropy& op);
OpLowering lowering_of(const Graph& graph, const CrossEntropyGradient& op);
OpLowering lowering_of(const Graph& graph, const SquareSums& op);
OpLowering lowering_of(const Graph& graph, const GradientNorm& op);
OpLowering lowering_of(const Graph& graph, const ClipGradients& op);
OpLowering lowering_of(const Graph& graph, const InverseRowNorms& op);
OpLowering lowering_of(const Graph& graph, const SumRows& op);
OpLowering lowering_of(const Graph& graph, const SumHeads& op);
OpLowering lowering_of(const Graph& graph, const Slice& op);
OpLowering lowering_of(const Graph& graph, const Pad& op);
OpLowering lowering_of(const Graph& graph, const Concat& op);
OpLowering lowering_of(const Graph& graph, const SplitHeads& op);
OpLowering lowering_of(const Graph& graph, const MergeHeads& op);
OpLowering lowering_of(const Graph& graph, const RepeatHeads& op);
OpLowering lowering_of(const Graph& graph, const SelectRows& op);
OpLowering lowering_of(const Graph& graph, const PlaceRows& op);
OpLowering lowering_of(const Graph& graph, const ReplaceRows& op);

/// Of an op's result, or of an extra.
Movement movement_of(const Graph& graph, ValueId to, DType dtype, std::vector<Move> moves,
                     std::int32_t filled_with = 0);

/// Of every op of a graph. Throws the InputError "VALUE: the accelerator does not run the op OP
/// yetWHY" at the first one that it does not run.
std::vector<OpLowering> lowerings_of(const Graph& graph);

}  // namespace corank
