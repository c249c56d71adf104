// The values of the op graph.
#pragma once

#include <optional>
#include <string>

#include "models/base/tensor.h"
#include "models/graph/origin.h"
#include "models/quantized/storage_format.h"

namespace corank {

using ValueId = int;

/// What a value is to the training step.
enum class Role {
  kConstants,     // a few FP32 numbers that updates read as constants, given with every step
  kInput,         // activations, token ids and incoming output gradients, given with every step
  kFrozen,        // a pretrained weight: never a gradient of its own
  kTrainable,     // an FP32 master, updated by the optimizer
  kState,         // an optimizer moment
  kIntermediate,  // computed, and needed only inside the step
  kResult,  // computed, and read back by the user (y, dx, gradients, updated masters and moments)
};

/// An array of one, two or three dimensions, each at least 1. dtype is BF16 or F32 (F32 for
/// trainables and states), or I64 for ids, masks and labels (inputs only). BF16 marks a rounding
/// point: in the numerics fp32 and fp64 such a value is kept wide. The name is unique in its graph.
struct Value {
  std::string name;
  Shape shape;
  DType dtype = DType::F32;
  Role role = Role::kIntermediate;
  Origin origin = {};  // add_value() gives it
  /// Of a frozen matrix that is packed; dtype is then what its elements are decoded to.
  std::optional<StorageFormat> storage = {};
};

/// What a value takes in memory: packed, or in its own dtype.
std::int64_t stored_bytes(const Value& value);

}  // namespace corank
