// torch.nn.utils.clip_grad_norm_.
#pragma once

#include "models/base/vector_arithmetic.h"
#include "models/ops/op.h"

namespace corank {

/// out[i] = in[i] * min(1, most / (norm + 1e-6)), where norm is the L2 norm of all elements of all
/// gradients together, all of it in FP32: the squares of each row (of the last dimension) are
/// summed up as sum_of_row() does it, the sums of the rows, ascending, and gradient by gradient,
/// are one chain from +0. A NaN makes the factor NaN. All are F32.
struct ClipGradients {
  std::vector<ValueId> in, out;
  double most = 1;  // above 0

  static constexpr OpTraits kTraits = {"clip_gradients"};
  using Operands = Fields<&ClipGradients::in>;
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

/// The L2 norm of all elements together, as the op takes it.
float global_norm(const std::vector<const Tensor*>& gradients);

/// Returns the clipped gradients, named `name`.clipped each.
std::vector<ValueId> add_clip_gradients(Graph& graph, const std::vector<ValueId>& gradients,
                                        double most);

}  // namespace corank
