#include "models/ops/gated_activation.h"

#include "models/base/error.h"
#include "models/graph/backward.h"
#include "models/ops/activation_functions.h"
#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const GatedActivation& op) {
  if (op.function == ActivationFunction::kTanh) {
    throw InputError(name + ": tanh is not supported as the activation of a gate");
  }
  const Value& gate = float_operand(graph, op.gate, name);
  require_shape(float_operand(graph, op.up, name), gate.shape, name);
  return {gate.shape};
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const GatedActivationGradient& op) {
  const Value& gate = float_operand(graph, op.gate, name);
  require_shape(float_operand(graph, op.up, name), gate.shape, name);
  require_shape(float_operand(graph, op.gradient, name), gate.shape, name);
  return {gate.shape, gate.shape};
}

template <class T>
void run(const GatedActivation& op, Arrays<T>& arrays) {
  const T* gate = arrays.floats(op.gate);
  const T* up = arrays.floats(op.up);
  T* out = arrays.result(op.out);
  const std::int64_t count = arrays.elements(op.gate);
  with_activation(op.function, [=](auto function) {
    for_each_element(
        count, [=](std::int64_t i) { out[i] = activated<decltype(function)>(gate[i]) * up[i]; });
  });
}
template void run(const GatedActivation& op, Arrays<float>& arrays);
template void run(const GatedActivation& op, Arrays<double>& arrays);

template <class T>
void run(const GatedActivationGradient& op, Arrays<T>& arrays) {
  const T* gradient = arrays.floats(op.gradient);
  const T* gate = arrays.floats(op.gate);
  const T* up = arrays.floats(op.up);
  T* gate_gradient = arrays.result(op.gate_gradient);
  T* up_gradient = arrays.result(op.up_gradient);
  const std::int64_t count = arrays.elements(op.gate);
  with_activation(op.function, [=](auto function) {
    for_each_element(count, [=](std::int64_t i) {
      const GatedGradients<T> gradients =
          gated_gradients<decltype(function)>(gradient[i], gate[i], up[i]);
      gate_gradient[i] = gradients.gate;
      up_gradient[i] = gradients.up;
    });
  });
}
template void run(const GatedActivationGradient& op, Arrays<float>& arrays);
template void run(const GatedActivationGradient& op, Arrays<double>& arrays);

void pull_back(Backward& backward, const GatedActivation& op, ValueId gradient) {
  Graph& graph = backward.graph();
  GatedActivationGradient derivative;
  derivative.gradient = gradient;
  derivative.gate = op.gate;
  derivative.up = op.up;
  derivative.function = op.function;
  // Both at once; where one is not needed, nothing reads it.
  const auto declare = [&](ValueId of, const char* suffix) {
    return backward.needs(of)
               ? backward.declare(of, op.out)
               : backward.temporary(of, graph.value(op.out).name + suffix, graph.value(of).shape);
  };
  derivative.gate_gradient = declare(op.gate, ".dgate");
  derivative.up_gradient = declare(op.up, ".dup");
  graph.ops.push_back(derivative);
  backward.add_value(op.gate, derivative.gate_gradient);
  backward.add_value(op.up, derivative.up_gradient);
}

ValueId add_gated_activation(Graph& graph, const std::string& name, ValueId gate, ValueId up,
                             ActivationFunction function, DType dtype) {
  return add_single(graph, name, GatedActivation{gate, up, -1, function}, dtype);
}

}  // namespace corank
