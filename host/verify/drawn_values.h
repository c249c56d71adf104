// Values of random graphs and models.
#pragma once

#include "host/verify/draw.h"
#include "models/base/tensor.h"
#include "models/graph/value.h"

namespace corank::draw {

/// Numbers for a given value, of the size that its role has.
Tensor numbers(Random& random, const Value& value);

/// Makes many numbers equal, so that rows have several largest ones.
void make_ties(Tensor& tensor);

/// I64 of these classes; one in four is ignored, but not the last one.
Tensor labels(Random& random, const Shape& shape, std::int64_t classes);

/// Clears some rows of a mask: a softmax has no key there that is left.
void mask_whole_rows(Random& random, Tensor& mask);

}  // namespace corank::draw
