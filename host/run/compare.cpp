#include "host/run/compare.h"

#include <fmt/format.h>

#include <cstring>

#include "models/graph/backward.h"
#include "models/quantized/decode.h"

namespace corank {
namespace {

std::uint32_t element_bits(const Tensor& tensor, std::int64_t index) {
  if (tensor.dtype == DType::BF16) return tensor.data<std::uint16_t>()[index];
  std::uint32_t bits = 0;
  std::memcpy(&bits, tensor.data<float>() + index, sizeof bits);
  return bits;
}

}  // namespace

ComparisonReport compare_tensor(const std::string& name, const Tensor& device,
                                const Tensor& reference) {
  ComparisonReport report;
  report.tensor = name;
  report.elements = static_cast<std::uint64_t>(element_count(reference.shape));
  const int digits = reference.dtype == DType::BF16 ? 4 : 8;
  for (std::int64_t i = 0; i < element_count(reference.shape); ++i) {
    const std::uint32_t found = element_bits(device, i), expected = element_bits(reference, i);
    if (found == expected) continue;
    if (report.mismatches++ == 0) {
      report.first_mismatch =
          fmt::format("[{}, {}]: device {:0{}x}, reference {:0{}x}", i / reference.columns(),
                      i % reference.columns(), found, digits, expected, digits);
    }
  }
  return report;
}

std::vector<ComparisonReport> compare_bits(const Graph& graph, const TensorMap& device,
                                           const TensorMap& reference) {
  std::vector<ComparisonReport> reports;
  for (const Value& value : graph.values) {
    if (value.role != Role::kResult) continue;
    reports.push_back(compare_tensor(value.name, device.at(value.name), reference.at(value.name)));
  }
  return reports;
}

void compare_fp64(const Capture& capture, const std::string& prefix, const TensorMap& inputs,
                  const QuantizedMap& packed, const TensorMap& device,
                  std::vector<ComparisonReport>& comparisons) {
  TensorMap given = capture.originals;
  LinearLayer layer = capture.layer;
  if (layer.storage) given["weight"] = decoded(packed.at(prefix + "weight"), DType::F32);
  layer.storage.reset();
  const Graph forward = linear_layer_forward(layer);
  for (const Value& value : forward.values) {
    if (!is_computed(value) && given.count(value.name) == 0)
      given[value.name] = inputs.at(prefix + value.name);
  }
  const auto dy = capture.originals.find("dy");
  const Tensor& output_gradient =
      dy != capture.originals.end() ? dy->second : inputs.at(prefix + "dy");
  const Fp64Result exact = run_fp64(forward, given, {{"y", output_gradient}});
  std::map<std::string, const MatrixFp64*> references = {{prefix + "y", &exact.values.at("y")}};
  for (const auto& [name, gradient] : exact.gradients)
    references[prefix + gradient_name(forward.value(*find_value(forward, name)))] = &gradient;
  for (ComparisonReport& comparison : comparisons) {
    const auto reference = references.find(comparison.tensor);
    if (reference == references.end()) continue;
    comparison.fp64 = error_against(device.at(comparison.tensor), *reference->second);
  }
}

}  // namespace corank
