#include "host/compiler/stage_emitter.h"

#include "host/compiler/indexed_rows_emitter.h"
#include "host/compiler/local_halves.h"
#include "host/compiler/move_emitter.h"
#include "host/compiler/region_emitter.h"

namespace corank {

StageEmitter::StageEmitter(const StepContext& step) : step_(step), emitter_(step_) {
  emitter_.load_programs();
}

void StageEmitter::emit(const Stage& stage, const ContractionShape& shape, const BlockSize& size) {
  const LocalAreas areas = areas_of(step_, stage);
  const std::int64_t batch = batch_of(step_, *step_.product(stage.op));
  TileTasks tiles(emitter_, step_, areas, turns_.overlapped);
  for (const int op : stage.overlapped) tiles.add_overlapped(op);
  tiles.keep(share_of(shape, shape_of(step_, stage)) / static_cast<double>(batch));
  ProductEmitter(emitter_, step_, areas, turns_, stage, shape, size, 0).emit(tiles, {0, 1});
  tiles.finish();
}

void StageEmitter::emit_product(const Stage& stage, const BlockSize& size) {
  const LocalAreas areas = areas_of(step_, stage);
  const std::int64_t batch = batch_of(step_, *step_.product(stage.op));
  TileTasks tiles(emitter_, step_, areas, turns_.overlapped);
  for (const int op : stage.overlapped) tiles.add_overlapped(op);
  for (std::int64_t matrix = 0; matrix < batch; ++matrix) {
    ProductEmitter(emitter_, step_, areas, turns_, stage, shape_of(step_, stage), size, matrix)
        .emit(tiles, {matrix, batch});
  }
  tiles.finish();
}

void StageEmitter::emit(const Stage& stage, const BlockSize& size) {
  if (step_.product(stage.op) != nullptr) {
    emit_product(stage, size);
    return;
  }
  const OpLowering& lowering = step_.lowering(stage.op);
  emit_movements(emitter_, step_, stage.op);
  emit_indexed_rows(emitter_, step_, stage.op);
  const LocalHalves halves = local_halves(step_.machine, step_.limits);
  for (const auto& emit_tile : tasks_of_passes(emitter_, step_, stage.op, halves)) emit_tile();
  if (lowering.is_region()) return;
  const LocalAreas areas = areas_of(step_, stage);
  TileTasks tiles(emitter_, step_, areas, turns_.overlapped);
  tiles.add_alone(stage.op);
  tiles.finish();
}

}  // namespace corank
