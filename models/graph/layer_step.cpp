#include "models/graph/layer_step.h"

#include <string>

#include "models/graph/differentiate.h"

namespace corank {
namespace {

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
  const auto gradients = differentiate(graph, {{{forward.y, dy}}, {forward.x}, {}});
  const AdamWConstants constants = constants_of(step.adamw, step.step);
  add_adamw(graph, forward.lora.a, gradients.at(forward.lora.a), constants);
  add_adamw(graph, forward.lora.b, gradients.at(forward.lora.b), constants);
  check(graph);
  return graph;
}

}  // namespace corank
