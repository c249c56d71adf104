// The commands of a step, stage by stage.
#pragma once

#include "host/compiler/product_emitter.h"

namespace corank {

class StageEmitter {
 public:
  /// The programs are loaded first.
  explicit StageEmitter(const StepContext& step);

  /// A part of a product's stage, of the first matrix of a batch, with as much of what is
  /// overlapped.
  void emit(const Stage& stage, const ContractionShape& shape, const BlockSize& size);
  /// Any whole stage; `size` is without meaning for an element-wise op.
  void emit(const Stage& stage, const BlockSize& size);

  const CommandEmitter::Made& made() const { return emitter_.made(); }
  CommandEmitter::Made take() { return emitter_.take(); }

 private:
  void emit_product(const Stage& stage, const BlockSize& size);

  const StepContext step_;
  CommandEmitter emitter_;
  BufferTurns turns_;
};

}  // namespace corank
