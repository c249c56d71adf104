// How the values of a step lie in device memory: as they are, or transposed.
#pragma once

#include <vector>

#include "host/compiler/step_context.h"

namespace corank {

TensorLayout layout_of(const Value& value, bool may_transpose);

/// Of every value, where plan.streamed is decided. Those whose elements meet in an element-wise op
/// lie alike.
std::vector<TensorLayout> choose_layouts(const StepContext& step);

/// Whether an element-wise op reads or writes a value.
bool is_element(const std::vector<OpLowering>& lowerings, ValueId id);

}  // namespace corank
