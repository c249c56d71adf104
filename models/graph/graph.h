// The op graph: the one place where a training step is described. The references execute it, the
// compiler lowers it to commands, the reports sum it up. Plain data; shape inference and checks are
// free functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "models/base/tensor.h"

namespace corank {

using ValueId = int;

/// What a value is to the training step.
enum class Role {
  kInput,         // activations and incoming output gradients, given with every step
  kFrozen,        // a pretrained weight: never a gradient of its own
  kTrainable,     // an FP32 master, updated by the optimizer
  kState,         // an optimizer moment
  kIntermediate,  // computed, and needed only inside the step
  kResult,  // computed, and read back by the user (y, dx, gradients, updated masters and moments)
};

/// A matrix (or a vector as one row), every dimension at least 1. dtype is BF16 or F32; F32 for
/// trainables and states. The name is unique in its graph.
struct Value {
  std::string name;
  Shape shape;
  DType dtype = DType::F32;
  Role role = Role::kIntermediate;
};

/// Which part of a layer a matrix product belongs to, and in which pass: utilisation is reported by
/// this pair.
enum class Part { kFrozen, kAdapterDown, kAdapterUp };  // W, A, B
enum class Pass { kForward, kInputGradient, kWeightGradient };
struct GemmKind {
  Part part = Part::kFrozen;
  Pass pass = Pass::kForward;
};
bool operator==(const GemmKind& a, const GemmKind& b);
/// "frozen forward", "adapter up weight gradient", ...
std::string to_string(const GemmKind& kind);

/// op(left)[M, K] . op(right)[K, N], both BF16; op transposes where the flag is set.
struct Term {
  ValueId left = -1;
  bool left_transposed = false;
  ValueId right = -1;
  bool right_transposed = false;
  GemmKind kind;
};

/// out[M, N] = scale * (sum of the terms) + bias.
/// One sequential FP32 chain per element, from +0, over the terms in order and each contraction
/// index ascending; then one multiplication by scale (left out if scale is exactly 1), one addition
/// of bias (left out if there is none), then one rounding to BF16 if out is BF16.
struct Contraction {
  std::vector<Term> terms;
  float scale = 1.0f;
  std::optional<ValueId> bias;  // [1, N] or [N], F32 or BF16
  ValueId out = -1;
};

/// out = in rounded to BF16.
struct Convert {
  ValueId in = -1;
  ValueId out = -1;
};

/// torch.optim.AdamW's constants, computed in double and rounded to FP32 once a step.
struct AdamWConstants {
  float decay;                  // 1 - lr * weight_decay
  float one_minus_beta1;        // 1 - beta1
  float beta2;                  // beta2
  float one_minus_beta2;        // 1 - beta2
  float root_bias_correction2;  // sqrt(1 - beta2^t)
  float epsilon;                // eps
  float negative_step_size;     // -lr / (1 - beta1^t)
};

/// Elementwise, every operation rounded to FP32 by itself, in this order:
///   w = w * decay                    (left out if decay is exactly 1)
///   m = m + one_minus_beta1 * (g - m)
///   v = v * beta2 + (one_minus_beta2 * g) * g
///   d = sqrt(v) / root_bias_correction2 + epsilon
///   w = w + (negative_step_size * m) / d
/// (the order of torch.optim.AdamW, without its fused multiply-adds). All values are F32 of one
/// shape.
struct AdamW {
  ValueId parameter = -1, gradient = -1, first_moment = -1, second_moment = -1;  // read
  ValueId new_parameter = -1, new_first_moment = -1, new_second_moment = -1;     // written
  AdamWConstants constants{};
};

using Op = std::variant<Contraction, Convert, AdamW>;

/// Ops stand in an order in which every operand is computed before it is used.
struct Graph {
  std::vector<Value> values;
  std::vector<Op> ops;

  const Value& value(ValueId id) const { return values.at(static_cast<std::size_t>(id)); }
};

ValueId add_value(Graph& graph, Value value);

/// The value with this name, if there is one.
std::optional<ValueId> find_value(const Graph& graph, const std::string& name);

/// The values that an op reads, and the values that it writes.
std::vector<ValueId> operands_of(const Op& op);
std::vector<ValueId> results_of(const Op& op);

/// Adds a contraction whose output shape follows from its terms; names the new value. Throws
/// InputError, naming the values and their shapes, where shapes or dtypes do not fit; the graph is
/// then as it was.
ValueId add_contraction(Graph& graph, const std::string& name, std::vector<Term> terms, float scale,
                        std::optional<ValueId> bias, DType dtype, Role role);
/// Adds the rounding of an F32 value to BF16. Throws InputError if `in` is not F32.
ValueId add_convert(Graph& graph, const std::string& name, ValueId in);

/// Checks the whole graph: shapes, dtypes, names, each value written at most once and before it is
/// read, and only intermediates and results written at all. Throws InputError.
void check(const Graph& graph);

}  // namespace corank
