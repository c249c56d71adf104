// What the compiler has decided before it makes the first command, as plain data that can be
// printed, and whether it is right.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/compiler/block_size.h"
#include "host/compiler/dependencies.h"
#include "host/compiler/layout.h"
#include "host/compiler/local_halves.h"
#include "host/compiler/ops/op_lowering.h"
#include "host/compiler/packed_places.h"
#include "host/compiler/schedule.h"
#include "models/program/training_program.h"

namespace corank {

/// Lines [line, line + lines) of a local memory that one use has to itself during a stage.
struct LocalBuffer {
  const char* use = "";
  Space space = Space::kScratchpad;
  std::int64_t line = 0, lines = 0;
  int user = 0;  // buffers of different users are in use in the same cycles: they share no bank
};

/// The buffers of a product's stage; `block` says how many buffers of partial sums there are.
std::vector<LocalBuffer> buffers_of_product(const LocalAreas& areas, const StageUse& use,
                                            const BlockSize& block);
/// Those of an op over regions.
std::vector<LocalBuffer> buffers_of_region(const LocalHalves& halves);
/// Those of an element-wise op that is carried out alone.
std::vector<LocalBuffer> buffers_of_elementwise(const LocalAreas& areas);

struct Plan {
  std::vector<Stage> stages;                      // in the order in which they are carried out
  std::vector<BlockSize> blocks;                  // by stage; element-wise: without meaning
  std::vector<std::vector<LocalBuffer>> buffers;  // by stage

  std::vector<Extra> extras;  // values of the plan's own, with ids behind those of the graph

  // By ValueId.
  std::vector<TensorLayout> layouts;
  std::vector<bool> streamed;    // it comes tile by tile and has no place in memory
  std::vector<bool> ordered;     // its accesses must keep their order
  std::vector<bool> local;       // it never leaves the local memories, and has no place in memory
  std::vector<ValueId> view_of;  // the value in whose place it lies, -1: it has its own (views.h)
  // Of a frozen weight that is packed, how it lies in memory; its layout says how it is decoded.
  std::vector<std::optional<PackedPlace>> packed;

  std::vector<State> states;                       // their next values take their places
  std::uint64_t values_begin = 0, values_end = 0;  // device memory of all values, bytes
  // Behind the values, in whole pages: the tables of packed weights.
  std::uint64_t packed_tables = 0, packed_table_bytes = 0;

  /// What a value takes in device memory, or would take if it had a place there.
  std::uint64_t bytes_of(std::size_t id) const {
    return packed[id] ? packed[id]->layout.bytes() : layouts[id].bytes();
  }
};

/// Everything that is wrong with a plan, a sentence each: an op that is missing or carried out
/// twice; an operand that is used before it is computed; a layout that does not hold the elements
/// of its value; values that live at the same time and overlap in device memory; a state that is
/// read when its next value has taken its place; buffers beyond a local memory, or that share
/// lines, or a bank where they must not. Empty: it is right.
std::vector<std::string> violations(const Plan& plan, const Graph& graph,
                                    const MachineShape& machine);

/// For `corank compile --print plan`: stages with their blocks and buffers, then the values with
/// their places in memory.
std::string to_text(const Plan& plan, const Graph& graph);

}  // namespace corank
