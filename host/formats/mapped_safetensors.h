// A safetensors file mapped into memory: a weight is read from the disk when it is touched, and its
// bytes once, however large the file is.
#pragma once

#include <map>
#include <string>

#include "host/formats/mapped_file.h"
#include "host/formats/safetensors_header.h"
#include "models/base/tensor.h"

namespace corank {

/// A tensor in somebody else's memory. `data` need not be aligned to the elements.
struct TensorView {
  StoredDType type;
  Shape shape;
  const std::byte* data = nullptr;
};

class MappedSafetensors {
 public:
  /// Maps the file; refuses what read_safetensors refuses, with the same InputErrors.
  explicit MappedSafetensors(const std::string& path);

  const std::string& path() const { return path_; }
  const std::map<std::string, TensorView>& tensors() const { return tensors_; }

 private:
  std::string path_;
  MappedFile file_;
  std::map<std::string, TensorView> tensors_;
};

/// Gives the memory behind a tensor of a mapped file back: for one that was copied. It is read from
/// the disk again if it is touched again.
void release(const TensorView& view);

/// A tensor's own memory.
TensorView view_of(const Tensor& tensor);
/// A copy as it stands. Throws InputError, beginning with `what`, for a dtype that is not corank's.
Tensor copy_of(const TensorView& view, const std::string& what);
/// The elements as F32 (exact from BF16 and F16). Throws InputError, beginning with `what`, for any
/// other dtype than these.
Tensor to_f32(const TensorView& view, const std::string& what);
/// The elements as BF16; F32 and F16 are rounded to nearest even.
Tensor to_bf16(const TensorView& view, const std::string& what);

}  // namespace corank
