// Comparison of what the device computed with the references.
#pragma once

#include "host/report/report.h"
#include "models/graph/layer_step.h"

namespace corank {

/// Every value of role kResult, bit for bit, against `reference`.
std::vector<ComparisonReport> compare_bits(const Graph& graph, const TensorMap& device,
                                           const TensorMap& reference);

/// Adds the error against FP64 autodiff from the unrounded tensors to the comparisons of y, dx,
/// lora_A_grad and lora_B_grad.
void compare_fp64(const LayerStep& step, const TensorMap& originals, const TensorMap& device,
                  std::vector<ComparisonReport>& comparisons);

}  // namespace corank
