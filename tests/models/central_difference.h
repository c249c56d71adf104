// Derivatives against central differences, in FP64.
#pragma once

#include <map>
#include <random>
#include <string>

#include "models/graph/graph.h"

namespace corank::test {

/// Standard normal F64 elements.
Tensor normal_f64(std::mt19937_64& generator, const Shape& shape);

/// Differentiates sum(g * y), g random, with respect to every trainable value of a forward graph:
/// by differentiate() and execute(), and by central differences of the executed forward graph, of
/// fourth order. Returns |difference| / |gradient| (Frobenius) by name of the trainable value.
/// `given` holds the tensors that are not to be drawn at random (ids, masks).
std::map<std::string, double> derivative_errors(const Graph& forward, ValueId y,
                                                const TensorMap& given, std::mt19937_64& generator);

/// The same for a graph with a loss, along one random direction for each trainable tensor. The step
/// in that direction changes each element by about `step`.
std::map<std::string, double> loss_derivative_errors(const Graph& forward, ValueId loss,
                                                     const TensorMap& given, double step,
                                                     std::mt19937_64& generator);

}  // namespace corank::test
