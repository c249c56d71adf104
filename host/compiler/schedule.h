// In which order, and side by side with what, the ops of a graph are carried out.
//
// The array works on one product after another; the vector unit alone carries out the element-wise
// ops. So that the array need not wait for those, they are overlapped with a product that does not
// need them: their tiles are interleaved with its blocks. So are the narrow products that give the
// gradients of parameters: alone they have so few multiply-accumulates a byte that the array would
// wait for the memory. A narrow product whose result the next product, its carrier, needs for its
// last terms, and which has the same moving operand, can be fused with it: its gemms use the blocks
// that are there for the carrier's first term.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "models/graph/def_use.h"
#include "models/program/training_program.h"

namespace corank {

/// Ops that are carried out together. Those that are overlapped with `op` need nothing of it, and
/// come in this order. `fused` is a product that must be finished before the second term of `op`
/// begins, -1: none; what is overlapped may need its result.
struct Stage {
  int op = -1;
  std::vector<int> overlapped;
  int fused = -1;
  std::vector<int> followers = {};  // element-wise ops on the product's result (followers.h)

  /// All of them, each after what it needs but for the fused product's result in `op`.
  std::vector<int> ops() const;
};

struct OpCost {
  std::int64_t array_cycles = 0;   // of a product
  std::int64_t vector_cycles = 0;  // of an element-wise op
  bool may_overlap = false;        // its operands fit into the memory that a product leaves free
  bool may_fuse = false;           // the same, with a product that has the same moving operand
  bool may_follow = false;         // on the result of a product
  std::vector<ValueId> replaced = {};  // operands whose places its results take
};

/// Whether a product has a possible carrier: a later product whose first term reads its left
/// operand, and another term its result.
bool has_carrier(const Graph& graph, const Contraction& product);

/// By op: an op that it comes behind though it reads nothing of it; -1: none. What the backward
/// pass makes again (Pass::kRecompute) comes behind the product of input gradients that is the last
/// one before it in the graph: it needs values of the forward pass alone, and computed there its
/// results would be kept as if they had not been dropped.
std::vector<int> anchors_of(const Graph& graph);

/// Every op once, each after what it reads and after its anchor, and after all other readers of a
/// value whose place its result takes (`states`). Products keep the graph's order, but the
/// gradients of parameters come before the input gradient of their layer, so that updates can be
/// overlapped with it. An element-wise op is overlapped with the last product before its first
/// reader, or, without a reader, with the first one that comes when its operands are there; so is a
/// product without a product that reads it. At most half of a product's time is filled with
/// element-wise work, at most half of it with products. A product that may be fused is, if the next
/// product is its carrier. An element-wise op follows the product whose result it reads, if its
/// other operands are there by then. `cost` tells what an op costs, by its index.
std::vector<Stage> schedule(const Graph& graph, const DefUse& uses,
                            const std::vector<State>& states,
                            const std::function<OpCost(int)>& cost);

}  // namespace corank
