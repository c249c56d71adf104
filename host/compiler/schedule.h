// In which order, and side by side with what, the ops of a graph are carried out.
//
// The array works on one product after another; the vector unit alone carries out the element-wise
// ops (copies of the masters, updates). So that the array need not wait for those, they are put
// beside a product that does not need them, whose blocks their pieces alternate with. So are the
// narrow products that give the gradients of parameters: alone they have so few
// multiply-accumulates a byte that the array would wait for the memory. A narrow product whose
// result the next product needs for its last terms, and which streams the same matrix, can ride
// along with it: its gemms use the blocks that are there for the other's first ones.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "models/graph/graph.h"

namespace corank {

/// The product with this index; nullptr: another kind of op.
const Contraction* product_at(const Graph& graph, int op);

/// Ops that are carried out together; those in `beside` need nothing of `op`, and come in this
/// order. `rider` is a product without which the first term of `op` can do, -1: none; what is
/// beside may need its result.
struct Stage {
  int op = -1;
  std::vector<int> beside;
  int rider = -1;

  /// All of them, each after what it needs but for the rider's result in the last terms of `op`.
  std::vector<int> ops() const;
};

struct OpCost {
  std::int64_t array_cycles = 0;   // of a product
  std::int64_t vector_cycles = 0;  // of an element-wise op
  bool may_be_beside = false;      // its operands fit into the memory that a product leaves free
  bool may_ride = false;           // the same, with a product that streams the same matrix
};

/// Whether a product could ride: a later one's first term reads what it streams, its left operand,
/// and others of that one's terms read its result.
bool rides(const Graph& graph, const Contraction& product);

/// Every op once, each after what it reads. Products keep the graph's order, but the gradients of
/// parameters come before the input gradient of their layer, so that updates can go beside it. An
/// element-wise op goes beside the last product before its first reader, or, without a reader,
/// beside the first one that comes when its operands are there; so does a product without a product
/// that reads it. At most half of a product's time is filled with element-wise work, at most half
/// of it with products. A product that may ride does so if the next product's first term reads a
/// matrix that it reads too, and a later term its result. `cost` tells what an op costs, by its
/// index.
std::vector<Stage> schedule(const Graph& graph, const std::function<OpCost(int)>& cost);

}  // namespace corank
