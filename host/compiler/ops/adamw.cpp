#include "host/compiler/ops/elementwise.h"

namespace corank {

OpLowering lowering_of(const Graph&, const AdamW& op) {
  const auto fed = [&](int element) { return Recorder::Operand(op.constants, element); };
  const AdamWConstantsOf<Recorder::Operand> constants{fed(0), fed(1), fed(2), fed(3),
                                                      fed(4), fed(5), fed(6)};
  return updated<4>({{{op.parameter, op.new_parameter},
                      {op.gradient},
                      {op.first_moment, op.new_first_moment},
                      {op.second_moment, op.new_second_moment}}},
                    [&](Recorded& parameter, const Recorded& gradient, Recorded& first_moment,
                        Recorded& second_moment) {
                      update_element(op.decays, constants, gradient, parameter, first_moment,
                                     second_moment);
                    });
}

}  // namespace corank
