// The gate of a gated MLP: SwiGLU and its relatives (Shazeer, 2020, arXiv 2002.05202).
#pragma once

#include "models/ops/activation.h"
#include "models/ops/op.h"

namespace corank {

/// out = f(gate) * up, of one shape, rounded once.
struct GatedActivation {
  ValueId gate = -1, up = -1, out = -1;
  ActivationFunction function = ActivationFunction::kSilu;

  template <class Self, class Visit>
  static void visit_operands(Self& op, const Visit& visit) {
    visit(op.gate);
    visit(op.up);
  }
  template <class Self, class Visit>
  static void visit_results(Self& op, const Visit& visit) {
    visit(op.out);
  }
};

/// gate_gradient = gradient * up * f'(gate);  up_gradient = gradient * f(gate). One op, so that
/// f(gate) need not be kept.
struct GatedActivationGradient {
  ValueId gradient = -1, gate = -1, up = -1;
  ValueId gate_gradient = -1, up_gradient = -1;
  ActivationFunction function = ActivationFunction::kSilu;

  template <class Self, class Visit>
  static void visit_operands(Self& op, const Visit& visit) {
    visit(op.gradient);
    visit(op.gate);
    visit(op.up);
  }
  template <class Self, class Visit>
  static void visit_results(Self& op, const Visit& visit) {
    visit(op.gate_gradient);
    visit(op.up_gradient);
  }
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
