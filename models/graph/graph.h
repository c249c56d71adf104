// The op graph: the one place where a training step is described. The references execute it, the
// compiler lowers it to commands, the reports sum it up. Plain data; shape inference and checks are
// free functions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "models/graph/value.h"
#include "models/ops/activation.h"
#include "models/ops/adamw.h"
#include "models/ops/add.h"
#include "models/ops/clip_gradients.h"
#include "models/ops/contraction.h"
#include "models/ops/convert.h"
#include "models/ops/cross_entropy.h"
#include "models/ops/dropout.h"
#include "models/ops/embedding.h"
#include "models/ops/gated_activation.h"
#include "models/ops/gradient_norm.h"
#include "models/ops/heads.h"
#include "models/ops/inverse_row_norms.h"
#include "models/ops/layer_norm.h"
#include "models/ops/multiply.h"
#include "models/ops/rms_norm.h"
#include "models/ops/rope.h"
#include "models/ops/rows.h"
#include "models/ops/scale.h"
#include "models/ops/scale_by.h"
#include "models/ops/sgd.h"
#include "models/ops/slice.h"
#include "models/ops/softmax.h"
#include "models/ops/sum_rows.h"

namespace corank {

/// models/ops/op.h says what each of them consists of.
using Op =
    std::variant<Contraction, Convert, AdamW, Sgd, Add, Multiply, Scale, Activation,
                 ActivationGradient, GatedActivation, GatedActivationGradient, RmsNorm,
                 RmsNormGradient, RmsNormWeightGradient, LayerNorm, LayerNormGradient, Rope,
                 Softmax, SoftmaxFromStatistics, SoftmaxGradient, Embedding, ScatterAdd, Slice, Pad,
                 Concat, SplitHeads, MergeHeads, RepeatHeads, SumHeads, SumRows, CrossEntropy,
                 CrossEntropyGradient, Dropout, SelectRows, PlaceRows, ReplaceRows, SquareSums,
                 GradientNorm, ClipGradients, ScaleBy, InverseRowNorms>;

/// Ops stand in an order in which every operand is computed before it is used.
struct Graph {
  std::vector<Value> values;
  std::vector<Op> ops;
  Origin origin;  // of the values that are added next

  const Value& value(ValueId id) const { return values.at(static_cast<std::size_t>(id)); }
  Value& value(ValueId id) { return values.at(static_cast<std::size_t>(id)); }
};

/// Adds a value, whose origin is that of the graph, or the given one.
ValueId add_value(Graph& graph, Value value);
ValueId add_value(Graph& graph, Value value, const Origin& origin);

/// The value with this name, if there is one.
std::optional<ValueId> find_value(const Graph& graph, const std::string& name);

/// The values that an op reads, and the values that it writes.
std::vector<ValueId> operands_of(const Op& op);
std::vector<ValueId> results_of(const Op& op);

/// An op reads, or writes, replace(id) in place of each id.
using Replace = std::function<ValueId(ValueId)>;
void replace_operands(Op& op, const Replace& replace);
void replace_results(Op& op, const Replace& replace);

/// The name of the first value that an op writes: in messages and reports it stands for the op.
const std::string& result_name(const Graph& graph, const Op& op);
/// Where an op comes from: that of the first value that it writes.
const Origin& origin_of(const Graph& graph, const Op& op);
/// Whether an op is part of the optimizer's work, behind the gradients. Its arithmetic is FP32 in
/// every numerics.
bool is_update(const Graph& graph, const Op& op);

/// What the op says of itself, and its name: "contraction", "rms_norm", "softmax_gradient", ...
const OpTraits& traits_of(const Op& op);
const char* name_of(const Op& op);
/// The op as a product of matrices; nullptr: it is another one.
const Contraction* contraction_of(const Op& op);

/// Whether a value is computed by an op: an intermediate or a result.
bool is_computed(const Value& value);
/// Whether it is given with every step (activations, ids, shares, constants), and not once to stay,
/// as what is frozen and what is trained.
bool is_fed(const Value& value);

/// Checks the whole graph: shapes, dtypes, names, each value written at most once and before it is
/// read, and only intermediates and results written at all. Throws InputError.
void check(const Graph& graph);

}  // namespace corank
