// What happens to gradients between the backward pass and the optimizer. All tensors are F32, by
// name.
#pragma once

#include "models/base/tensor.h"

namespace corank {

/// sum += factor * gradients, each product and sum rounded to FP32. The first call (an empty sum)
/// stores the products.
void accumulate(TensorMap& sum, const TensorMap& gradients, double factor);

/// The L2 norm of all elements together. Sums in double.
double global_norm(const TensorMap& gradients);

/// torch.nn.utils.clip_grad_norm_: multiplies every element by min(1, most / (norm + 1e-6)).
/// Returns the norm before.
double clip_global_norm(TensorMap& gradients, double most);

}  // namespace corank
