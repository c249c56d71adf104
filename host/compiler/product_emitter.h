// A matrix product: its gemms block by block, the loads ahead of them, and what ends a block.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "host/compiler/followers.h"
#include "host/compiler/tile_tasks.h"

namespace corank {

/// Where the buffers go on from one stage to the next, so that its first commands need not wait for
/// what is still in use.
struct BufferTurns {
  std::int64_t moving_line = 0, stationary_line = 0, output_line = 0;
  std::int64_t sums = 0;        // blocks so far: they take turns with the buffers of partial sums
  std::int64_t overlapped = 0;  // tiles of overlapped products so far
  std::int64_t followers = 0;   // parts of blocks so far
};

class ProductEmitter {
 public:
  /// `shape` is that of the stage's product, or of a part of it; `matrix` which of its batch.
  ProductEmitter(CommandEmitter& emitter, const StepContext& step, const LocalAreas& areas,
                 BufferTurns& turns, const Stage& stage, const ContractionShape& shape,
                 const BlockSize& size, std::int64_t matrix);

  /// Which of several products this one is that the tiles are spread over.
  struct Part {
    std::int64_t index = 0, count = 1;
  };
  /// Emits everything, with the part's tiles spread evenly between the gemms.
  void emit(TileTasks& tiles, Part part);

 private:
  // A gemm that takes the whole of a block, or a part of its depth.
  struct Chunk {
    std::int64_t row = 0, column = 0;
    std::size_t product = 0;  // index
    std::int64_t depth = 0;
    std::int64_t rows = 0, columns = 0, depths = 0;
    bool first = false, last = false;  // of the block
    // Later chunks that need the operands again.
    std::int64_t moving_again = TileBuffer::kNever, stationary_again = TileBuffer::kNever;
  };
  struct Operands {
    Local moving, stationary;
    Local fused;  // the fused product's own
  };

  void find_chunks();
  void add_block(std::int64_t row, std::int64_t column);
  void find_next_uses();
  bool is_fused(const Chunk& chunk) const;
  std::size_t chunks_ahead() const;
  Local load(TileBuffer& buffer, const Block& block,
             std::int64_t needed_again = TileBuffer::kNever);
  Operands load_operands(const Chunk& chunk);
  void multiply(const Chunk& chunk, const Operands& operands);
  void multiply_fused(const Chunk& chunk, const Operands& operands);
  // Gives where the block lies.
  LocalStream finish_block(int op, const Block& target, const Local& sum);

  CommandEmitter& emitter_;
  const StepContext& step_;
  const LocalAreas& areas_;
  BufferTurns& turns_;
  const int op_;
  const ContractionShape shape_;
  const BlockSize size_;
  const std::int64_t first_row_;  // of the result
  std::vector<Product> products_;
  std::optional<FusedProduct> fused_;
  std::vector<Chunk> chunks_;  // the gemms in their order
  TileBuffer moving_, stationary_, output_;
  const bool narrow_bias_;  // it is BF16
  TileBuffer bias_, fused_own_;
  // Product and column of the newest tile of a streamed weight.
  std::pair<std::size_t, std::int64_t> tile_{0, -1};
  Local sum_;                                       // of the block at hand
  std::size_t chunks_of_block_ = 0, in_block_ = 0;  // of the block at hand so far
  Followers followers_;
};

}  // namespace corank
