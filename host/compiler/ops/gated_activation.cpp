#include "host/compiler/ops/elementwise.h"
#include "host/compiler/ops/regions.h"
#include "models/ops/activation_functions.h"

namespace corank {
namespace {

// Both gradients at once where they take the operands' places.
OpLowering in_their_places(const GatedActivationGradient& op) {
  OpLowering lowering;
  with_activation(op.function, [&](auto f) {
    lowering = updated<3>({{{op.gradient}, {op.gate, op.gate_gradient}, {op.up, op.up_gradient}}},
                          [](const Recorded& gradient, Recorded& gate, Recorded& up) {
                            GatedGradients<Recorded> gradients =
                                gated_gradients<decltype(f)>(gradient, gate, up);
                            gate = std::move(gradients.gate);
                            up = std::move(gradients.up);
                          });
  });
  return lowering;
}

// Else one after the other: a command has not streams enough for both.
OpLowering one_by_one(const Graph& graph, const GatedActivationGradient& op) {
  Recorder of_gate, of_up;
  with_activation(op.function, [&](auto f) {
    for (Recorder* recorder : {&of_gate, &of_up}) {
      const Recorded gradient = recorder->load(0);
      const Recorded gate = recorder->load(1);
      const Recorded up = recorder->load(2);
      const GatedGradients<Recorded> gradients = gated_gradients<decltype(f)>(gradient, gate, up);
      recorder->store(3, recorder == &of_gate ? gradients.gate : gradients.up);
    }
  });
  RegionPass pass = one_step(graph, op.gate,
                             {elements(op.gradient), elements(op.gate), elements(op.up),
                              result(op.gate_gradient), result(op.up_gradient)},
                             Walk::kElements, {});
  pass.steps = {{Walk::kElements, {{0}, {1}, {2}, {3}}, of_gate.program(), {}},
                {Walk::kElements, {{0}, {1}, {2}, {4}}, of_up.program(), {}}};
  return over_region(std::move(pass));
}

}  // namespace

OpLowering lowering_of(const Graph& graph, const GatedActivationGradient& op) {
  const auto same = [&](ValueId a, ValueId b) {
    return graph.value(a).dtype == graph.value(b).dtype;
  };
  return same(op.gate, op.gate_gradient) && same(op.up, op.up_gradient) ? in_their_places(op)
                                                                        : one_by_one(graph, op);
}

}  // namespace corank
