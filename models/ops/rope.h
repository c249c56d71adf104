// Rotary position embedding (Su et al., 2021, arXiv 2104.09864).
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "models/ops/op.h"

namespace corank {

/// For the row of position p, with halves of D / 2 columns (Hugging Face's order, not interleaved),
/// angle = fp32(p * frequencies[j]), c and s its cosine and sine rounded to FP32:
///   out[j]         = in[j] * c - in[j + D/2] * s
///   out[j + D/2]   = in[j + D/2] * c + in[j] * s
/// The inverse has -s for s; it is the derivative. In fp64 the angle is a product in double.
struct Rope {
  ValueId in = -1, out = -1;       // [batch, positions, D]
  std::vector<float> frequencies;  // D / 2, models/transformer/rope.h
  bool inverse = false;

  static constexpr OpTraits kTraits = {"rope"};
  using Operands = Fields<&Rope::in>;
  using Results = Fields<&Rope::out>;
};

/// The two halves of an element's rotation, of its own halves, a cosine and a sine.
template <class T>
struct Rotated {
  T low, high;
};
template <class T>
Rotated<T> rotated(const T& low, const T& high, const T& cosine, const T& sine) {
  T a = low * cosine;
  const T b = high * sine;
  a = std::move(a) - b;
  T c = high * cosine;
  const T d = low * sine;
  c = std::move(c) + d;
  return {std::move(a), std::move(c)};
}

/// cos and sin of positions 0 to `positions` - 1, row by row, sin with the op's sign. T is float or
/// double.
template <class T>
struct RopeTables {
  std::vector<T> cosines, sines;
};
template <class T>
RopeTables<T> rope_tables(const Rope& op, std::int64_t positions);

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Rope& op);
template <class T>
void run(const Rope& op, Arrays<T>& arrays);
void pull_back(Backward& backward, const Rope& op, ValueId gradient);

ValueId add_rope(Graph& graph, const std::string& name, ValueId in, std::vector<float> frequencies,
                 bool inverse = false, DType dtype = DType::BF16);

}  // namespace corank
