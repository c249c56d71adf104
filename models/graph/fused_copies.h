// Copies in BF16 that a softmax, or its gradient, makes along with what it computes.
//
// The array reads the probabilities as BF16, the gradient of the softmax reads them as FP32. A
// Convert would read all of them once more; whoever has them in its registers stores them twice.
#pragma once

#include "models/graph/graph.h"

namespace corank {

/// Each Convert of probabilities becomes a further result of the op that computes them or, if that
/// has one already, of the gradient that reads them; not where the op has row statistics to store,
/// nor where the copy is needed for what that gradient reads. Values stay the same to the bit, and
/// the ops keep their order as far as it is still one.
void fuse_copies(Graph& graph);

}  // namespace corank
