// Matrix products: the one kind of reduction that the array executes.
#pragma once

#include <optional>

#include "models/ops/op.h"

namespace corank {

/// op(left)[M, K] . op(right)[K, N]; op transposes where the flag is set. Operands of three
/// dimensions are batches of matrices, [batch, M, K] . [batch, K, N].
struct Term {
  ValueId left = -1;
  bool left_transposed = false;
  ValueId right = -1;
  bool right_transposed = false;
  GemmKind kind;

  using Operands = Fields<&Term::left, &Term::right>;
};

/// out[M, N] = scale * (sum of the terms) + bias, or out[batch, M, N] for batches.
/// One sequential FP32 chain per element, from +0, over the terms in order and each contraction
/// index ascending; then one multiplication by scale (left out if scale is exactly 1), one addition
/// of bias (left out if there is none), then one rounding to BF16 if out is BF16.
struct Contraction {
  std::vector<Term> terms;
  float scale = 1.0f;
  std::optional<ValueId> bias;  // [1, N] or [N], F32 or BF16
  ValueId out = -1;

  static constexpr OpTraits kTraits = {"contraction"};
  using Operands = Fields<&Contraction::terms, &Contraction::bias>;
  using Results = Fields<&Contraction::out>;
};

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Contraction& op);
/// The result of one row may be a vector.
void check_results(const Graph& graph, const Contraction& op);
template <class T>
void run(const Contraction& op, Arrays<T>& arrays);  // by Eigen's products, in any order
/// The gradient of the sum before its scale is `factor` times a value.
void pull_back(Backward& backward, const Contraction& op, ValueId gradient, float factor);
/// The kernel in exactly the documented order. To be called within a FloatEnvironment.
void run_chain(const Contraction& op, Arrays<float>& arrays);

/// Adds a contraction whose output shape follows from its terms; names the new value. Operands are
/// BF16, as the array takes them, unless the terms are all of F32 operands. Throws InputError,
/// naming the values and their shapes, where shapes or dtypes do not fit; the graph is then as it
/// was.
ValueId add_contraction(Graph& graph, const std::string& name, std::vector<Term> terms, float scale,
                        std::optional<ValueId> bias, DType dtype, Role role);

/// Multiplications (each with its addition) of one term.
std::int64_t macs_of(const Graph& graph, const Term& term);

}  // namespace corank
