#include "host/run/compare.h"

#include <fmt/format.h>

#include <cstring>

namespace corank {
namespace {

std::uint32_t element_bits(const Tensor& tensor, std::int64_t index) {
  if (tensor.dtype == DType::BF16) return tensor.data<std::uint16_t>()[index];
  std::uint32_t bits = 0;
  std::memcpy(&bits, tensor.data<float>() + index, sizeof bits);
  return bits;
}

ComparisonReport compare(const std::string& name, const Tensor& device, const Tensor& reference) {
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

}  // namespace

std::vector<ComparisonReport> compare_bits(const Graph& graph, const TensorMap& device,
                                           const TensorMap& reference) {
  std::vector<ComparisonReport> reports;
  for (const Value& value : graph.values) {
    if (value.role != Role::kResult) continue;
    reports.push_back(compare(value.name, device.at(value.name), reference.at(value.name)));
  }
  return reports;
}

void compare_fp64(const Capture& layer, const std::string& prefix, const TensorMap& device,
                  std::vector<ComparisonReport>& comparisons) {
  const Fp64Result exact =
      run_fp64(build_layer_forward(layer.step), layer.originals, {{"y", layer.originals.at("dy")}});
  std::map<std::string, const MatrixFp64*> references = {{prefix + "y", &exact.values.at("y")},
                                                         {prefix + "dx", &exact.gradients.at("x")}};
  for (const char* master : {"lora_A", "lora_B"}) {
    const auto gradient = exact.gradients.find(master);
    if (gradient != exact.gradients.end())
      references[prefix + master + "_grad"] = &gradient->second;
  }
  for (ComparisonReport& comparison : comparisons) {
    const auto reference = references.find(comparison.tensor);
    if (reference == references.end()) continue;
    comparison.fp64 = error_against(device.at(comparison.tensor), *reference->second);
  }
}

}  // namespace corank
