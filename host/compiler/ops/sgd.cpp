#include "host/compiler/ops/elementwise.h"

namespace corank {

OpLowering lowering_of(const Graph&, const Sgd& op) {
  return updated<3>({{{op.parameter, op.new_parameter}, {op.gradient}, {op.buffer, op.new_buffer}}},
                    [&](Recorded& parameter, Recorded& gradient, Recorded& buffer) {
                      update_element(op.constants, gradient, parameter, buffer);
                    });
}

}  // namespace corank
