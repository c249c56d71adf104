// Tiles that are interleaved with the blocks of a product, or make up a stage by themselves.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <variant>
#include <vector>

#include "host/compiler/elementwise_tiles.h"
#include "host/compiler/region_emitter.h"

namespace corank {

/// Operands that are loaded before they are needed.
inline constexpr std::size_t kChunksAhead = kTurns - 1;

/// A part of an overlapped product's depth for a panel of its columns.
struct ProductTile {
  int op = -1;
  Product product;
  std::int64_t depths = 0;
  Block moving, stationary;
  Local sum;
  bool accumulate = false;
  bool is_last = false;  // of the depth: the sums go to `target`
  Block target;
};

/// Emits a tile of an op's passes over regions.
using RegionTile = std::function<void()>;

/// The tiles of one stage, and how far they have been emitted.
class TileTasks {
 public:
  /// `turn` of overlapped products' operand buffers: goes on from stage to stage.
  TileTasks(CommandEmitter& emitter, const StepContext& step, const LocalAreas& areas,
            std::int64_t& turn);

  /// An op whose tiles are overlapped with a product.
  void add_overlapped(int op);
  /// An element-wise op by itself.
  void add_alone(int op);
  std::size_t size() const { return tasks_.size(); }
  /// Leaves the first `share` of them.
  void keep(double share);

  /// Emits the tiles up to `end`. A product's operands are loaded now and multiplied `kChunksAhead`
  /// calls later, so that the array does not wait for them; of two tiles that are loaded the first
  /// is multiplied before a third one takes its place.
  void emit_until(std::size_t end);
  void finish();

 private:
  struct LoadedTile {
    const ProductTile* tile;
    std::int64_t calls_left;  // of emit_until()
    Local moving, stationary;
  };

  void add_elementwise(int op, const TurnBuffers& buffers);
  void add_product(int op, const TurnBuffers& sums);
  void load(const ProductTile& tile);
  void multiply_loaded();

  CommandEmitter& emitter_;
  const StepContext& step_;
  const LocalAreas& areas_;
  std::int64_t& turn_;
  std::vector<std::variant<ElementwiseTile, ProductTile, RegionTile>> tasks_;
  std::size_t next_ = 0;
  std::deque<LoadedTile> loaded_;
};

}  // namespace corank
