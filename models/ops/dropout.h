// Inverted dropout (Srivastava et al., 2014) with a mask that is a function of a counter.
#pragma once

#include <cstdint>

#include "models/ops/op.h"

namespace corank {

/// out[i] = kept(i) ? in[i] * (1 / (1 - rate)) : 0, the factor rounded to FP32.
/// Element i is kept if the upper 32 bits of h(h(h(h(seed) ^ stream) ^ step) ^ i) are at least
/// round(rate * 2^32), where h is splitmix64's (Steele et al., 2014):
///   z = x + 9E3779B97F4A7C15;  z = (z ^ z>>30) * BF58476D1CE4E5B9;
///   z = (z ^ z>>27) * 94D049BB133111EB;  h = z ^ z>>31
/// No state is kept: the derivative is the same op on the gradient.
struct Dropout {
  ValueId in = -1, step = -1, out = -1;  // step: I64 [1], the number of the training step
  double rate = 0;                       // from 0 to below 1
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;  // one mask for each

  static constexpr OpTraits kTraits = {"dropout", Recompute::kAlways};
  using Operands = Fields<&Dropout::in, &Dropout::step>;
  using Results = Fields<&Dropout::out>;
};

/// Whether element i is kept.
bool dropout_keeps(const Dropout& op, std::int64_t step, std::uint64_t i);

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Dropout& op);
template <class T>
void run(const Dropout& op, Arrays<T>& arrays);
void pull_back(Backward& backward, const Dropout& op, ValueId gradient);

/// Throws InputError for a rate outside its range.
ValueId add_dropout(Graph& graph, const std::string& name, ValueId in, ValueId step, double rate,
                    std::uint64_t seed, std::uint64_t stream, DType dtype = DType::BF16);

}  // namespace corank
