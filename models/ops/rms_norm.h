// Root mean square normalisation (Zhang and Sennrich, 2019, arXiv 1910.07467).
#pragma once

#include "models/base/vector_arithmetic.h"
#include "models/numerics/functions.h"
#include "models/ops/op.h"

namespace corank {

/// r = 1 / sqrt(mean(in^2) + eps) of each row;  out = weight * (in * r).
struct RmsNorm {
  ValueId in = -1, weight = -1;        // [rows, columns], [columns]
  ValueId out = -1, inverse_rms = -1;  // [rows, columns]; r [rows], F32
  double eps = 0;

  static constexpr OpTraits kTraits = {"rms_norm"};
  using Operands = Fields<&RmsNorm::in, &RmsNorm::weight>;
  using Results = Fields<&RmsNorm::out, &RmsNorm::inverse_rms>;
};

// The bodies of a row and of an element.
/// r, of the sum of squares of a row of `count` elements.
template <class T, class Number>
T inverse_rms_of(const T& squares, Number count, Number eps) {
  const T mean = squares / count;
  return reciprocal_root(mean + eps);
}
template <class T>
T rms_normalized(const T& x, const T& r, const T& weight) {
  T n = x * r;
  return weight * std::move(n);
}
/// g * n, the sum of which over a row divided by its elements is `mean`.
template <class T>
T rms_norm_projection(const T& gradient, const T& weight, const T& x, const T& r) {
  T g = gradient * weight;
  const T n = x * r;
  return std::move(g) * n;
}
template <class T>
T rms_norm_slope(const T& gradient, const T& weight, const T& x, const T& r, const T& mean) {
  T n = x * r;
  n = std::move(n) * mean;
  T g = gradient * weight;
  g = std::move(g) - n;
  return std::move(g) * r;
}
template <class T>
T rms_norm_weight_slope(const T& gradient, const T& x, const T& r) {
  T n = x * r;
  return std::move(n) * gradient;
}

/// n = in * r, g = gradient * weight:  out = r * (g - n * mean(g * n)) of each row.
struct RmsNormGradient {
  ValueId gradient = -1, in = -1, inverse_rms = -1, weight = -1, out = -1;

  static constexpr OpTraits kTraits = {"rms_norm_gradient"};
  using Operands = Fields<&RmsNormGradient::gradient, &RmsNormGradient::in,
                          &RmsNormGradient::inverse_rms, &RmsNormGradient::weight>;
  using Results = Fields<&RmsNormGradient::out>;
};

/// out[column] = sum over the rows, ascending, of gradient * (in * r).
struct RmsNormWeightGradient {
  ValueId gradient = -1, in = -1, inverse_rms = -1, out = -1;

  static constexpr OpTraits kTraits = {"rms_norm_weight_gradient"};
  using Operands = Fields<&RmsNormWeightGradient::gradient, &RmsNormWeightGradient::in,
                          &RmsNormWeightGradient::inverse_rms>;
  using Results = Fields<&RmsNormWeightGradient::out>;
};

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const RmsNorm& op);
std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const RmsNormGradient& op);
std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const RmsNormWeightGradient& op);
template <class T>
void run(const RmsNorm& op, Arrays<T>& arrays);
template <class T>
void run(const RmsNormGradient& op, Arrays<T>& arrays);
template <class T>
void run(const RmsNormWeightGradient& op, Arrays<T>& arrays);
void pull_back(Backward& backward, const RmsNorm& op, ValueId gradient);

/// Names the row statistics `name`.inverse_rms. Throws InputError for an eps that is not positive.
ValueId add_rms_norm(Graph& graph, const std::string& name, ValueId in, ValueId weight, double eps,
                     DType dtype = DType::BF16);

}  // namespace corank
