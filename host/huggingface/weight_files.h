// The weights of a Hugging Face model folder: one model.safetensors, or shards and their index.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "host/formats/mapped_safetensors.h"
#include "host/huggingface/weight_source.h"

namespace corank {

class WeightFiles : public WeightSource {
 public:
  /// Maps FOLDER/model.safetensors, or the shards that FOLDER/model.safetensors.index.json names.
  /// The names of old BERT files, LayerNorm.gamma and .beta, become LayerNorm.weight and .bias.
  /// Throws InputError: neither is there (nor readable: PyTorch's own files), a damaged file or
  /// index, a shard that is missing, outside of the folder or lacks a tensor that the index places
  /// there, a tensor that is there by its old and its new name.
  explicit WeightFiles(const std::string& folder);

  /// The tensor of this name, by the rule of has(); nullptr if there is none.
  const TensorView* find(const std::string& name, const std::string& prefix) const;

  /// The tensor with this shape. Throws InputError that names file, tensor, expected and found.
  const TensorView& require(const std::string& name, const std::string& prefix,
                            const Shape& shape) const;

  const std::string& where() const override { return where_; }
  std::vector<std::string> names() const override;
  bool has(const std::string& name, const std::string& prefix) const override {
    return find(name, prefix) != nullptr;
  }
  /// Its memory in the mapping is given back, so that a model is in memory once.
  Tensor read(const std::string& name, const std::string& prefix, const Shape& shape,
              DType dtype) const override;

 private:
  void add(const std::string& name, const TensorView& view);
  void read_index(const std::string& folder);

  std::string where_;
  std::map<std::string, MappedSafetensors> files_;    // by file name
  std::map<std::string, const TensorView*> tensors_;  // of all files
};

}  // namespace corank
