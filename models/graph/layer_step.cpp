#include "models/graph/layer_step.h"

#include <string>

#include "models/graph/differentiate.h"

namespace corank {
namespace {

struct LayerForward {
  ValueId x = -1, y = -1;
  LoraValues lora;
};

LayerForward add_forward(Graph& graph, const LayerStep& step, const std::string& prefix) {
  LayerForward forward;
  forward.x = add_value(graph, {prefix + "x", {step.tokens, step.in}, DType::BF16, Role::kInput});
  const ValueId weight =
      add_value(graph, {prefix + "weight", {step.out, step.in}, DType::BF16, Role::kFrozen});
  std::optional<ValueId> bias;
  if (step.has_bias)
    bias = add_value(graph, {prefix + "bias", {step.out}, DType::F32, Role::kFrozen});
  const GemmKind frozen_forward{Part::kFrozen, Pass::kForward};
  forward.y =
      add_contraction(graph, prefix + "y", {{forward.x, false, weight, true, frozen_forward}}, 1.0f,
                      bias, DType::BF16, Role::kResult);
  if (step.lora.rank > 0) forward.lora = wrap_with_lora(graph, forward.y, step.lora, prefix);
  return forward;
}

}  // namespace

std::string layer_prefix(std::size_t layer, std::size_t layers) {
  return layers == 1 ? "" : std::to_string(layer) + ".";
}

Graph build_layer_forward(const LayerStep& step) {
  Graph graph;
  add_forward(graph, step, "");
  check(graph);
  return graph;
}

Graph build_layer_step(const LayerStep& step) { return build_layer_steps({step}); }

Graph build_layer_steps(const std::vector<LayerStep>& steps) {
  Graph graph;
  std::vector<LayerForward> forwards;
  for (std::size_t i = 0; i < steps.size(); ++i)
    forwards.push_back(add_forward(graph, steps[i], layer_prefix(i, steps.size())));
  // One layer after another: a layer's update may follow as soon as its gradients are there.
  for (std::size_t i = steps.size(); i-- > 0;) {
    const LayerStep& step = steps[i];
    const LayerForward& forward = forwards[i];
    const ValueId dy = add_value(
        graph,
        {layer_prefix(i, steps.size()) + "dy", {step.tokens, step.out}, DType::BF16, Role::kInput});
    const auto gradients = differentiate(graph, {{{forward.y, dy}}, {forward.x}, {}});
    if (step.lora.rank == 0) continue;
    const AdamWConstants constants = constants_of(step.adamw, step.step);
    add_adamw(graph, forward.lora.a, gradients.at(forward.lora.a), constants);
    add_adamw(graph, forward.lora.b, gradients.at(forward.lora.b), constants);
  }
  check(graph);
  return graph;
}

}  // namespace corank
