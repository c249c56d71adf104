#include "host/compiler/ops/elementwise.h"

namespace corank {

OpLowering lowering_of(const Graph&, const AdamW& op) {
  return updated<4>({{{op.parameter, op.new_parameter},
                      {op.gradient},
                      {op.first_moment, op.new_first_moment},
                      {op.second_moment, op.new_second_moment}}},
                    [&](Recorded& parameter, const Recorded& gradient, Recorded& first_moment,
                        Recorded& second_moment) {
                      update_element(op.constants, gradient, parameter, first_moment,
                                     second_moment);
                    });
}

}  // namespace corank
