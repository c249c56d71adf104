// The commands of a step, stage by stage.
#pragma once

#include "host/compiler/product_emitter.h"

namespace corank {

class StageEmitter {
 public:
  /// The programs are loaded first.
  explicit StageEmitter(const StepContext& step);

  /// A product's stage, of which `shape` may be a part, then with as much of what is overlapped.
  void emit(const Stage& stage, const ContractionShape& shape, const BlockSize& size);
  /// Any whole stage; `size` is without meaning for an element-wise op.
  void emit(const Stage& stage, const BlockSize& size);

  const CommandEmitter::Made& made() const { return emitter_.made(); }
  CommandEmitter::Made take() { return emitter_.take(); }

 private:
  // What is overlapped goes along with the first matrix.
  void emit_rest_of_batch(const Stage& stage, const BlockSize& size);

  const StepContext step_;
  CommandEmitter emitter_;
  BufferTurns turns_;
};

}  // namespace corank
