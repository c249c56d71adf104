#include "models/ops/sgd.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {

SgdConstants constants_of(const SgdOptions& options, std::int64_t step) {
  // The ranges are torch.optim.SGD's.
  require_option(options.lr >= 0 && std::isfinite(options.lr), "SGD", "lr", "of at least 0",
                 options.lr);
  require_option(options.momentum >= 0 && std::isfinite(options.momentum), "SGD", "momentum",
                 "of at least 0", options.momentum);
  require_option(options.weight_decay >= 0 && std::isfinite(options.weight_decay), "SGD",
                 "weight_decay", "of at least 0", options.weight_decay);
  require_option(std::isfinite(options.dampening), "SGD", "dampening", "to be finite",
                 options.dampening);
  require_option(!options.nesterov || options.momentum > 0, "SGD", "momentum",
                 "above 0 for Nesterov's method", options.momentum);
  require_option(!options.nesterov || options.dampening == 0, "SGD", "dampening",
                 "of 0 for Nesterov's method", options.dampening);
  require_option(step >= 1, "SGD", "step", "of at least 1", static_cast<double>(step));
  SgdConstants constants{};
  constants.weight_decay = static_cast<float>(options.weight_decay);
  constants.momentum = static_cast<float>(options.momentum);
  constants.one_minus_dampening = step == 1 ? 1.0f : static_cast<float>(1.0 - options.dampening);
  constants.negative_lr = static_cast<float>(-options.lr);
  return constants;
}

SgdForm form_of(const SgdOptions& options) {
  return {static_cast<float>(options.weight_decay) != 0.0f,
          static_cast<float>(options.momentum) != 0.0f, options.nesterov};
}

Tensor tensor_of(const SgdConstants& c) {
  Tensor tensor(DType::F32, {kSgdConstants});
  const float elements[] = {c.weight_decay, c.momentum, c.one_minus_dampening, c.negative_lr};
  std::copy(std::begin(elements), std::end(elements), tensor.data<float>());
  return tensor;
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string&, const Sgd& op) {
  return require_update(graph, "SGD", op, kSgdConstants);
}

template <class T>
void run(const Sgd& op, Arrays<T>& arrays) {
  const std::int64_t count = arrays.elements(op.parameter);
  std::copy_n(arrays.floats(op.parameter), count, arrays.result(op.new_parameter));
  if (op.form.has_momentum)
    std::copy_n(arrays.floats(*op.buffer), count, arrays.result(*op.new_buffer));
  const T* c = arrays.floats(op.constants);
  const SgdConstantsOf<T> constants{c[0], c[1], c[2], c[3]};
  const T* gradient = arrays.floats(op.gradient);
  T* parameter = arrays.result(op.new_parameter);
  T none{};  // the buffer of an update without momentum
  for (std::int64_t i = 0; i < count; ++i) {
    T g = gradient[i];
    T& buffer = op.form.has_momentum ? arrays.result(*op.new_buffer)[i] : none;
    update_element(op.form, constants, g, parameter[i], buffer);
  }
}
template void run(const Sgd& op, Arrays<float>& arrays);
template void run(const Sgd& op, Arrays<double>& arrays);

void add_sgd(Graph& graph, ValueId parameter, ValueId gradient, ValueId constants,
             const SgdForm& form) {
  const Value master = graph.value(parameter);
  const auto add = [&](const std::string& suffix, Role role) {
    return add_value(graph, {master.name + suffix, master.shape, DType::F32, role},
                     update_of(master.origin));
  };
  Sgd sgd;
  sgd.parameter = parameter;
  sgd.gradient = gradient;
  sgd.new_parameter = add(".new", Role::kResult);
  if (form.has_momentum) {
    sgd.buffer = add(".momentum_buffer", Role::kState);
    sgd.new_buffer = add(".momentum_buffer.new", Role::kResult);
  }
  sgd.constants = constants;
  sgd.form = form;
  graph.ops.push_back(sgd);
}

}  // namespace corank
