// The least time that a training step can take on a machine, whatever the program: that of the
// array at one multiply-accumulate a PE and cycle, or that of the memory for the bytes that must be
// moved, whichever is longer. A yardstick for the compiler; it says nothing of how to get there.
//
// Bytes of one product (rows x columns, over a depth), operands in BF16:
//   A sum stays in the accumulators from its first multiply-accumulate to its last. Blocks of sums
//   follow each other; taken together while they fit the accumulators, they are groups of at most
//   `sums` = accumulators / 4 bytes, of which any two neighbours have more. A group with sums in R
//   rows and C columns needs 2 (R + C) depth bytes of the operands, of which the scratchpad holds
//   at most its own size when the group begins. Through each column of the output run a whole
//   number k of groups, so the columns' operand is read k times; a group's columns are at least its
//   sums over its rows, so the rows' operand is read rows columns / (k sums) times; both but for
//   what the scratchpad held, once for each group after the first. Smaller groups than full ones
//   save nothing as long as a group's rows, over the whole depth, are more than the scratchpad
//   holds; where they are not, there may be twice as many groups. The least over k is a bound; so
//   is the same with rows and columns exchanged, and that each operand is read once. The largest of
//   them counts.
//
// Bytes of a step:
//   A forward and a backward pass follow each other, since the incoming gradients depend on the
//   outputs: what both read is read twice, but for what the two local memories hold in between. In
//   a pass, the operands of each frozen product are read as often as said above; everything else
//   that comes from outside the step is read once, for as many ops as like (so all narrow products
//   ride along with others for nothing, if they read the same); results are written once; what is
//   computed and needed only inside is free, and so are commands, programs and padding.
//
// Taken for granted: sums are not put away to memory and fetched again (8 bytes a sum and time,
// which pays only where the depth is short against the blocks' sides); frozen weights lie in device
// memory; no two frozen products of a pass share an operand.
#pragma once

#include <cstdint>

#include "models/graph/graph.h"
#include "sim/platform/configuration.h"

namespace corank {

struct LocalBytes {
  double scratchpad = 0, accumulators = 0;
};
LocalBytes local_bytes(const MachineShape& machine);

/// Bytes that one product reads at least.
double least_operand_bytes(std::int64_t rows, std::int64_t columns, std::int64_t depth,
                           const LocalBytes& local);

/// Bytes that a step of layers (models/program/linear_layers.h) reads and writes at least.
double least_bytes(const Graph& graph, const LocalBytes& local);

/// Whether an op is a product of the backward pass, by its first term.
bool is_backward_product(const Op& op);

struct StepBound {
  double array_cycles = 0;   // all multiply-accumulates / PEs
  double bytes = 0;          // least_bytes
  double memory_cycles = 0;  // these, at the memory's sustained bandwidth
  double cycles() const { return array_cycles > memory_cycles ? array_cycles : memory_cycles; }
};

/// `bytes_per_cycle`: what the memory delivers to the accelerator of an endless sequential stream.
StepBound step_bound(const Graph& graph, const MachineShape& machine, double bytes_per_cycle);

}  // namespace corank
