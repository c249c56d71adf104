// Products that methods add to a linear.
#pragma once

#include <functional>

#include "models/transformer/transformer.h"

namespace corank {

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
