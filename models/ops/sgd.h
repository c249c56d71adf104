// torch.optim.SGD with momentum.
#pragma once

#include <cstdint>

#include "models/base/tensor.h"
#include "models/ops/op.h"

namespace corank {

struct SgdOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;
};

/// What the update multiplies and adds. Number is float, or what records an operand that is fed.
template <class Number>
struct SgdConstantsOf {
  Number weight_decay;
  Number momentum;
  Number one_minus_dampening;  // 1 at the first step: torch starts the buffer with the gradient
  Number negative_lr;
};
/// Each computed in double and rounded to FP32 once.
using SgdConstants = SgdConstantsOf<float>;
inline constexpr std::int64_t kSgdConstants = 4;

/// Which operations the update has.
struct SgdForm {
  bool decays = false, has_momentum = false, nesterov = false;
};
SgdForm form_of(const SgdOptions& options);

/// Constants of step t (from 1). Throws InputError outside torch's ranges: lr, momentum,
/// weight_decay >= 0; nesterov only with a momentum and no dampening.
SgdConstants constants_of(const SgdOptions& options, std::int64_t step);
/// As the op is fed them: F32 [4], in the order of the members.
Tensor tensor_of(const SgdConstants& constants);

/// The update of one element, every operation rounded by itself, in the order of Sgd below;
/// `gradient` is overwritten.
template <class T, class Number>
void update_element(const SgdForm& form, const SgdConstantsOf<Number>& c, T& gradient, T& parameter,
                    T& buffer) {
  if (form.decays) gradient = gradient + parameter * c.weight_decay;
  if (form.has_momentum) {
    buffer = buffer * c.momentum;
    buffer = buffer + gradient * c.one_minus_dampening;
    if (!form.nesterov) {
      parameter = parameter + buffer * c.negative_lr;
      return;
    }
    gradient = gradient + buffer * c.momentum;
  }
  parameter = parameter + gradient * c.negative_lr;
}

/// Elementwise, every operation rounded to FP32 by itself, in this order:
///   g = g + weight_decay * w                      (left out unless `decays`)
///   b = momentum * b + one_minus_dampening * g    (left out, with the next line, unless
///                                                 `has_momentum`; then there is no buffer)
///   g = nesterov ? g + momentum * b : b
///   w = w + negative_lr * g
/// The buffer b starts at 0. All values are F32 of one shape.
struct Sgd {
  ValueId parameter = -1, gradient = -1;      // read
  ValueId new_parameter = -1;                 // written
  std::optional<ValueId> buffer, new_buffer;  // read, written
  ValueId constants = -1;                     // [4], fed anew with every step
  SgdForm form;

  static constexpr OpTraits kTraits = {"sgd"};
  using Operands = Fields<&Sgd::parameter, &Sgd::gradient, &Sgd::buffer, &Sgd::constants>;
  using Results = Fields<&Sgd::new_parameter, &Sgd::new_buffer>;
};

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Sgd& op);
template <class T>
void run(const Sgd& op, Arrays<T>& arrays);

/// Adds the update of a trainable value, with the result `parameter`.new and, where it has
/// momentum, the state `parameter`.momentum_buffer and the result `parameter`.momentum_buffer.new.
void add_sgd(Graph& graph, ValueId parameter, ValueId gradient, ValueId constants,
             const SgdForm& form);

}  // namespace corank
