#include "host/compiler/ops/elementwise.h"

namespace corank {

OpLowering lowering_of(const Graph& graph, const Multiply& op) {
  return computed_with_rows(graph, op);
}

}  // namespace corank
