// What every op of the graph consists of. An op X is plain data in a header of its own, with
//
//   kTraits, Operands, Results
//       members that say what passes over a graph must know of it, and which of its fields hold
//       the values that it reads, and writes, the main result first
//   infer_shapes(graph, name, op)
//       the shape rule and the checks: shapes of the results; InputError names `name`, the values
//       and their shapes
//   check_results(graph, op)
//       only where a result may differ from what the shape rule gives (models/ops/checks.h)
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
// the same expression. It has no branches but for what is known when it is recorded: select() and
// comparisons stand for them (models/base/vector_arithmetic.h); and it ends with an operation that
// makes a NaN canonical, not with one that moves bits.
#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "models/graph/value.h"

namespace corank {

struct Graph;
class Backward;  // models/graph/backward.h
template <class T>
class Arrays;  // models/ops/arrays.h

/// Whether what an op of the forward pass gives is made again for the backward pass (recompute,
/// rematerialisation) in place of being kept.
enum class Recompute {
  kNever,
  kWithOperand,  // where its operand is kept anyway
  kAlways,
};

/// What an op is to the derivative and to the stash.
enum class OpClass {
  kOrdinary,
  kCopy,      // gives its operand, but for a rounding: both share one gradient
  kDetached,  // a constant to the derivative
  kLoss,      // what it reads of the forward pass is kept for the loss
};

struct OpTraits {
  const char* name;  // "rms_norm", in messages and reports
  Recompute recompute = Recompute::kNever;
  OpClass op_class = OpClass::kOrdinary;
  bool moves = false;  // computes nothing: where the result has a format for it, no bit changes
};

/// Calls visit(id) for each value that an op, or a part of it such as a term, reads. `op` may be
/// changed if it is not const.
template <class X, class Visit>
void visit_operands(X& op, const Visit& visit);
/// The same for each value that it writes, the main result first.
template <class X, class Visit>
void visit_results(X& op, const Visit& visit);

/// Which fields of an op hold ids: Fields<&Scale::in>.
template <auto... kFields>
struct Fields {};

namespace detail {

/// A field holds an id, one that may be left out, or several ids or parts in their order.
template <class Field, class Visit>
void visit_field(Field& field, const Visit& visit) {
  using Plain = std::remove_const_t<Field>;
  if constexpr (std::is_same_v<Plain, ValueId>) {
    visit(field);
  } else if constexpr (std::is_same_v<Plain, std::optional<ValueId>>) {
    if (field) visit(*field);
  } else if constexpr (std::is_same_v<Plain, std::vector<ValueId>>) {
    for (auto& id : field) visit(id);
  } else {
    for (auto& part : field) visit_operands(part, visit);
  }
}

template <class X, auto... kFields, class Visit>
void visit_fields(X& op, Fields<kFields...>, const Visit& visit) {
  (visit_field(op.*kFields, visit), ...);
}

}  // namespace detail

template <class X, class Visit>
void visit_operands(X& op, const Visit& visit) {
  detail::visit_fields(op, typename X::Operands(), visit);
}

template <class X, class Visit>
void visit_results(X& op, const Visit& visit) {
  detail::visit_fields(op, typename X::Results(), visit);
}

/// The values that an op reads, and those that it writes.
template <class X>
std::vector<ValueId> operands_of(const X& op) {
  std::vector<ValueId> ids;
  visit_operands(op, [&](ValueId id) { ids.push_back(id); });
  return ids;
}
template <class X>
std::vector<ValueId> results_of(const X& op) {
  std::vector<ValueId> ids;
  visit_results(op, [&](ValueId id) { ids.push_back(id); });
  return ids;
}

}  // namespace corank
