#include "models/graph/layer_step.h"

#include <cmath>
#include <string>

#include "models/base/error.h"
#include "models/graph/differentiate.h"

namespace corank {
namespace {

void require_range(bool in_range, const char* what, const char* expected, double found) {
  if (in_range) return;
  throw InputError(std::string("AdamW: expected ") + what + " " + expected + ", found " +
                   std::to_string(found));
}

void add_adamw(Graph& graph, ValueId parameter, ValueId gradient, const AdamWConstants& constants) {
  const Value master = graph.value(parameter);
  const auto add = [&](const std::string& suffix, Role role) {
    return add_value(graph, {master.name + suffix, master.shape, DType::F32, role});
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
  graph.ops.push_back(adamw);
}

struct LayerForward {
  ValueId x = -1, y = -1;
  LoraValues lora;
};

LayerForward add_forward(Graph& graph, const LayerStep& step) {
  LayerForward forward;
  forward.x = add_value(graph, {"x", {step.tokens, step.in}, DType::BF16, Role::kInput});
  const ValueId weight =
      add_value(graph, {"weight", {step.out, step.in}, DType::BF16, Role::kFrozen});
  std::optional<ValueId> bias;
  if (step.has_bias) bias = add_value(graph, {"bias", {step.out}, DType::F32, Role::kFrozen});
  const GemmKind frozen_forward{Part::kFrozen, Pass::kForward};
  forward.y = add_contraction(graph, "y", {{forward.x, false, weight, true, frozen_forward}}, 1.0f,
                              bias, DType::BF16, Role::kResult);
  forward.lora = wrap_with_lora(graph, forward.y, step.lora, "");
  return forward;
}

}  // namespace

AdamWConstants constants_of(const AdamWOptions& options, std::int64_t step) {
  // The ranges are torch.optim.AdamW's.
  require_range(options.lr >= 0 && std::isfinite(options.lr), "lr", "of at least 0", options.lr);
  require_range(options.beta1 >= 0 && options.beta1 < 1, "beta1", "from 0 to below 1",
                options.beta1);
  require_range(options.beta2 >= 0 && options.beta2 < 1, "beta2", "from 0 to below 1",
                options.beta2);
  require_range(options.eps >= 0 && std::isfinite(options.eps), "eps", "of at least 0",
                options.eps);
  require_range(options.weight_decay >= 0 && std::isfinite(options.weight_decay), "weight_decay",
                "of at least 0", options.weight_decay);
  require_range(step >= 1, "step", "of at least 1", static_cast<double>(step));

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

Graph build_layer_forward(const LayerStep& step) {
  Graph graph;
  add_forward(graph, step);
  check(graph);
  return graph;
}

Graph build_layer_step(const LayerStep& step) {
  Graph graph;
  const LayerForward forward = add_forward(graph, step);
  const ValueId dy = add_value(graph, {"dy", {step.tokens, step.out}, DType::BF16, Role::kInput});
  const auto gradients = differentiate(graph, {{{forward.y, dy}}, {forward.x}});
  const AdamWConstants constants = constants_of(step.adamw, step.step);
  add_adamw(graph, forward.lora.a, gradients.at(forward.lora.a), constants);
  add_adamw(graph, forward.lora.b, gradients.at(forward.lora.b), constants);
  check(graph);
  return graph;
}

}  // namespace corank
