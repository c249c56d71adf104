// A LLaMA in a GGUF file: its shape from the keys, its parameters by Hugging Face's names.
//
// The rows of q_proj and k_proj lie there in another order (llama.cpp rotates neighbours, Hugging
// Face the two halves of a head): here they are in Hugging Face's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "host/formats/gguf.h"
#include "host/huggingface/model_config.h"
#include "host/huggingface/weight_source.h"
#include "models/transformer/transformer.h"

namespace corank {

class GgufWeights : public WeightSource {
 public:
  /// Throws InputError as MappedGguf does.
  explicit GgufWeights(const std::string& path);

  const std::string& where() const override { return file_.path(); }
  std::vector<std::string> names() const override;
  bool has(const std::string& name, const std::string& prefix) const override;
  /// One that is packed is decoded.
  Tensor read(const std::string& name, const std::string& prefix, const Shape& shape,
              DType dtype) const override;

  /// The model that the keys describe. Throws InputError that names file and key: an architecture
  /// other than "llama", a mixture of experts, a rotary embedding that corank does not have, a size
  /// that is missing or out of range, a head of classes (`task_type` "SEQ_CLS").
  ModelConfig model(const std::string& task_type) const;

  /// The weights of the linears that the file holds packed, by value name. (What an embedding
  /// reads, too, is decoded as it is read.) The object has to outlive the result.
  PackedWeights packed(const Transformer& transformer) const;

 private:
  /// The rows of a tensor in the file in Hugging Face's order.
  std::int64_t file_row(const std::string& name, std::int64_t rows, std::int64_t row) const;
  const GgufTensor& require(const std::string& name, const Shape& shape) const;
  QuantizedTensor read_packed(const std::string& name, const Shape& shape) const;
  Tensor read_plain(const std::string& name, const GgufTensor& tensor, DType dtype) const;

  MappedGguf file_;
  std::map<std::string, std::string> names_;  // Hugging Face's -> the file's
  std::int64_t heads_ = 0, kv_heads_ = 0;
};

}  // namespace corank
