// The weights of a Hugging Face model folder: one model.safetensors, or shards and their index.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "host/formats/mapped_safetensors.h"

namespace corank {

class WeightFiles {
 public:
  /// Maps FOLDER/model.safetensors, or the shards that FOLDER/model.safetensors.index.json names.
  /// The names of old BERT files, LayerNorm.gamma and .beta, become LayerNorm.weight and .bias.
  /// Throws InputError: neither is there (nor readable: PyTorch's own files), a damaged file or
  /// index, a shard that is missing, outside of the folder or lacks a tensor that the index places
  /// there, a tensor that is there by its old and its new name.
  explicit WeightFiles(const std::string& folder);

  /// A tensor by its name in the whole model ("model.layers.0..."). Files of the bare model leave
  /// the first part out, so where the name is not there the one without `prefix` ("model.") counts.
  /// nullptr if there is neither.
  const TensorView* find(const std::string& name, const std::string& prefix) const;

  /// The tensor with this shape. Throws InputError that names file, tensor, expected and found.
  const TensorView& require(const std::string& name, const std::string& prefix,
                            const Shape& shape) const;

  /// Names of all tensors, sorted.
  std::vector<std::string> names() const;

  /// What messages begin with: the file, or the index.
  const std::string& where() const { return where_; }

 private:
  void add(const std::string& name, const TensorView& view);
  void read_index(const std::string& folder);

  std::string where_;
  std::map<std::string, MappedSafetensors> files_;    // by file name
  std::map<std::string, const TensorView*> tensors_;  // of all files
};

}  // namespace corank
