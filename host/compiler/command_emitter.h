// Commands in the order of the ring, each with what it reads and writes and what it waits for.
#pragma once

#include <cstdint>
#include <deque>
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
  bool is_row = false;  // every row reads the first one
};

class CommandEmitter {
 public:
  explicit CommandEmitter(const StepContext& step);

  /// Loads the vector programs, before the first vector command.
  void load_programs();
  /// A block of a value between device memory and the local memory of its format; of a streamed
  /// weight it is part of the newest tile, in whose place of the ring it lies.
  Local load(int op, const Block& block, std::int64_t line);
  void store(int op, const Block& block, std::int64_t line);
  /// A part of a streamed weight begins: what a block of output columns needs of the product's
  /// stationary operand, over the whole depth.
  void begin_tile(const Product& product, std::int64_t column, std::int64_t columns);
  /// Notes that the newest tile needs the next load of its value, though the block is still there.
  bool tile_is_new() const { return made_.tiles.back().loads.empty(); }
  /// Runs the op's program over rows x columns elements.
  void vector(int op, std::int64_t rows, std::int64_t columns,
              const std::vector<LocalStream>& streams);
  /// sum (+)= moving . columns [first, first + sum.columns) of the stationary block.
  void gemm(int op, const Product& product, std::int64_t depth, const Local& moving,
            const Local& stationary, std::int64_t first, const Local& sum, bool accumulate);

  /// Columns [first, first + count) of a block in a local memory; `first` begins a line.
  Local panels_of(const Local& block, std::int64_t first, std::int64_t count) const;
  /// Where values of this format go.
  Space space_of(ValueId id) const;

  struct Made {
    std::deque<CompiledCommand> commands;
    std::vector<ValueTraffic> traffic;  // by ValueId
    std::vector<StreamTile> tiles;      // at addresses within the tile
  };
  const Made& made() const { return made_; }
  Made take() { return std::move(made_); }

 private:
  void emit(int op, const interface::CommandWords& words, Engine engine,
            const std::vector<Access>& accesses);
  Access lines(Space space, const Local& local, bool write) const;
  template <class Command>
  std::vector<Access> fill_transfer(Command& command, const TensorLayout& place, const Block& block,
                                    std::int64_t line, bool write_memory);

  const StepContext step_;
  const std::int64_t lanes_;
  Dependencies dependencies_;
  Made made_;
};

}  // namespace corank
