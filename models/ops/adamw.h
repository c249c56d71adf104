// torch.optim.AdamW (Loshchilov and Hutter, 2019, arXiv 1711.05101).
#pragma once

#include <cmath>
#include <cstdint>

#include "models/base/tensor.h"
#include "models/ops/op.h"

namespace corank {

struct AdamWOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.01;
};

/// What the update multiplies and adds. Number is float, or what records an operand that is fed.
template <class Number>
struct AdamWConstantsOf {
  Number decay;                  // 1 - lr * weight_decay
  Number one_minus_beta1;        // 1 - beta1
  Number beta2;                  // beta2
  Number one_minus_beta2;        // 1 - beta2
  Number root_bias_correction2;  // sqrt(1 - beta2^t)
  Number epsilon;                // eps
  Number negative_step_size;     // -lr / (1 - beta1^t)
};
/// Computed in double and rounded to FP32 once a step.
using AdamWConstants = AdamWConstantsOf<float>;
inline constexpr std::int64_t kAdamWConstants = 7;

/// Constants of step t (from 1). Throws InputError outside torch's ranges: lr, eps, weight_decay >=
/// 0; 0 <= beta1, beta2 < 1.
AdamWConstants constants_of(const AdamWOptions& options, std::int64_t step);
/// As the op is fed them: F32 [7], in the order of the members.
Tensor tensor_of(const AdamWConstants& constants);

/// The update of one element, every operation rounded by itself, in the order of AdamW below.
template <class T, class Number>
void update_element(bool decays, const AdamWConstantsOf<Number>& c, const T& gradient, T& parameter,
                    T& first_moment, T& second_moment) {
  using std::sqrt;
  if (decays) parameter = parameter * c.decay;
  T change = (gradient - first_moment) * c.one_minus_beta1;
  first_moment = first_moment + change;
  second_moment = second_moment * c.beta2;
  change = (gradient * c.one_minus_beta2) * gradient;
  second_moment = second_moment + change;
  const T denominator = sqrt(second_moment) / c.root_bias_correction2 + c.epsilon;
  change = (first_moment * c.negative_step_size) / denominator;
  parameter = parameter + change;
}

/// Elementwise, every operation rounded to FP32 by itself, in this order:
///   w = w * decay                    (left out unless `decays`)
///   m = m + one_minus_beta1 * (g - m)
///   v = v * beta2 + (one_minus_beta2 * g) * g
///   d = sqrt(v) / root_bias_correction2 + epsilon
///   w = w + (negative_step_size * m) / d
/// (the order of torch.optim.AdamW, without its fused multiply-adds). All values are F32 of one
/// shape.
struct AdamW {
  ValueId parameter = -1, gradient = -1, first_moment = -1, second_moment = -1;  // read
  ValueId new_parameter = -1, new_first_moment = -1, new_second_moment = -1;     // written
  ValueId constants = -1;  // [7], fed anew with every step
  bool decays = true;      // whether there is a weight decay

  static constexpr OpTraits kTraits = {"adamw"};
  using Operands = Fields<&AdamW::parameter, &AdamW::gradient, &AdamW::first_moment,
                          &AdamW::second_moment, &AdamW::constants>;
  using Results =
      Fields<&AdamW::new_parameter, &AdamW::new_first_moment, &AdamW::new_second_moment>;
};

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const AdamW& op);
template <class T>
void run(const AdamW& op, Arrays<T>& arrays);

/// Adds the update of a trainable value, with the moments `parameter`.exp_avg, .exp_avg_sq as
/// states and `parameter`.new, .exp_avg.new, .exp_avg_sq.new as results.
void add_adamw(Graph& graph, ValueId parameter, ValueId gradient, ValueId constants, bool decays);

}  // namespace corank
