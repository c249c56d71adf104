// The weights of a Hugging Face model folder: one model.safetensors, or shards and their index.
#pragma once

#include <map>
#include <string>

#include "host/formats/mapped_safetensors.h"

namespace corank {

class WeightFiles {
 public:
  /// Maps FOLDER/model.safetensors, or the shards that FOLDER/model.safetensors.index.json names.
  /// Throws InputError: neither is there, a damaged file or index, a shard that is missing, outside
  /// of the folder or lacks a tensor that the index places there.
  explicit WeightFiles(const std::string& folder);

  /// A tensor by its name in the whole model ("model.layers.0..."). Files of the bare model leave
  /// the first part out, so where the name is not there the one without `prefix` ("model.") counts.
  /// nullptr if there is neither.
  const TensorView* find(const std::string& name, const std::string& prefix) const;

  /// The tensor with this shape. Throws InputError that names file, tensor, expected and found.
  const TensorView& require(const std::string& name, const std::string& prefix,
                            const Shape& shape) const;

  /// What messages begin with: the file, or the index.
  const std::string& where() const { return where_; }

 private:
  std::string where_;
  std::map<std::string, MappedSafetensors> files_;    // by file name
  std::map<std::string, const TensorView*> tensors_;  // of all files
};

}  // namespace corank
