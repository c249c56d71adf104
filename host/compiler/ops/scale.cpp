#include "host/compiler/ops/elementwise.h"

namespace corank {

OpLowering lowering_of(const Graph&, const Scale& op) {
  return computed<Scale, 1>(op, {{{op.in}}}, op.out);
}

}  // namespace corank
