// The compiler: an op graph becomes a ring of commands, a memory map and vector programs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/compiler/block_size.h"
#include "host/compiler/command_list.h"
#include "host/compiler/layout.h"
#include "host/compiler/plan.h"
#include "host/compiler/vector_program.h"
#include "models/program/training_program.h"
#include "rtl/interface/interface.h"

namespace corank {

/// Bytes of a value that cross the memory port of the accelerator.
struct ValueTraffic {
  std::uint64_t loaded_bytes = 0;
  std::uint64_t stored_bytes = 0;
};

/// A part of a streamed weight: [row, row + layout.rows()) x [column, column + layout.columns()),
/// which the host writes to layout.address when that place of the ring is free. A part of a packed
/// weight is a packed matrix of its own.
struct StreamTile {
  ValueId value = -1;
  std::int64_t row = 0, column = 0;
  TensorLayout layout;
  std::optional<PackedLayout> packed;
  std::uint64_t bytes() const { return packed ? packed->bytes() : layout.bytes(); }
  // The commands that read it: the first takes, the last releases it.
  std::vector<std::size_t> loads;
};

/// Whether frozen weights are streamed, and the places of the ring that they come through.
struct WeightStream {
  bool streamed = false;
  int ring_tiles = 4;
};

struct CompiledStep {
  CommandList commands;  // the last one is a halt
  Plan plan;
  std::vector<std::uint64_t> instructions;  // all vector programs, one after another
  std::vector<FedImmediate> fed;            // what each step puts into them
  std::uint64_t program_address = 0;
  std::vector<GemmKind> gemm_kinds;  // what the device's kinds of gemm, by index, are to the model
  std::uint64_t ring_address = 0;
  std::uint64_t ring_entries = 0;  // a power of two
  std::vector<StreamTile> tiles;   // in the order in which the device takes them
  std::uint64_t tile_ring_address = 0;
  std::uint64_t tile_ring_places = 0;
  std::uint64_t memory_bytes = 0;     // first address that is not in use
  std::vector<ValueTraffic> traffic;  // by ValueId
  std::map<int, BlockSize> blocks;    // by op
};

/// What gives the size of the device memory.
inline const std::vector<std::string> kMemoryKeys = {"memory.size_mib", "memory.device",
                                                     "memory.channels", "memory"};

/// Compiles the whole step for a machine. Values that are computed inside and are no results share
/// memory once they are dead; the next value of a state takes its place. Constants are immediates
/// of the programs, and have no place in memory. Neither have streamed weights: each of their
/// products takes them tile by tile, in column blocks of the output. `memory` is what the blocks
/// are chosen for. `packed` has the frozen weights that are packed, as far as they are known: the
/// commands have the offsets of their nested scales. Throws InputError for an op that the
/// accelerator does not run and for a packed weight that it does not decode, and KeyError,
/// with the sizes, if the local memories or the device memory are too small: the latter, where the
/// values alone do not fit, before any command is made.
CompiledStep compile(const TrainingProgram& program, const MachineShape& machine,
                     const CompilerConfig& limits, std::uint64_t memory_size_bytes,
                     const WeightStream& stream = {}, const MemoryTiming& memory = {},
                     const QuantizedMap& packed = {});

/// What compile() decides of a long step before it chooses blocks: above all where values lie.
/// Takes a small part of its time. Throws as it does.
Plan plan_memory(const TrainingProgram& program, const MachineShape& machine,
                 const CompilerConfig& limits, std::uint64_t memory_size_bytes,
                 const WeightStream& stream = {}, const MemoryTiming& memory = {},
                 const QuantizedMap& packed = {});

/// "gemm adapter up forward of y, command 12": for messages.
std::string describe_command(const CompiledStep& step, const Graph& graph, std::size_t index);

}  // namespace corank
