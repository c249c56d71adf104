#include <cstring>

#include "host/compiler/ops/regions.h"
#include "models/ops/rope.h"

namespace corank {
namespace {

Extra table_of(const char* name, const std::vector<float>& numbers, std::int64_t columns) {
  Extra table{name, DType::F32, static_cast<std::int64_t>(numbers.size()) / columns, columns, {}};
  table.contents.resize(numbers.size() * sizeof(float));
  std::memcpy(table.contents.data(), numbers.data(), table.contents.size());
  return table;
}

}  // namespace

// The halves of a row are streams of one block, the result takes its place.
OpLowering lowering_of(const Graph& graph, const Rope& op) {
  if (graph.value(op.in).dtype != graph.value(op.out).dtype)
    return {" with a result of another format than its operand", {}, {}};
  enum { kLow, kHigh, kCosine, kSine };
  const auto half = static_cast<std::int64_t>(op.frequencies.size());
  Recorder recorder;
  {
    const Recorded low = recorder.load(kLow);
    const Recorded high = recorder.load(kHigh);
    const Recorded cosine = recorder.load(kCosine);
    const Recorded sine = recorder.load(kSine);
    const Rotated<Recorded> both = rotated(low, high, cosine, sine);
    recorder.store(kLow, both.low);
    recorder.store(kHigh, both.high);
  }
  RegionPass pass = one_step(
      graph, op.in, {in_place(op.in, op.out), elements(extra_id(0)), elements(extra_id(1))},
      Walk::kRows, recorder.program());
  pass.columns = half;
  pass.blocks[0].columns = 2 * half;
  pass.steps[0].streams = {{0, 0}, {0, half}, {1, 0}, {2, 0}};
  OpLowering lowering = over_region(std::move(pass));
  const RopeTables<float> tables = rope_tables<float>(op, graph.value(op.in).shape[1]);
  lowering.extras = {table_of("cosines", tables.cosines, half),
                     table_of("sines", tables.sines, half)};
  return lowering;
}

}  // namespace corank
