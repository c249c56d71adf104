#include "host/compiler/stage_emitter.h"

namespace corank {

StageEmitter::StageEmitter(const StepContext& step) : step_(step), emitter_(step_) {
  emitter_.load_programs();
}

void StageEmitter::emit(const Stage& stage, const ContractionShape& shape, const BlockSize& size) {
  const LocalAreas areas = areas_of(step_, stage);
  TileTasks tiles(emitter_, step_, areas, turns_.overlapped);
  for (const int op : stage.overlapped) tiles.add_overlapped(op);
  tiles.keep(share_of(shape, shape_of(step_, stage)));
  ProductEmitter(emitter_, step_, areas, turns_, stage, shape, size).emit(tiles);
  tiles.finish();
}

void StageEmitter::emit(const Stage& stage, const BlockSize& size) {
  if (step_.product(stage.op) != nullptr) {
    emit(stage, shape_of(step_, stage), size);
    return;
  }
  const LocalAreas areas = areas_of(step_, stage);
  TileTasks tiles(emitter_, step_, areas, turns_.overlapped);
  tiles.add_alone(stage.op);
  tiles.finish();
}

}  // namespace corank
