#include "models/ops/dropout.h"

#include <cmath>

#include "host/compiler/ops/regions.h"

namespace corank {
namespace {

using Operand = Recorder::Operand;

// The constants of a step are fed into the program's immediates.
DropoutConstantsOf<Operand> fed_constants(const Dropout& op) {
  DropoutConstantsOf<Operand> constants;
  constexpr int kKeys = 6;
  for (int key = 0; key < kKeys; ++key) {
    constants.schedule.first[static_cast<std::size_t>(key)] = Operand(op, key);
    constants.schedule.second[static_cast<std::size_t>(key)] = Operand(op, kKeys + key);
  }
  constants.threshold = Operand(op, 2 * kKeys);
  return constants;
}

// number * factor, of shifts and sums.
Recorded times(const Recorded& number, std::int64_t factor) {
  Recorded product = bit_and(number, 0);
  for (std::int32_t bit = 0; factor >> bit != 0; ++bit)
    if ((factor >> bit & 1) != 0) product = int_add(std::move(product), shift_left(number, bit));
  return product;
}

}  // namespace

// Lanes are rows, so that the number of a row's first element is worked out once.
OpLowering lowering_of(const Graph& graph, const Dropout& op) {
  const Shape& shape = graph.value(op.in).shape;
  if (element_count(shape) > std::int64_t{1} << 32) return {" of more than 2^32 elements", {}, {}};
  Recorder recorder;
  recorder.begin_once();
  const Recorded first = times(recorder.column_number(), shape.back());
  recorder.begin_strips();
  {
    const Recorded dropped = is_dropped(fed_constants(op), int_add(recorder.row_number(), first));
    const Recorded in = recorder.load(0);
    recorder.store(1, dropped_out(dropped, in, static_cast<float>(1.0 / (1.0 - op.rate))));
  }
  RegionPass pass =
      one_step(graph, op.in, {elements(op.in), result(op.out)}, Walk::kRows, recorder.program());
  pass.whole_rows = false;
  return over_region(std::move(pass));
}

}  // namespace corank
