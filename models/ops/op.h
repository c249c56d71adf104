// What every op of the graph consists of. An op X is plain data in a header of its own, with
//
//   members visit_operands(op, visit), visit_results(op, visit)
//       calls visit(id) for each value that it reads, or writes, the main result first; `op` may be
//       changed if it is not const
//   infer_shapes(graph, name, op)
//       the shape rule and the checks: shapes of the results; InputError names `name`, the values
//       and their shapes
//   pull_back(backward, op, gradient)
//       the derivative: appends ops, given the gradient of the main result (ops of the forward pass
//       only)
//   run(op, arrays)
//       the kernel, for T = float and T = double
//   add_x(graph, name, ...)
//       the builder, which names the main result
//
// and is one alternative of `Op` in models/graph/graph.h. A kernel reads its operands widened to T
// and writes T; when a result is rounded is the business of the numerics, not of the op.
//
// An element-wise op has its arithmetic in its header, as the body of one element:
//
//   element_of(op, operands...)                 the element of its result
//   update_element(constants, elements...)      an optimizer's, in place
//
// A body is a template over the type of a number: kernels execute it for float and double, and the
// compiler records it as a program of the vector unit (host/compiler/recorder.h). There a constant
// is the second operand, and a variable that is assigned to again stays in its register. C++ leaves
// open which operand of an operator is computed first, so a body computes at most one of them in
// the same expression.
#pragma once

#include <string>
#include <vector>

#include "models/graph/value.h"

namespace corank {

struct Graph;
class Backward;  // models/graph/backward.h
template <class T>
class Arrays;  // models/ops/arrays.h

/// The values that an op reads, and those that it writes.
template <class X>
std::vector<ValueId> operands_of(const X& op) {
  std::vector<ValueId> ids;
  X::visit_operands(op, [&](ValueId id) { ids.push_back(id); });
  return ids;
}
template <class X>
std::vector<ValueId> results_of(const X& op) {
  std::vector<ValueId> ids;
  X::visit_results(op, [&](ValueId id) { ids.push_back(id); });
  return ids;
}

}  // namespace corank
