#include "host/compiler/ops/elementwise.h"

namespace corank {

OpLowering lowering_of(const Graph&, const Sgd& op) {
  const auto fed = [&](int element) { return Recorder::Operand(op.constants, element); };
  const SgdConstantsOf<Recorder::Operand> constants{fed(0), fed(1), fed(2), fed(3)};
  const ElementStream parameter{op.parameter, op.new_parameter}, gradient{op.gradient};
  const auto update = [&](Recorded& w, Recorded& g, Recorded& buffer) {
    update_element(op.form, constants, g, w, buffer);
  };
  if (op.form.has_momentum)
    return updated<3>({{parameter, gradient, {*op.buffer, *op.new_buffer}}}, update);
  return updated<2>({{parameter, gradient}},
                    [&](Recorded& w, Recorded& g) { update(w, g, g); });  // without a buffer
}

}  // namespace corank
