// Where the parameters of a model come from: the files of a folder, or one file of another format.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/base/tensor.h"
#include "models/quantized/quantized_tensor.h"

namespace corank {

/// A weight that the files hold packed.
struct PackedWeight {
  StorageFormat format;
  std::function<QuantizedTensor()> read;
  std::vector<std::string> tensors;  // of the files, that belong to it
};

/// By the names of the graph's values.
using PackedWeights = std::map<std::string, PackedWeight>;

class WeightSource {
 public:
  virtual ~WeightSource() = default;

  /// What messages begin with: the file, or the index.
  virtual const std::string& where() const = 0;
  /// Names of all tensors, sorted.
  virtual std::vector<std::string> names() const = 0;
  /// `name` is that in the whole model ("model.layers.0..."). Files of the bare model leave the
  /// first part out, so where the name is not there the one without `prefix` ("model.") counts.
  virtual bool has(const std::string& name, const std::string& prefix) const = 0;
  /// A tensor as F32 or BF16, rounded to nearest even. Throws InputError that names file, tensor,
  /// expected and found: none, another shape, elements that are no floating-point numbers.
  virtual Tensor read(const std::string& name, const std::string& prefix, const Shape& shape,
                      DType dtype) const = 0;
};

}  // namespace corank
