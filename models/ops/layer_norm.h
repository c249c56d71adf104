// Layer normalisation (Ba et al., 2016, arXiv 1607.06450).
#pragma once

#include "models/base/vector_arithmetic.h"
#include "models/numerics/functions.h"
#include "models/ops/op.h"

namespace corank {

/// n = (in - mean) * r of each row, r = 1 / sqrt(mean((in - mean)^2) + eps);
/// out = weight * n + bias. n is an output too, because the derivative needs nothing else but r.
struct LayerNorm {
  ValueId in = -1, weight = -1, bias = -1;              // [rows, columns], [columns], [columns]
  ValueId out = -1, normalized = -1, inverse_std = -1;  // n [rows, columns], r [rows], F32
  double eps = 0;

  static constexpr OpTraits kTraits = {"layer_norm"};
  using Operands = Fields<&LayerNorm::in, &LayerNorm::weight, &LayerNorm::bias>;
  using Results = Fields<&LayerNorm::out, &LayerNorm::normalized, &LayerNorm::inverse_std>;
};

// The bodies of a row and of an element.
template <class T>
T squared_distance(const T& x, const T& mean) {
  const T distance = x - mean;
  return distance * distance;
}
/// r, of the sum of squared distances of a row of `count` elements.
template <class T, class Number>
T inverse_std_of(const T& squares, Number count, Number eps) {
  const T variance = squares / count;
  return reciprocal_root(variance + eps);
}
template <class T>
T layer_normalized(const T& x, const T& mean, const T& r) {
  T distance = x - mean;
  return std::move(distance) * r;
}
template <class T>
T scaled_and_shifted(const T& normalized, const T& weight, const T& bias) {
  return multiply_add(normalized, weight, bias);
}
/// g * n, the sum of which over a row divided by its elements is `projection`, as that of g `mean`.
template <class T>
T layer_norm_projection(const T& gradient, const T& weight, const T& n) {
  T g = gradient * weight;
  return std::move(g) * n;
}
template <class T>
T layer_norm_slope(const T& gradient, const T& weight, const T& n, const T& r, const T& mean,
                   const T& projection) {
  const T along = n * projection;
  T g = gradient * weight;
  g = std::move(g) - mean;
  g = std::move(g) - along;
  return std::move(g) * r;
}

/// g = gradient * weight:  out = r * (g - mean(g) - n * mean(g * n)) of each row.
struct LayerNormGradient {
  ValueId gradient = -1, normalized = -1, inverse_std = -1, weight = -1, out = -1;

  static constexpr OpTraits kTraits = {"layer_norm_gradient"};
  using Operands = Fields<&LayerNormGradient::gradient, &LayerNormGradient::normalized,
                          &LayerNormGradient::inverse_std, &LayerNormGradient::weight>;
  using Results = Fields<&LayerNormGradient::out>;
};

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const LayerNorm& op);
std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const LayerNormGradient& op);
template <class T>
void run(const LayerNorm& op, Arrays<T>& arrays);
template <class T>
void run(const LayerNormGradient& op, Arrays<T>& arrays);
void pull_back(Backward& backward, const LayerNorm& op, ValueId gradient);

/// Names the other results `name`.normalized and `name`.inverse_std. Throws InputError for an eps
/// that is not positive.
ValueId add_layer_norm(Graph& graph, const std::string& name, ValueId in, ValueId weight,
                       ValueId bias, double eps, DType dtype = DType::BF16);

}  // namespace corank
