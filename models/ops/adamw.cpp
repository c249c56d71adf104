#include "models/ops/adamw.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {

AdamWConstants constants_of(const AdamWOptions& options, std::int64_t step) {
  // The ranges are torch.optim.AdamW's.
  require_option(options.lr >= 0 && std::isfinite(options.lr), "AdamW", "lr", "of at least 0",
                 options.lr);
  require_option(options.beta1 >= 0 && options.beta1 < 1, "AdamW", "beta1", "from 0 to below 1",
                 options.beta1);
  require_option(options.beta2 >= 0 && options.beta2 < 1, "AdamW", "beta2", "from 0 to below 1",
                 options.beta2);
  require_option(options.eps >= 0 && std::isfinite(options.eps), "AdamW", "eps", "of at least 0",
                 options.eps);
  require_option(options.weight_decay >= 0 && std::isfinite(options.weight_decay), "AdamW",
                 "weight_decay", "of at least 0", options.weight_decay);
  require_option(step >= 1, "AdamW", "step", "of at least 1", static_cast<double>(step));

  const auto t = static_cast<double>(step);
  AdamWConstants constants{};
  constants.decay = static_cast<float>(1.0 - options.lr * options.weight_decay);
  constants.one_minus_beta1 = static_cast<float>(1.0 - options.beta1);
  constants.beta2 = static_cast<float>(options.beta2);
  constants.one_minus_beta2 = static_cast<float>(1.0 - options.beta2);
  constants.root_bias_correction2 = static_cast<float>(std::sqrt(1.0 - std::pow(options.beta2, t)));
  constants.epsilon = static_cast<float>(options.eps);
  constants.negative_step_size =
      static_cast<float>(-options.lr / (1.0 - std::pow(options.beta1, t)));
  return constants;
}

Tensor tensor_of(const AdamWConstants& c) {
  Tensor tensor(DType::F32, {kAdamWConstants});
  const float elements[] = {
      c.decay,   c.one_minus_beta1,   c.beta2, c.one_minus_beta2, c.root_bias_correction2,
      c.epsilon, c.negative_step_size};
  std::copy(std::begin(elements), std::end(elements), tensor.data<float>());
  return tensor;
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string&, const AdamW& op) {
  return require_update(graph, "AdamW", op, kAdamWConstants);
}

template <class T>
void run(const AdamW& op, Arrays<T>& arrays) {
  const std::int64_t count = arrays.elements(op.parameter);
  std::copy_n(arrays.floats(op.parameter), count, arrays.result(op.new_parameter));
  std::copy_n(arrays.floats(op.first_moment), count, arrays.result(op.new_first_moment));
  std::copy_n(arrays.floats(op.second_moment), count, arrays.result(op.new_second_moment));
  const T* c = arrays.floats(op.constants);
  const AdamWConstantsOf<T> constants{c[0], c[1], c[2], c[3], c[4], c[5], c[6]};
  const T* gradient = arrays.floats(op.gradient);
  T* parameter = arrays.result(op.new_parameter);
  T* first_moment = arrays.result(op.new_first_moment);
  T* second_moment = arrays.result(op.new_second_moment);
  for (std::int64_t i = 0; i < count; ++i)
    update_element(op.decays, constants, gradient[i], parameter[i], first_moment[i],
                   second_moment[i]);
}
template void run(const AdamW& op, Arrays<float>& arrays);
template void run(const AdamW& op, Arrays<double>& arrays);

void add_adamw(Graph& graph, ValueId parameter, ValueId gradient, ValueId constants, bool decays) {
  const Value master = graph.value(parameter);
  const auto add = [&](const std::string& suffix, Role role) {
    return add_value(graph, {master.name + suffix, master.shape, DType::F32, role},
                     update_of(master.origin));
  };
  AdamW adamw;
  adamw.parameter = parameter;
  adamw.gradient = gradient;
  adamw.first_moment = add(".exp_avg", Role::kState);
  adamw.second_moment = add(".exp_avg_sq", Role::kState);
  adamw.new_parameter = add(".new", Role::kResult);
  adamw.new_first_moment = add(".exp_avg.new", Role::kResult);
  adamw.new_second_moment = add(".exp_avg_sq.new", Role::kResult);
  adamw.constants = constants;
  adamw.decays = decays;
  graph.ops.push_back(adamw);
}

}  // namespace corank
