#include "models/base/tensor.h"

#include <algorithm>
#include <utility>

namespace corank {

std::size_t bytes_of(DType dtype) {
  switch (dtype) {
    case DType::BF16:
    case DType::F16:
      return 2;
    case DType::F32:
    case DType::I32:
      return 4;
    case DType::F64:
    case DType::I64:
      return 8;
    case DType::U8:
      return 1;
  }
  return 0;  // not reached: every dtype stands above
}

const char* name_of(DType dtype) {
  switch (dtype) {
    case DType::BF16:
      return "BF16";
    case DType::F16:
      return "F16";
    case DType::F32:
      return "F32";
    case DType::F64:
      return "F64";
    case DType::I32:
      return "I32";
    case DType::I64:
      return "I64";
    case DType::U8:
      return "U8";
  }
  return "";  // not reached: every dtype stands above
}

std::string to_string(const Shape& shape) {
  constexpr std::size_t kMost = 8;  // no tensor of a model has more; a damaged file may
  std::string text = "[";
  for (std::size_t i = 0; i < std::min(shape.size(), kMost); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  if (shape.size() > kMost) text += ", ... " + std::to_string(shape.size()) + " dimensions";
  return text + "]";
}

std::int64_t element_count(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t dimension : shape) count *= dimension;
  return count;
}

Tensor::Tensor(DType element_type, Shape dimensions)
    : dtype(element_type),
      shape(std::move(dimensions)),
      bytes(static_cast<std::size_t>(element_count(shape)) * bytes_of(element_type)) {}

std::int64_t Tensor::rows() const { return shape.size() < 2 ? 1 : shape.front(); }

std::int64_t Tensor::columns() const { return shape.empty() ? 1 : shape.back(); }

}  // namespace corank
