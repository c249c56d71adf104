// What a command reads and writes, worked out from its words alone: the second statement of it,
// beside what the compiler says as it makes the command.
#pragma once

#include <cstdint>
#include <vector>

#include "host/driver/program_memory.h"
#include "rtl/interface/interface.h"
#include "sim/machine/shape.h"

namespace corank {

enum class Storage { kScratchpad, kAccumulator, kMemory, kPrograms, kIndices };

/// Lines [begin, end) of a local memory, rows of 128 bytes of device memory, instructions, or
/// indices. Every transfer begins with such a row and has at least its first element, so that two
/// that meet in a row meet in that element; packed weights begin and end within rows, but have
/// pages to themselves. The tables of packed weights, which the load unit alone reads and writes,
/// in order, are no storage here.
struct Use {
  Storage storage = Storage::kScratchpad;
  std::int64_t begin = 0, end = 0;
  bool write = false;
  bool stationary = false;  // through the port of the array's stationary operand
};

class Footprints {
 public:
  Footprints(const CompiledStep& step, const MachineShape& machine);

  /// Of the step's next command, in the order of the ring: what a vector command touches is up to
  /// the program that is there. It holds until the next call. Nothing is left out. There is more
  /// than what the command touches in two cases: a gather or a scatter has all that its indices may
  /// name, and where rows are further apart than they are long, what lies between them; and a
  /// vector program of which a section has instructions of strips and of once beside each other
  /// has whole regions.
  const std::vector<Use>& next(const interface::CommandWords& words);

 private:
  void add(const Use& use);
  // Of `kind`, which has no lines.
  void add_matrix(const Use& kind, std::int64_t line, std::int64_t stride, std::int64_t rows,
                  std::int64_t columns);
  void add_words(Storage storage, std::int64_t first, std::int64_t count);

  template <class Command>
  void add_transfer(const Command& command, bool write_memory);
  template <class Command>
  void add_indexed(const Command& command, bool write_memory);
  void add_load(const interface::LoadCommand& command);
  void add_load_quantized(const interface::LoadQuantizedCommand& command);
  void add_gemm(const interface::GemmCommand& command);
  void add_vector(const interface::VectorCommand& command);
  std::uint32_t add_section(const interface::VectorCommand& command, std::uint32_t begin);
  void add_access(const interface::VectorCommand& command,
                  const interface::VectorInstruction& instruction, bool section_once);

  const std::int64_t array_rows_, vector_lanes_, lanes_;
  ProgramMemory programs_;
  std::vector<Use> uses_;
  std::uint64_t accesses_ = 0;  // of a vector command, that have been added: a bit each kind
};

}  // namespace corank
