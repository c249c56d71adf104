// Element-wise ops on the blocks of a product, before those leave the local memories.
//
// When a block of the product's result is complete, the ops that follow it compute theirs, part by
// part, each operand either there already, of the block or of an op before, or loaded. What nobody
// else reads is not stored, and has no place in device memory. The parts are spread over the gemms
// of the next block, so that those need not wait for their loads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "host/compiler/command_emitter.h"

namespace corank {

/// Whether an element-wise op can follow a product: there is room for its other operands and its
/// results.
bool may_follow(const StepContext& step, int op);
/// Of a stage's followers so many, the first ones, for which together there is room.
std::size_t followers_with_room(const StepContext& step, const Stage& stage);

class Followers {
 public:
  /// Keeps references to all; `turn` goes on from product to product.
  Followers(CommandEmitter& emitter, const StepContext& step, const LocalAreas& areas,
            const Stage& stage, std::int64_t& turn)
      : emitter_(emitter), step_(step), areas_(areas), stage_(stage), turn_(turn) {}

  /// A block of the product's result lies at `local`, where it stays until finish().
  void begin(const Block& block, Space space, const Local& local);
  /// Emits parts, so that `share` of the block's are.
  void emit_until(double share);
  void finish() { emit_until(1); }

 private:
  struct Held {
    Space space = Space::kScratchpad;
    Local local;
    std::int64_t row = 0, column = 0;  // of its first element in the value
  };

  // Rows and columns of the parts that a block of so many is cut into.
  BlockSize part_size(const Block& block) const;
  void emit_part(const Block& part);
  LocalStream stream_of(int op, const ElementStream& stream, const Block& part);
  // Lines of the local memory that nothing of this part has.
  Local take(Space space, const Block& block);

  CommandEmitter& emitter_;
  const StepContext& step_;
  const LocalAreas& areas_;
  const Stage& stage_;
  std::int64_t& turn_;
  Block block_;
  Held product_;  // the block
  std::vector<Block> parts_;
  std::size_t emitted_ = 0;  // of them
  std::map<ValueId, Held> held_;
  std::array<std::int64_t, 2> next_{};  // by Space: the first line that is free
};

}  // namespace corank
