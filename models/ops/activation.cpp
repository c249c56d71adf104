#include "models/ops/activation.h"

#include "models/base/error.h"
#include "models/graph/backward.h"
#include "models/ops/activation_functions.h"
#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {

ActivationFunction activation_function_of(const std::string& name) {
  if (name == "silu" || name == "swish") return ActivationFunction::kSilu;
  if (name == "gelu") return ActivationFunction::kGeluErf;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") return ActivationFunction::kGeluTanh;
  if (name == "tanh") return ActivationFunction::kTanh;
  if (name == "relu") return ActivationFunction::kRelu;
  throw InputError(
      "activation: expected silu, swish, gelu, gelu_new, gelu_pytorch_tanh, tanh or relu, found " +
      name);
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Activation& op) {
  return {float_operand(graph, op.in, name).shape};
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const ActivationGradient& op) {
  const Value& in = float_operand(graph, op.in, name);
  require_shape(float_operand(graph, op.gradient, name), in.shape, name);
  return {in.shape};
}

template <class T>
void run(const Activation& op, Arrays<T>& arrays) {
  const T* in = arrays.floats(op.in);
  T* out = arrays.result(op.out);
  const std::int64_t count = arrays.elements(op.in);
  with_activation(op.function, [=](auto function) {
    for_each_element(count, [=](std::int64_t i) { out[i] = activated<decltype(function)>(in[i]); });
  });
}
template void run(const Activation& op, Arrays<float>& arrays);
template void run(const Activation& op, Arrays<double>& arrays);

template <class T>
void run(const ActivationGradient& op, Arrays<T>& arrays) {
  const T* gradient = arrays.floats(op.gradient);
  const T* in = arrays.floats(op.in);
  T* out = arrays.result(op.out);
  const std::int64_t count = arrays.elements(op.in);
  with_activation(op.function, [=](auto function) {
    for_each_element(count, [=](std::int64_t i) {
      out[i] = gradient[i] * activation_slope<decltype(function)>(in[i]);
    });
  });
}
template void run(const ActivationGradient& op, Arrays<float>& arrays);
template void run(const ActivationGradient& op, Arrays<double>& arrays);

void pull_back(Backward& backward, const Activation& op, ValueId gradient) {
  const bool by_result = op.function == ActivationFunction::kTanh;
  backward.add_op(op.in, op.out,
                  ActivationGradient{gradient, by_result ? op.out : op.in, -1, op.function});
}

ValueId add_activation(Graph& graph, const std::string& name, ValueId in,
                       ActivationFunction function, DType dtype) {
  return add_single(graph, name, Activation{in, -1, function}, dtype);
}

}  // namespace corank
