#include "models/ops/dropout.h"

#include <algorithm>
#include <cmath>

#include "models/base/error.h"
#include "models/base/text.h"
#include "models/graph/backward.h"
#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {

DropoutConstants constants_of(const Dropout& op, std::int64_t step, std::uint32_t upper) {
  const ThreefryKey seed = {static_cast<std::uint32_t>(op.seed >> 32),
                            static_cast<std::uint32_t>(op.seed)};
  const ThreefryKey key = fold_in(fold_in(seed, op.stream), static_cast<std::uint64_t>(step));
  const std::int64_t threshold =
      std::min<std::int64_t>(std::llround(std::ldexp(op.rate, 32)), (std::int64_t{1} << 32) - 1);
  return {threefry_schedule(key, upper),
          bit_xor(static_cast<std::int32_t>(static_cast<std::uint32_t>(threshold)), kSignBit)};
}

std::int32_t word_of(const DropoutConstants& constants, int index) {
  constexpr int kKeys = 6;
  const auto key = static_cast<std::size_t>(index % kKeys);
  if (index >= 2 * kKeys) return constants.threshold;
  return index < kKeys ? constants.schedule.first[key] : constants.schedule.second[key];
}

bool dropout_keeps(const Dropout& op, std::int64_t step, std::uint64_t i) {
  const DropoutConstants constants = constants_of(op, step, static_cast<std::uint32_t>(i >> 32));
  return is_dropped(constants, static_cast<std::int32_t>(static_cast<std::uint32_t>(i))) == 0;
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Dropout& op) {
  if (!(op.rate >= 0 && op.rate < 1)) {
    throw InputError(name + ": expected a dropout rate from 0 to below 1, found " +
                     short_number(op.rate));
  }
  require_shape(integer_operand(graph, op.step, name), {1}, name);
  return {float_operand(graph, op.in, name).shape};
}

template <class T>
void run(const Dropout& op, Arrays<T>& arrays) {
  const T* in = arrays.floats(op.in);
  T* out = arrays.result(op.out);
  const auto factor = static_cast<T>(static_cast<float>(1.0 / (1.0 - op.rate)));
  const std::int64_t count = arrays.elements(op.in);
  constexpr std::int64_t kPart = std::int64_t{1} << 32;  // elements with one upper half
  for (std::int64_t first = 0; first < count; first += kPart) {
    const DropoutConstants constants =
        constants_of(op, *arrays.integers(op.step), static_cast<std::uint32_t>(first / kPart));
    for_each_element(std::min(kPart, count - first), [=](std::int64_t i) {
      const std::int32_t dropped = is_dropped(constants, static_cast<std::int32_t>(i));
      out[first + i] = dropped_out(dropped, in[first + i], factor);
    });
  }
}
template void run(const Dropout& op, Arrays<float>& arrays);
template void run(const Dropout& op, Arrays<double>& arrays);

void pull_back(Backward& backward, const Dropout& op, ValueId gradient) {
  backward.add_op(op.in, op.out, Dropout{gradient, op.step, -1, op.rate, op.seed, op.stream});
}

ValueId add_dropout(Graph& graph, const std::string& name, ValueId in, ValueId step, double rate,
                    std::uint64_t seed, std::uint64_t stream, DType dtype) {
  return add_single(graph, name, Dropout{in, step, -1, rate, seed, stream}, dtype);
}

}  // namespace corank
