#include "host/compiler/ops/elementwise.h"

namespace corank {

OpLowering lowering_of(const Graph&, const Convert& op) {
  return computed<Convert, 1>(op, {{{op.in}}}, op.out);
}

}  // namespace corank
