// torch.optim.SGD with momentum.
#pragma once

#include <cstdint>

#include "models/ops/op.h"

namespace corank {

struct SgdOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;
};

/// Each computed in double and rounded to FP32 once.
struct SgdConstants {
  float weight_decay = 0;
  float momentum = 0;
  float one_minus_dampening = 1;  // 1 at the first step: torch starts the buffer with the gradient
  bool nesterov = false;
  float negative_lr = 0;
};

/// Constants of step t (from 1). Throws InputError outside torch's ranges: lr, momentum,
/// weight_decay >= 0; nesterov only with a momentum and no dampening.
SgdConstants constants_of(const SgdOptions& options, std::int64_t step);

/// The update of one element, every operation rounded by itself, in the order of Sgd below;
/// `gradient` is overwritten.
template <class T>
void update_element(const SgdConstants& c, T& gradient, T& parameter, T& buffer) {
  if (c.weight_decay != 0.0f) gradient = gradient + parameter * c.weight_decay;
  if (c.momentum != 0.0f) {
    buffer = buffer * c.momentum;
    buffer = buffer + gradient * c.one_minus_dampening;
    if (!c.nesterov) {
      parameter = parameter + buffer * c.negative_lr;
      return;
    }
    gradient = gradient + buffer * c.momentum;
  }
  parameter = parameter + gradient * c.negative_lr;
}

/// Elementwise, every operation rounded to FP32 by itself, in this order:
///   g = g + weight_decay * w                  (left out if weight_decay is 0)
///   b = momentum * b + one_minus_dampening * g    (left out, with the next line, if momentum is 0)
///   g = nesterov ? g + momentum * b : b
///   w = w + negative_lr * g
/// The buffer b starts at 0. All values are F32 of one shape.
struct Sgd {
  ValueId parameter = -1, gradient = -1, buffer = -1;  // read
  ValueId new_parameter = -1, new_buffer = -1;         // written
  SgdConstants constants{};

  std::vector<ValueId> operands() const { return {parameter, gradient, buffer}; }
  std::vector<ValueId> results() const { return {new_parameter, new_buffer}; }
};

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Sgd& op);
template <class T>
void run(const Sgd& op, Arrays<T>& arrays);

/// The same update in place. `buffer` may be null if there is no momentum. To be called within a
/// FloatEnvironment.
void update_sgd(const SgdConstants& constants, std::int64_t count, const float* gradient,
                float* parameter, float* buffer);

/// Adds the update of a trainable value, with the state `parameter`.momentum_buffer and the results
/// `parameter`.new, .momentum_buffer.new.
void add_sgd(Graph& graph, ValueId parameter, ValueId gradient, const SgdConstants& constants);

}  // namespace corank
