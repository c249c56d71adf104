#include "models/ops/rope.h"

#include <cstring>

#include "host/compiler/ops/regions.h"

namespace corank {
namespace {

Extra table_of(const char* name, const std::vector<float>& numbers, std::int64_t columns) {
  Extra table{name, DType::F32, static_cast<std::int64_t>(numbers.size()) / columns, columns, {}};
  table.contents.resize(numbers.size() * sizeof(float));
  std::memcpy(table.contents.data(), numbers.data(), table.contents.size());
  return table;
}

}  // namespace

// The halves of a row are streams of one block, in which the result takes the operand's place;
// where their formats differ, that of both as FP32.
OpLowering lowering_of(const Graph& graph, const Rope& op) {
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
  pass.steps[0].streams = {{0, 0}, {0, half}, {1, 0}, {2, 0}};
  if (graph.value(op.in).dtype != graph.value(op.out).dtype) {
    pass.blocks[0] = {};
    pass.blocks.push_back(elements(op.in));
    pass.blocks.push_back(result(op.out));
    const auto copied = [&](std::size_t from, std::size_t to, std::int64_t column) {
      return RegionStep{Walk::kRows, {{from, column}, {to, column}}, copy_program(), {}};
    };
    pass.steps = {copied(3, 0, 0), copied(3, 0, half), pass.steps[0], copied(0, 4, 0),
                  copied(0, 4, half)};
    pass.blocks[3].columns = pass.blocks[4].columns = 2 * half;
  }
  pass.blocks[0].columns = 2 * half;
  OpLowering lowering = over_region(std::move(pass));
  const RopeTables<float> tables = rope_tables<float>(op, graph.value(op.in).shape[1]);
  lowering.extras = {table_of("cosines", tables.cosines, half),
                     table_of("sines", tables.sines, half)};
  return lowering;
}

}  // namespace corank
