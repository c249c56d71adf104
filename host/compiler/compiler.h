// The compiler: an op graph becomes a ring of commands, a memory map and vector programs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "host/compiler/block_size.h"
#include "host/compiler/layout.h"
#include "models/graph/graph.h"
#include "rtl/interface/interface.h"

namespace corank {

struct CompiledCommand {
  interface::CommandWords words;
  int op = -1;  // index of the graph's op that it serves; -1: none (program load, halt)
};

/// Bytes of a value that cross the memory port of the accelerator.
struct ValueTraffic {
  std::uint64_t loaded_bytes = 0;
  std::uint64_t stored_bytes = 0;
};

struct CompiledStep {
  std::vector<CompiledCommand> commands;    // the last one is a halt
  std::vector<TensorLayout> layouts;        // by ValueId
  std::vector<std::uint64_t> instructions;  // all vector programs, one after another
  std::uint64_t program_address = 0;
  std::uint64_t ring_address = 0;
  std::uint64_t ring_entries = 0;     // a power of two
  std::uint64_t memory_bytes = 0;     // first address that is not in use
  std::vector<ValueTraffic> traffic;  // by ValueId
  std::map<int, BlockSize> blocks;    // by op
};

/// Compiles the whole graph for a machine. Values that are computed inside and are no results share
/// memory once they are dead. Throws InputError, with the sizes, if the local memories or the
/// device memory are too small.
CompiledStep compile(const Graph& graph, const MachineShape& machine, const CompilerConfig& limits,
                     std::uint64_t memory_size_bytes);

/// "gemm adapter up forward of y, command 12": for messages.
std::string describe_command(const CompiledStep& step, const Graph& graph, std::size_t index);

}  // namespace corank
