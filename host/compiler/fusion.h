// What is carried out together with a product because that pays.
#pragma once

#include <vector>

#include "host/compiler/costs.h"

namespace corank {

/// What may be carried out together with a product, where the estimates say that it pays.
struct FusionOptions {
  bool fused = true;     // products that share the moving operand
  bool products = true;  // overlapped ones
};

/// Leaves in each stage what pays to be carried out together; the rest gets stages of its own.
/// `plan` is the one that `costs` looks at: a product that is not fused may get another layout
/// for its result.
std::vector<Stage> fuse(const std::vector<Stage>& stages, const StepContext& step,
                        const Costs& costs, const FusionOptions& options, Plan& plan);

}  // namespace corank
