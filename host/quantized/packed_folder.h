// The packed weights of a Hugging Face folder, as bitsandbytes, GPTQ, AWQ and compressed-tensors
// write them (models/README.md has the formulas of their elements).
#pragma once

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "host/huggingface/weight_files.h"
#include "host/huggingface/weight_source.h"
#include "host/quantized/quantization_config.h"
#include "models/transformer/transformer.h"

namespace corank {

/// The weights of the linears that the files hold packed, by value name; those that lie there plain
/// are not among them. `prefix` is that of the model. The headers of all tensors are checked.
/// Throws InputError that names file and tensor: a part that is missing, misshapen, of another
/// dtype, or that says what corank does not decode. `files` has to outlive the result.
PackedWeights packed_weights(const QuantizationConfig& config, const WeightFiles& files,
                             const std::string& prefix, const Transformer& transformer);

/// A linear whose weight may be packed, and its files.
struct PackedLinear {
  QuantizationConfig config;
  const WeightFiles& files;
  std::string prefix;  // of the model
  std::string module;  // "model.layers.0.self_attn.q_proj"
  Shape shape;         // [out, in]

  std::int64_t rows() const { return shape[0]; }
  std::int64_t columns() const { return shape[1]; }
};

/// A part of it, "qweight"; nullptr if there is none.
const TensorView* find_part(const PackedLinear& linear, const std::string& part);
/// The same, which is there with this dtype (as safetensors name it) and shape.
const TensorView& require_part(const PackedLinear& linear, const std::string& part,
                               const char* dtype, const Shape& shape);
/// Its elements from the first one on, as many as `out` has.
template <class T>
void copy_part(const TensorView& view, std::vector<T>& out) {
  if (!out.empty()) std::memcpy(out.data(), view.data, out.size() * sizeof(T));
}
/// "FILE: tensor 'model...qweight'", with which messages about a part begin.
std::string part_text(const PackedLinear& linear, const std::string& part);

// Each package's own; the tensors in the result are parts. Nothing: the weight is plain.
std::optional<PackedWeight> bitsandbytes_weight(const PackedLinear& linear);
std::optional<PackedWeight> gptq_weight(const PackedLinear& linear);
std::optional<PackedWeight> awq_weight(const PackedLinear& linear);
std::optional<PackedWeight> compressed_tensors_weight(const PackedLinear& linear);

}  // namespace corank
