// Work of the vector unit, hidden behind products that do not need it.
//
// What the schedule has left to be carried out by itself (norms, softmax, rotary embedding, their
// gradients) makes the array wait. Much of it meets a product that is neither needed for it nor
// needs it: the values of attention are projected while the softmax is computed. So a product may
// move to where such work is due, or the work to it, as far as operands and readers allow, and its
// tiles are interleaved with the product's blocks.
#pragma once

#include <vector>

#include "host/compiler/costs.h"
#include "models/graph/def_use.h"

namespace corank {

/// The stages in another order, those without a product overlapped with products where that saves
/// time. The longest work chooses first, and takes the nearest product that has time enough.
std::vector<Stage> hide_vector_work(std::vector<Stage> stages, const StepContext& step,
                                    const DefUse& uses, const Costs& costs);

}  // namespace corank
