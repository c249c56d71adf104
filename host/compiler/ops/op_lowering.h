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
};

/// Streams of what ends a block of a product: out = sum * scale + bias.
inline constexpr int kEpilogueSum = 0, kEpilogueBias = 1, kEpilogueOut = 2;

/// An op without streams is a product of the array.
struct OpLowering {
  std::string why_not;  // the accelerator does not run the op, and what of it; "": it does
  std::vector<ElementStream> streams;  // of an element-wise op, by their number in its program
  VectorProgram program;  // of an element-wise op; of a product what ends a block, empty: nothing

  bool is_elementwise() const { return !streams.empty(); }
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

/// Of every op of a graph. Throws the InputError "VALUE: the accelerator does not run the op OP
/// yetWHY" at the first one that it does not run.
std::vector<OpLowering> lowerings_of(const Graph& graph);

}  // namespace corank
