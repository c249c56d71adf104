// Tensors of one floating-point dtype as another.
#pragma once

#include "models/base/tensor.h"

namespace corank {

/// Whether the elements are floating-point numbers.
bool is_float(DType dtype);

/// The elements as T (float or double): exact, but for F64 as float, which is rounded to nearest.
/// The tensor is of a floating-point dtype; `out` has room for all of its elements.
template <class T>
void widen_elements(const Tensor& tensor, T* out);

/// The tensor as F32, F64 or BF16, each element rounded once (models/base/numerics.h; F64 goes to
/// BF16 through F32). Throws InputError for dtypes that are not floating-point, or F16 as the
/// result.
Tensor converted(const Tensor& tensor, DType dtype);

}  // namespace corank
