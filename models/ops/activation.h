// Elementwise activation functions.
#pragma once

#include "models/ops/op.h"

namespace corank {

enum class ActivationFunction {
  kSilu,      // x / (1 + e^-x)                                     "silu", "swish"
  kGeluErf,   // x/2 (1 + erf(x / sqrt 2))                          "gelu"
  kGeluTanh,  // x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))      "gelu_new", "gelu_pytorch_tanh"
  kTanh,      // "tanh"
  kRelu,      // "relu"
};

/// By Hugging Face's names, as above. Throws InputError for another name.
ActivationFunction activation_function_of(const std::string& name);

/// out = f(in), of one shape.
struct Activation {
  ValueId in = -1, out = -1;
  ActivationFunction function = ActivationFunction::kSilu;

  static constexpr OpTraits kTraits = {"activation"};
  using Operands = Fields<&Activation::in>;
  using Results = Fields<&Activation::out>;
};

/// out = gradient * f'(in). For tanh `in` is its result p instead: f' = 1 - p^2.
struct ActivationGradient {
  ValueId gradient = -1, in = -1, out = -1;
  ActivationFunction function = ActivationFunction::kSilu;

  static constexpr OpTraits kTraits = {"activation_gradient"};
  using Operands = Fields<&ActivationGradient::gradient, &ActivationGradient::in>;
  using Results = Fields<&ActivationGradient::out>;
};

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Activation& op);
std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const ActivationGradient& op);
template <class T>
void run(const Activation& op, Arrays<T>& arrays);
template <class T>
void run(const ActivationGradient& op, Arrays<T>& arrays);
void pull_back(Backward& backward, const Activation& op, ValueId gradient);

ValueId add_activation(Graph& graph, const std::string& name, ValueId in,
                       ActivationFunction function, DType dtype = DType::BF16);

}  // namespace corank
