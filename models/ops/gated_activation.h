// The gate of a gated MLP: SwiGLU and its relatives (Shazeer, 2020, arXiv 2002.05202).
#pragma once

#include "models/ops/activation.h"
#include "models/ops/op.h"

namespace corank {

/// out = f(gate) * up, of one shape, rounded once.
struct GatedActivation {
  ValueId gate = -1, up = -1, out = -1;
  ActivationFunction function = ActivationFunction::kSilu;

  static constexpr OpTraits kTraits = {"gated_activation"};
  using Operands = Fields<&GatedActivation::gate, &GatedActivation::up>;
  using Results = Fields<&GatedActivation::out>;
};

/// gate_gradient = gradient * up * f'(gate);  up_gradient = gradient * f(gate). One op, so that
/// f(gate) need not be kept.
struct GatedActivationGradient {
  ValueId gradient = -1, gate = -1, up = -1;
  ValueId gate_gradient = -1, up_gradient = -1;
  ActivationFunction function = ActivationFunction::kSilu;

  static constexpr OpTraits kTraits = {"gated_activation_gradient"};
  using Operands = Fields<&GatedActivationGradient::gradient, &GatedActivationGradient::gate,
                          &GatedActivationGradient::up>;
  using Results =
      Fields<&GatedActivationGradient::gate_gradient, &GatedActivationGradient::up_gradient>;
};

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const GatedActivation& op);
std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const GatedActivationGradient& op);
template <class T>
void run(const GatedActivation& op, Arrays<T>& arrays);
template <class T>
void run(const GatedActivationGradient& op, Arrays<T>& arrays);
void pull_back(Backward& backward, const GatedActivation& op, ValueId gradient);

/// Throws InputError for tanh, whose derivative is written in its result.
ValueId add_gated_activation(Graph& graph, const std::string& name, ValueId gate, ValueId up,
                             ActivationFunction function, DType dtype = DType::BF16);

}  // namespace corank
