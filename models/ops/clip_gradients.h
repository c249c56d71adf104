// torch.nn.utils.clip_grad_norm_.
#pragma once

#include "models/ops/op.h"

namespace corank {

/// out[i] = in[i] * min(1, most / (norm + 1e-6)), where norm is the L2 norm of all elements of all
/// gradients together, summed in double in their order; the factor is rounded to FP32 once. All are
/// F32.
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

/// The L2 norm of all elements together, as the op takes it. Sums in double.
double global_norm(const std::vector<const Tensor*>& gradients);

/// Returns the clipped gradients, named `name`.clipped each.
std::vector<ValueId> add_clip_gradients(Graph& graph, const std::vector<ValueId>& gradients,
                                        double most);

}  // namespace corank
