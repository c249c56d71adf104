#include "host/compiler/ops/elementwise.h"
#include "models/ops/activation_functions.h"

namespace corank {
namespace {

// What a body moves (a maximum, say) makes no NaN canonical, so a number is multiplied by 1 where
// the body ends with a move; none of these does.
template <class Body>
OpLowering of_function(ActivationFunction function, std::vector<ElementStream> streams,
                       const Body& body) {
  Recorder recorder;
  with_activation(function, [&](auto f) { body(recorder, f); });
  return {"", std::move(streams), recorder.program()};
}

}  // namespace

OpLowering lowering_of(const Graph&, const Activation& op) {
  return of_function(op.function, {{op.in}, {-1, op.out}}, [](Recorder& recorder, auto f) {
    const Recorded in = recorder.load(0);
    recorder.store(1, activated<decltype(f)>(in));
  });
}

OpLowering lowering_of(const Graph&, const ActivationGradient& op) {
  return of_function(op.function, {{op.gradient}, {op.in}, {-1, op.out}},
                     [](Recorder& recorder, auto f) {
                       const Recorded gradient = recorder.load(0);
                       const Recorded in = recorder.load(1);
                       const Recorded slope = activation_slope<decltype(f)>(in);
                       recorder.store(2, gradient * slope);
                     });
}

OpLowering lowering_of(const Graph&, const GatedActivation& op) {
  return of_function(op.function, {{op.gate}, {op.up}, {-1, op.out}},
                     [](Recorder& recorder, auto f) {
                       const Recorded gate = recorder.load(0);
                       const Recorded up = recorder.load(1);
                       recorder.store(2, activated<decltype(f)>(gate) * up);
                     });
}

}  // namespace corank
