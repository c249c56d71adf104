// torch.optim.AdamW (Loshchilov and Hutter, 2019, arXiv 1711.05101).
#pragma once

#include <cmath>
#include <cstdint>

#include "models/ops/op.h"

namespace corank {

struct AdamWOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.01;
};

/// Computed in double and rounded to FP32 once a step.
struct AdamWConstants {
  float decay;                  // 1 - lr * weight_decay
  float one_minus_beta1;        // 1 - beta1
  float beta2;                  // beta2
  float one_minus_beta2;        // 1 - beta2
  float root_bias_correction2;  // sqrt(1 - beta2^t)
  float epsilon;                // eps
  float negative_step_size;     // -lr / (1 - beta1^t)
};

/// Constants of step t (from 1). Throws InputError outside torch's ranges: lr, eps, weight_decay >=
/// 0; 0 <= beta1, beta2 < 1.
AdamWConstants constants_of(const AdamWOptions& options, std::int64_t step);

/// The update of one element, every operation rounded by itself, in the order of AdamW below.
template <class T>
void update_element(const AdamWConstants& c, const T& gradient, T& parameter, T& first_moment,
                    T& second_moment) {
  using std::sqrt;
  if (c.decay != 1.0f) parameter = parameter * c.decay;
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
///   w = w * decay                    (left out if decay is exactly 1)
///   m = m + one_minus_beta1 * (g - m)
///   v = v * beta2 + (one_minus_beta2 * g) * g
///   d = sqrt(v) / root_bias_correction2 + epsilon
///   w = w + (negative_step_size * m) / d
/// (the order of torch.optim.AdamW, without its fused multiply-adds). All values are F32 of one
/// shape.
struct AdamW {
  ValueId parameter = -1, gradient = -1, first_moment = -1, second_moment = -1;  // read
  ValueId new_parameter = -1, new_first_moment = -1, new_second_moment = -1;     // written
  AdamWConstants constants{};

  std::vector<ValueId> operands() const {
    return {parameter, gradient, first_moment, second_moment};
  }
  std::vector<ValueId> results() const {
    return {new_parameter, new_first_moment, new_second_moment};
  }
};

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const AdamW& op);
template <class T>
void run(const AdamW& op, Arrays<T>& arrays);

/// The same update of `count` elements in place, for a training loop that owns its state. To be
/// called within a FloatEnvironment.
void update_adamw(const AdamWConstants& constants, std::int64_t count, const float* gradient,
                  float* parameter, float* first_moment, float* second_moment);

/// Adds the update of a trainable value, with the moments `parameter`.exp_avg, .exp_avg_sq as
/// states and `parameter`.new, .exp_avg.new, .exp_avg_sq.new as results.
void add_adamw(Graph& graph, ValueId parameter, ValueId gradient, const AdamWConstants& constants);

}  // namespace corank
