#include "models/quantized/quantized_tensor.h"

#include "models/base/error.h"

namespace corank {
namespace {

constexpr std::int64_t kMapSize = 256;

void require_count(const std::string& what, const char* part, std::int64_t expected,
                   std::size_t found) {
  if (static_cast<std::size_t>(expected) != found)
    throw InputError(what + ": " + part + ": expected " + std::to_string(expected) + ", found " +
                     std::to_string(found));
}

void require_tensor(const std::string& what, const char* part, DType dtype, std::int64_t count,
                    const Tensor& tensor) {
  const std::size_t bytes = static_cast<std::size_t>(count) * bytes_of(dtype);
  if (tensor.dtype != dtype || tensor.bytes.size() != bytes)
    throw InputError(what + ": " + part + ": expected " + name_of(dtype) + " of " +
                     std::to_string(count) + ", found " + name_of(tensor.dtype) + " of " +
                     std::to_string(tensor.bytes.size() / bytes_of(tensor.dtype)));
}

}  // namespace

QuantizedTensor::QuantizedTensor(const StorageFormat& its_format, const Shape& its_shape)
    : format(its_format),
      shape(its_shape),
      codes(static_cast<std::size_t>(code_bytes(format, shape))),
      scales(format.scale, {scale_count(format, shape)}),
      zeros(static_cast<std::size_t>(zero_bytes(format, shape))),
      minimums(format.minimums ? DType::F16 : DType::F32,
               {format.minimums ? scale_count(format, shape) : 0}),
      nested_scales(static_cast<std::size_t>(nested_scale_count(format, shape))),
      nested_map(static_cast<std::size_t>(format.nested_block > 0 ? kMapSize : 0)) {}

void check(const QuantizedTensor& tensor, const std::string& what) {
  const StorageFormat& format = tensor.format;
  if (tensor.shape.size() != 2 || element_count(tensor.shape) < 1 || format.block < 1)
    throw InputError(what + ": expected a matrix in blocks of at least one element, found " +
                     to_string(tensor.shape));
  const std::int64_t scales = scale_count(format, tensor.shape);
  require_count(what, "bytes of codes", code_bytes(format, tensor.shape), tensor.codes.size());
  require_count(what, "bytes of zeros", zero_bytes(format, tensor.shape), tensor.zeros.size());
  require_tensor(what, "scales", format.scale, scales, tensor.scales);
  if (format.minimums) require_tensor(what, "minimums", DType::F16, scales, tensor.minimums);
  require_count(what, "nested scales", nested_scale_count(format, tensor.shape),
                tensor.nested_scales.size());
  require_count(what, "map of scales", format.nested_block > 0 ? kMapSize : 0,
                tensor.nested_map.size());
}

std::int64_t bytes_of(const QuantizedTensor& tensor) {
  const std::size_t nested = tensor.nested_scales.size();
  return static_cast<std::int64_t>(tensor.codes.size() + tensor.scales.bytes.size() +
                                   tensor.zeros.size() + tensor.minimums.bytes.size() +
                                   (nested > 0 ? (nested + 1) * sizeof(float) : 0));
}

}  // namespace corank
