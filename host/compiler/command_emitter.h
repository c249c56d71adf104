// Commands in the order of the ring, each with what it reads and writes and what it waits for.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "host/compiler/compiler.h"
#include "host/compiler/products.h"
#include "host/compiler/step_context.h"

namespace corank {

/// A stream of a vector command: where it lies.
struct LocalStream {
  Space space = Space::kScratchpad;
  Local local;  // no rows: the program does not use it
  bool written = false;
  bool is_row = false;                           // every row reads the first one
  bool is_column = false;                        // every column reads the first one
  bool transposed = false;                       // its rows are the region's columns
  std::int64_t first_row = 0, first_column = 0;  // of the matrix in the block
};

/// How a vector command goes over its region.
struct VectorWalk {
  std::uint32_t walk = interface::kWalkRows;
  std::int64_t first_row = 0, first_column = 0;  // how rows and columns are numbered
};

/// What of a program is not executed: instructions at its begin, at its end.
struct LeftOut {
  std::size_t first = 0, last = 0;
};

/// Throws MachineError, a defect of the compiler, where a command would touch lines beyond a local
/// memory.
class CommandEmitter {
 public:
  explicit CommandEmitter(const StepContext& step);

  /// Loads the vector programs, before the first vector command, if the program memory holds them.
  void load_programs();
  /// A block of a value between device memory and the local memory of its format; of a streamed
  /// weight it is part of the newest tile, in whose place of the ring it lies. A packed weight is
  /// decoded on the way, in as many commands as its nested scales need.
  Local load(int op, const Block& block, std::int64_t line);
  void store(int op, const Block& block, std::int64_t line);
  /// Elements [first, first + count) of a vector of integers to the index memory; `first` begins a
  /// row of memory.
  void load_indices(int op, ValueId vector, std::int64_t first, std::int64_t count,
                    std::int64_t to);
  /// Columns of the rows of a value that indices name, to consecutive rows at `line`; and back.
  Local gather(int op, const Block& columns, std::int64_t first_index, std::int64_t rows,
               std::int64_t line);
  void scatter(int op, const Block& columns, std::int64_t first_index, std::int64_t rows,
               std::int64_t line);
  /// A part of a streamed weight begins: what a block of output columns needs of the product's
  /// stationary operand, over the whole depth.
  void begin_tile(const Product& product, std::int64_t column, std::int64_t columns);
  /// Notes that the newest tile needs the next load of its value, though the block is still there.
  bool tile_is_new() const { return made_.tiles.back().loads.empty(); }
  /// Runs the op's program over rows x columns elements.
  void vector(int op, std::int64_t rows, std::int64_t columns,
              const std::vector<LocalStream>& streams) {
    vector(op, static_cast<std::size_t>(op), rows, columns, streams, {});
  }
  /// The same of any program, by its index in Programs::places.
  void vector(int op, std::size_t program, std::int64_t rows, std::int64_t columns,
              const std::vector<LocalStream>& streams, const VectorWalk& walk,
              const LeftOut& left_out = {});
  /// sum (+)= moving . columns [first, first + sum.columns) of the stationary block.
  void gemm(int op, const Product& product, std::int64_t depth, const Local& moving,
            const Local& stationary, std::int64_t first, const Local& sum, bool accumulate);

  /// Columns [first, first + count) of a block in a local memory; `first` begins a line.
  Local panels_of(const Local& block, std::int64_t first, std::int64_t count) const;
  /// Where values of this format go.
  Space space_of(ValueId id) const { return step_.space_of(id); }

  struct Made {
    CommandList commands;
    std::vector<ValueTraffic> traffic;  // by ValueId
    std::vector<StreamTile> tiles;      // at addresses within the tile
  };
  const Made& made() const { return made_; }
  Made take() { return std::move(made_); }

 private:
  void emit(int op, const interface::CommandWords& words, Engine engine,
            const std::vector<Access>& accesses);
  void check_lines(int op, const Access& access) const;
  Access lines(Space space, const Local& local, bool write) const;
  void load_program(int op, std::size_t first, std::size_t length, std::size_t to);
  // The first instruction of a program in the program memory, where it is loaded if need be.
  std::size_t resident(int op, const ProgramPlace& place);
  template <class Command>
  std::vector<Access> fill_indexed(Command& command, const Block& columns, std::int64_t first_index,
                                   std::int64_t rows, std::int64_t line, bool write_memory);
  Local load_packed(int op, const Block& block, std::int64_t line);
  // Rows of a block, from its first one on, that the tables have room for; has them loaded there.
  std::int64_t load_tables(int op, const PackedPlace& weight, const Block& block);
  void load_scales(int op, ValueId value, bool to_map, std::uint64_t address, std::int64_t words);
  std::uint32_t position_of(const PackedPlace& weight, const Block& block) const;
  void count_loaded(ValueId value, std::int64_t bytes);
  template <class Command>
  std::vector<Access> fill_transfer(Command& command, const TensorLayout& place, const Block& block,
                                    std::int64_t line, bool write_memory);

  const StepContext step_;
  const std::int64_t lanes_;
  const std::array<std::int64_t, 2> local_lines_;  // by Space
  Dependencies dependencies_;
  // Where those of many programs are that the program memory holds: first instruction -> place.
  std::map<std::size_t, ProgramPlace> resident_;
  std::size_t next_resident_ = 0;
  // What the decoder's tables have, from their first place on; at the begin of a step it is not
  // known.
  struct Tables {
    ValueId value = -1;                 // whose nested scales
    std::int64_t first = 0, count = 0;  // of them
    std::uint64_t map_address = 0;
  };
  Tables tables_;
  Made made_;
};

}  // namespace corank
