// What methods that adapt linears share: the linears of a plan, their trained matrices, and
// products that are added to a linear.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "models/transformer/transformer.h"

namespace corank {

/// The linear `name`. Throws InputError, naming the method, for a module that is not there, is no
/// linear or is one of `adapted`, to which it is added.
const Module& linear_to_adapt(const Transformer& transformer, std::set<std::string>& adapted,
                              const std::string& name, const char* method);

/// A trained FP32 matrix; gives its BF16 copy, which products read.
ValueId add_trained_operand(Graph& graph, const std::string& name, const Shape& shape);

/// The linear that computes a value: its first term is x . W^T with a frozen W, and it has no
/// scale. Throws InputError, naming the method, for another op.
Contraction& linear_of(GraphRewriter& rewriter, ValueId output, const char* method);

/// out = base + factor * product: what `append` adds comes right after what the module computes.
struct ScaledTerm {
  Term term;
  float factor = 1.0f;
};
void add_delta(GraphRewriter& rewriter, const Module& module,
               const std::function<ScaledTerm()>& append);

/// The product that `append` makes goes on with the linear's own sum. Behind the ops of another
/// method it is a sum of its own, delta, which is added to what that method made:
/// y = bf16(base + delta).
void add_product(GraphRewriter& rewriter, const Module& module, const char* method,
                 const std::function<Term()>& append);

}  // namespace corank
