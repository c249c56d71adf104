#include "models/ops/dropout.h"

#include <cmath>

#include "models/base/error.h"
#include "models/base/text.h"
#include "models/graph/backward.h"
#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {
namespace {

/// splitmix64's mixing function.
std::uint64_t mix(std::uint64_t x) {
  std::uint64_t z = x + 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

std::uint64_t key_of(const Dropout& op, std::int64_t step) {
  return mix(mix(mix(op.seed) ^ op.stream) ^ static_cast<std::uint64_t>(step));
}

bool keeps(std::uint64_t key, std::uint64_t i, std::uint64_t threshold) {
  return (mix(key ^ i) >> 32) >= threshold;
}

std::uint64_t threshold_of(double rate) {
  return static_cast<std::uint64_t>(std::llround(std::ldexp(rate, 32)));
}

}  // namespace

bool dropout_keeps(const Dropout& op, std::int64_t step, std::uint64_t i) {
  return keeps(key_of(op, step), i, threshold_of(op.rate));
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
  const std::uint64_t key = key_of(op, *arrays.integers(op.step));
  const std::uint64_t threshold = threshold_of(op.rate);
  const T factor = static_cast<T>(static_cast<float>(1.0 / (1.0 - op.rate)));
  for (std::int64_t i = 0; i < arrays.elements(op.in); ++i) {
    out[i] = keeps(key, static_cast<std::uint64_t>(i), threshold) ? in[i] * factor : T(0);
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
