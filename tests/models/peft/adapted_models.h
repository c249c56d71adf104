// Models that the tests of every method adapt, and the check of the derivatives of what it trains.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>

#include "models/transformer/transformer.h"

namespace corank::test {

/// A model of one linear "m", y = x W^T + bias, and of a "norm".
Transformer one_linear(std::int64_t tokens, std::int64_t in, std::int64_t out);
/// Adds the backward pass of its y with the gradient dy, and that by x.
void add_backward(Transformer& model);

/// Whole models of two layers with random sizes; the hidden size is a multiple of 12.
Transformer random_llama(std::mt19937_64& generator);
Transformer random_bert(std::mt19937_64& generator);

/// Of each of the `trained` trainable values the derivative of the loss is the central difference
/// along a random direction to 1e-7, in FP64: at random elements, vectors but biases near 1, a
/// random batch whose last token is hidden.
void check_derivatives(const Transformer& adapted, std::size_t trained, std::mt19937_64& generator);

}  // namespace corank::test
