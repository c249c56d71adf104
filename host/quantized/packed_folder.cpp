#include "host/quantized/packed_folder.h"

#include "models/base/error.h"
#include "models/base/text.h"

namespace corank {
namespace {

std::optional<PackedWeight> weight_of(const PackedLinear& linear) {
  switch (linear.config.packing) {
    case Packing::kBitsandbytes:
      return bitsandbytes_weight(linear);
    case Packing::kGptq:
      return gptq_weight(linear);
    case Packing::kAwq:
      return awq_weight(linear);
    case Packing::kCompressedTensors:
      return compressed_tensors_weight(linear);
  }
  return std::nullopt;  // not reached: all stand above
}

}  // namespace

const TensorView* find_part(const PackedLinear& linear, const std::string& part) {
  return linear.files.find(linear.module + "." + part, linear.prefix);
}

std::string part_text(const PackedLinear& linear, const std::string& part) {
  return linear.files.where() + ": tensor " + quote(linear.module + "." + part);
}

const TensorView& require_part(const PackedLinear& linear, const std::string& part,
                               const char* dtype, const Shape& shape) {
  const TensorView& view = linear.files.require(linear.module + "." + part, linear.prefix, shape);
  if (view.type.name != std::string(dtype))
    throw InputError(part_text(linear, part) + ": expected " + dtype + ", found " + view.type.name);
  return view;
}

PackedWeights packed_weights(const QuantizationConfig& config, const WeightFiles& files,
                             const std::string& prefix, const Transformer& transformer) {
  PackedWeights packed;
  for (const Module& module : transformer.modules) {
    const Value& weight = transformer.graph.value(module.weight);
    // A head that is tied to the embedding is plain as that is.
    if (module.kind != ModuleKind::kLinear || weight.name != module.name + ".weight") continue;
    const PackedLinear linear{config, files, prefix, module.name, weight.shape};
    std::optional<PackedWeight> found = weight_of(linear);
    if (!found) continue;
    for (std::string& part : found->tensors) part.insert(0, module.name + ".");
    packed.emplace(weight.name, std::move(*found));
  }
  return packed;
}

}  // namespace corank
