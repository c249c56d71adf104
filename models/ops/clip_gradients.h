// torch.nn.utils.clip_grad_norm_.
#pragma once

#include "models/base/vector_arithmetic.h"
#include "models/ops/op.h"

namespace corank {

/// out[i] = in[i] * min(1, most / (norm + 1e-6)), where norm is that of all gradients together
/// (models/ops/gradient_norm.h). A NaN makes the factor NaN. All are F32.
struct ClipGradients {
  std::vector<ValueId> in;
  ValueId norm = -1;  // [1]
  std::vector<ValueId> out;
  double most = 1;  // above 0

  static constexpr OpTraits kTraits = {"clip_gradients"};
  using Operands = Fields<&ClipGradients::in, &ClipGradients::norm>;
  using Results = Fields<&ClipGradients::out>;
};

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const ClipGradients& op);
template <class T>
void run(const ClipGradients& op, Arrays<T>& arrays);

/// What all elements are multiplied by.
template <class T, class Number>
T clip_factor(const T& norm, Number most) {
  const T divisor = norm + ConstantOf<T>(1e-6);
  return minimum(constant(norm, most) / divisor, ConstantOf<T>(1));
}

/// Returns the clipped gradients, each named NAME.clipped of its own name.
std::vector<ValueId> add_clip_gradients(Graph& graph, const std::vector<ValueId>& gradients,
                                        ValueId norm, double most);

}  // namespace corank
