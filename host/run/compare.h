// Comparison of what the device computed with the references.
#pragma once

#include <string>
#include <vector>

#include "host/capture/capture.h"
#include "host/report/report.h"
#include "models/quantized/quantized_tensor.h"

namespace corank {

/// One tensor, bit for bit.
ComparisonReport compare_tensor(const std::string& name, const Tensor& device,
                                const Tensor& reference);

/// Every value of role kResult, bit for bit, against `reference`.
std::vector<ComparisonReport> compare_bits(const Graph& graph, const TensorMap& device,
                                           const TensorMap& reference);

/// Adds the error against FP64 autodiff from the unrounded tensors to the comparisons of a layer's
/// output and gradients, whose names have the prefix. `inputs` and `packed` are what was given of
/// all layers; a packed weight counts as it is decoded, not as it was before.
void compare_fp64(const Capture& layer, const std::string& prefix, const TensorMap& inputs,
                  const QuantizedMap& packed, const TensorMap& device,
                  std::vector<ComparisonReport>& comparisons);

}  // namespace corank
