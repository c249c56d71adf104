// Ops that compute nothing and need no command: their results are seen where their operands lie, in
// other strides.
//
// A slice and the heads of a matrix are views of it, repeated heads of the single ones; merged
// heads are the other way round: what computes the heads writes them to where the merged matrix
// lies. Such an op is carried out by movements where commands cannot address the view: a head does
// not begin at a panel, the matrix is changed while the view is needed, or an op needs its rows one
// below another.
#pragma once

#include <vector>

#include "host/compiler/step_context.h"
#include "models/graph/def_use.h"

namespace corank {

/// By ValueId: the value in whose place it lies, -1: it has a place of its own.
struct ValueViews {
  std::vector<ValueId> of;
  std::vector<TensorLayout> layouts;
};

/// `layouts`: of all values, as they would lie without views; addresses are without meaning.
ValueViews choose_views(const StepContext& step, const DefUse& uses,
                        const std::vector<TensorLayout>& layouts);

/// The op of which `of` has an operand or result is a view: it makes no commands.
bool is_view(const Op& op, const std::vector<ValueId>& of);

/// The value at whose place it lies in the end: itself, if it is no view.
ValueId root_of(const std::vector<ValueId>& of, ValueId id);

}  // namespace corank
