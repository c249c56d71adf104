#include "host/compiler/ops/elementwise.h"
#include "models/ops/activation_functions.h"

namespace corank {

// The other functions need instructions that the vector unit does not have yet.
OpLowering lowering_of(const Graph&, const Activation& op) {
  if (op.function != ActivationFunction::kRelu) return {" of that function", {}, {}};
  Recorder recorder;
  recorder.store(1, rectified(recorder.load(0)));
  return {"", {{op.in}, {-1, op.out}}, recorder.program()};
}

}  // namespace corank
